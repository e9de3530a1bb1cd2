"""Configurations: frozen, strict, and read from TOML with every mistake in one sentence.

A configuration class stands in the file that reads it, derives from :class:`Config` and gives
each field its own docstring, which becomes the JSON schema's text. Files are TOML; single values
are replaced as ``--set generator.channels=48`` does.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, to_jsonable_python

from fingan.errors import ConfigError

SomeConfig = TypeVar("SomeConfig", bound="Config")

_SHOULD = re.compile(r"^\w+ should")  # of an input, a string, a tuple ...
_NOT_SO = re.compile(r" after validation, not \d+$")


class Config(BaseModel):
    """A frozen record that refuses unknown keys, wrong types and values that are not finite."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
    )

    @classmethod
    def model_validate(cls: type[SomeConfig], obj: Any, **settings: Any) -> SomeConfig:
        """Validate as pydantic does, but read a mapping as JSON: arrays as tuples, text as dates.

        So what ``model_dump(mode="json")`` wrote comes back equal, also from TOML.
        """
        if isinstance(obj, Mapping):
            return cls.model_validate_json(json.dumps(to_jsonable_python(obj)), **settings)
        return super().model_validate(obj, **settings)


def load_config(
    cls: type[SomeConfig], path: Path | None = None, overrides: Sequence[str] = ()
) -> SomeConfig:
    """Read a configuration: the defaults, then a TOML file, then single values.

    Args:
        cls: The class of the configuration.
        path: A TOML file; None for the defaults.
        overrides: Values such as ``generator.channels=48``, right of the sign as TOML writes
            them; what is no TOML value is text.

    Raises:
        ConfigError: If the file cannot be read, or a key or value does not fit.
    """
    values = {} if path is None else _read_toml(path)
    settings = [_parse_setting(text) for text in overrides]
    for setting in settings:
        _put(values, setting.keys, setting.value)
    try:
        return cls.model_validate(values)
    except ValidationError as invalid:
        raise ConfigError(_sentence(invalid, cls, path, settings)) from None


class _Setting(NamedTuple):
    """One value given as ``key=value``."""

    text: str
    keys: tuple[str, ...]
    value: Any


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as invalid:
        raise ConfigError(f"{path}: a configuration must be TOML, got: {invalid}") from None
    except UnicodeDecodeError as invalid:
        raise ConfigError(
            f"{path}: a configuration must be UTF-8 text, got byte {invalid.start} that is not"
        ) from None
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; a configuration must be a TOML file") from None
    except OSError as failure:
        raise ConfigError(f"{path}: cannot be read: {failure.strerror}") from None


def _parse_setting(text: str) -> _Setting:
    name, sign, written = text.partition("=")
    keys = tuple(key.strip() for key in name.split("."))
    if not sign or not all(keys):
        raise ConfigError(
            f"--set {text}: must be key=value, for example --set generator.channels=48"
        )
    return _Setting(text, keys, _parse_value(written.strip()))


def _parse_value(written: str) -> Any:
    try:
        document = tomllib.loads(f"value = {written}")
    except tomllib.TOMLDecodeError:
        return written
    return document["value"] if len(document) == 1 else written


def _put(values: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    *sections, last = keys
    for key in sections:
        if not isinstance(values.get(key), dict):
            values[key] = {}
        values = values[key]
    values[last] = value


def _sentence(
    invalid: ValidationError, cls: type[Config], path: Path | None, settings: Sequence[_Setting]
) -> str:
    """The first mistake in words, after the place where it was written."""
    error = invalid.errors(include_url=False)[0]
    location = tuple(str(part) for part in error["loc"])
    at_fault = [s for s in settings if _overlap(s.keys, location)]
    place = f"--set {at_fault[-1].text}: " if at_fault else "" if path is None else f"{path}: "
    more = invalid.error_count() - 1
    others = f" (and {more} more)" if more else ""
    return f"{place}{_mistake(error, '.'.join(location), cls)}{others}"


def _overlap(keys: tuple[str, ...], location: tuple[str, ...]) -> bool:
    shared = min(len(keys), len(location))
    return shared > 0 and keys[:shared] == location[:shared]


def _mistake(error: ErrorDetails, key: str, cls: type[Config]) -> str:
    if error["type"] == "extra_forbidden":
        return f"'{key}' is not a key of the configuration; {_nearest(key, cls)}"
    if error["type"] == "missing":
        return f"'{key}' must be given"
    name = f"'{key}' " if key else ""
    if error["type"] == "value_error":
        return f"{name}{error['ctx']['error']}"
    rule = rule_in_words(error["msg"])
    return f"{name}{rule}, got {error['input']!r}"


def rule_in_words(message: str) -> str:
    """What pydantic says of a value, as what must hold: 'must be greater than 0'."""
    return _NOT_SO.sub("", _SHOULD.sub("must", message))


def _nearest(key: str, cls: type[Config]) -> str:
    """The mend for an unknown key: the nearest one of its section or elsewhere, or all of them."""
    section, _, last = key.rpartition(".")
    elsewhere = {name.rpartition(".")[2]: name for name in _dotted_keys(cls)}
    siblings = {
        name.rpartition(".")[2]: name
        for name in _dotted_keys(cls)
        if name.rpartition(".")[0] == section
    }
    for known in (siblings, elsewhere):
        if near := difflib.get_close_matches(last, known, n=1):
            return f"did you mean '{known[near[0]]}'?"
    return f"it has {', '.join((siblings or elsewhere).values())}"


def _dotted_keys(cls: type[Config], prefix: str = "") -> Iterator[str]:
    for name, field in cls.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, Config):
            yield from _dotted_keys(field.annotation, f"{prefix}{name}.")

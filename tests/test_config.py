import datetime
from pathlib import Path
from typing import Literal

import pytest
from pydantic import PositiveInt, ValidationError, model_validator

from fingan.config import Config, load_config
from fingan.errors import ConfigError


class GeneratorConfig(Config):
    channels: PositiveInt = 48
    """Width of the network."""
    dilations: tuple[int, ...] = (1, 2, 4)
    tails: Literal["empirical", "student"] = "empirical"
    learning_rate: float = 2e-4


class RunConfig(Config):
    seed: int = 0
    label: str = "run"
    since: datetime.date | None = None
    generator: GeneratorConfig = GeneratorConfig()

    @model_validator(mode="after")
    def _seed_is_even(self) -> "RunConfig":
        if self.seed % 2:
            raise ValueError(f"seed must be even, got {self.seed}")
        return self


@pytest.fixture
def write(tmp_path: Path):
    def write_text(text: str) -> Path:
        path = tmp_path / "run.toml"
        path.write_text(text)
        return path

    return write_text


def test_without_file_or_settings_the_defaults_stand():
    assert load_config(RunConfig) == RunConfig()


def test_a_file_replaces_defaults_and_settings_replace_the_file(write):
    path = write("seed = 2\nsince = 2014-12-31\n[generator]\nchannels = 32\ndilations = [1, 2]\n")
    config = load_config(RunConfig, path, ["generator.channels=16", "label=my run"])
    assert config == RunConfig(
        seed=2,
        label="my run",
        since=datetime.date(2014, 12, 31),
        generator=GeneratorConfig(channels=16, dilations=(1, 2)),
    )


def test_settings_are_written_as_toml_writes_them():
    settings = ["generator.dilations=[1, 8]", "generator.learning_rate=1e-3", 'label="7"']
    config = load_config(RunConfig, None, settings)
    assert config.generator.dilations == (1, 8)
    assert config.generator.learning_rate == 1e-3
    assert config.label == "7"


def test_json_written_from_a_config_reads_back_equal():
    config = RunConfig(since=datetime.date(2020, 1, 2), generator=GeneratorConfig(dilations=(3,)))
    assert RunConfig.model_validate(config.model_dump(mode="json")) == config
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert RunConfig.model_validate(config) is config


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        RunConfig().seed = 4


def test_docstrings_describe_the_fields_in_the_schema():
    schema = GeneratorConfig.model_json_schema()
    assert schema["properties"]["channels"]["description"] == "Width of the network."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[generator]\nchanels = 3",
            "'generator.chanels' is not a key of the configuration;"
            " did you mean 'generator.channels'?",
        ),
        (
            "channels = 3",
            "'channels' is not a key of the configuration; did you mean 'generator.channels'?",
        ),
        (
            "[generator]\nzzz = 3",
            "'generator.zzz' is not a key of the configuration; it has generator.channels,"
            " generator.dilations, generator.tails, generator.learning_rate",
        ),
        (
            '[generator]\nchannels = "wide"',
            "'generator.channels' must be a valid integer, got 'wide'",
        ),
        ("[generator]\nchannels = 0", "'generator.channels' must be greater than 0, got 0"),
        (
            '[generator]\ntails = "gpd"',
            "'generator.tails' must be 'empirical' or 'student', got 'gpd'",
        ),
        (
            "[generator]\nlearning_rate = nan",
            "'generator.learning_rate' must be a finite number, got nan",
        ),
        ("seed = 3", "seed must be even, got 3"),
        ("generator = 3", "'generator' must be an object, got 3"),
        (
            "seed = 2.5\nlabel = 1",
            "'seed' must be a valid integer, got 2.5 (and 1 more)",
        ),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence_that_names_the_file(write, text, sentence):
    path = write(text)
    with pytest.raises(ConfigError) as refused:
        load_config(RunConfig, path)
    assert str(refused.value) == f"{path}: {sentence}"


def test_a_mistake_in_a_setting_names_the_setting(write):
    with pytest.raises(ConfigError) as refused:
        load_config(RunConfig, write("seed = 2"), ["label=x", "generator.chanels=3"])
    assert str(refused.value).startswith("--set generator.chanels=3: 'generator.chanels' is not")


@pytest.mark.parametrize("setting", ["generator.channels", "=3", "generator..channels=3"])
def test_a_setting_must_be_key_and_value(setting):
    with pytest.raises(ConfigError, match="must be key=value"):
        load_config(RunConfig, None, [setting])


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(ConfigError, match=r"run\.toml: no such file"):
        load_config(RunConfig, tmp_path / "run.toml")


def test_a_directory_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: "):
        load_config(RunConfig, tmp_path)


def test_broken_toml_is_refused_with_its_line(write):
    with pytest.raises(ConfigError, match=r"must be TOML, got: .*line 2"):
        load_config(RunConfig, write("seed = 2\nlabel = \n"))


def test_a_file_that_is_no_text_is_refused(write):
    path = write("")
    path.write_bytes(b"seed = 2\n\xff\xfe")
    with pytest.raises(ConfigError, match="must be UTF-8 text, got byte 9"):
        load_config(RunConfig, path)

"""The run-time type checker of the test runs: beartype, for every hint that it can check.

An int may stand where a float is asked for, as for mypy. ``Self``, plain protocols and names that
are imported for type checkers only are left to mypy.
"""

from collections.abc import Callable
from typing import Any, get_type_hints

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeDecorHintException

Function = Callable[..., Any]
_checked: Callable[[Function], Function] = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function: Function) -> Function:
    """The function with its arguments and result checked at each call."""
    try:
        get_type_hints(function)
        return _checked(function)
    except (BeartypeDecorHintException, NameError):
        return function

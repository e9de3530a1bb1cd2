from collections.abc import Callable
from typing import NamedTuple

import pytest

from fingan.cli.app import main


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``fingan`` with these arguments in this process."""
    monkeypatch.delenv("FINGAN_STORE", raising=False)
    monkeypatch.delenv("FINGAN_DEBUG", raising=False)

    def run_command(*arguments: object) -> Ended:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Ended(code, *capsys.readouterr())

    return run_command

import pytest
import typer

import fingan
from fingan.cli import app as cli
from fingan.errors import PriceDataError, TrainingDivergedError

COMMANDS = [
    ("demo",),
    ("train",),
    ("generate",),
    ("evaluate",),
    ("backtest",),
    ("report",),
    ("privacy",),
    ("prices", "check"),
    ("models", "list"),
    ("models", "show"),
    ("models", "verify"),
]


@pytest.fixture
def failing(monkeypatch):
    """Make ``fingan fail`` raise what the test hands over."""

    def use(failure: BaseException) -> None:
        broken = typer.Typer()
        broken.callback()(lambda: None)

        @broken.command()
        def fail() -> None:
            raise failure

        monkeypatch.setattr(cli, "app", broken)

    return use


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_of_every_command_has_an_example(run, command):
    ended = run(*command, "--help")
    assert ended.code == 0
    assert f"Example: fingan {' '.join(command)}" in ended.out


def test_version_is_printed(run):
    assert run("--version") == (0, f"fingan {fingan.__version__}\n", "")


def test_without_a_command_the_help_is_shown(run):
    ended = run()
    assert ended.code == 0
    assert "generate" in ended.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("trian",), "error: No such command 'trian'. Did you mean 'train'?"),
        (("train", "--prices", "x.csv"), "error: Missing option '--name'"),
        (("models", "show"), "error: Missing argument 'MODEL'"),
        (
            ("generate", "m", "--prices", "x", "--out", "y.csv", "--as-of", "soon"),
            "error: Invalid value for '--as-of': must be a date such as 2020-03-16, got 'soon'",
        ),
    ],
)
def test_bad_usage_is_one_sentence_and_exit_code_2(run, arguments, sentence):
    assert run(*arguments) == (2, "", sentence + "\n")


def test_a_mistake_of_the_caller_is_one_sentence_and_exit_code_2(run, failing):
    failing(PriceDataError("prices.csv: 'SPY' is -1.0 on 2019-03-04; prices must be positive"))
    assert run("fail") == (
        2,
        "",
        "error: prices.csv: 'SPY' is -1.0 on 2019-03-04; prices must be positive\n",
    )


def test_a_diverged_training_ends_with_exit_code_1_and_its_values(run, failing):
    failing(TrainingDivergedError(12, {"critic_loss": float("nan")}))
    ended = run("fail")
    assert ended.code == 1
    assert "got critic_loss nan in step 12" in ended.err


def test_any_other_failure_is_one_line_and_exit_code_1(run, failing):
    failing(OSError(28, "No space left on device\nat all"))
    assert run("fail") == (1, "", "error: OSError: [Errno 28] No space left on device at all\n")


def test_debug_adds_the_traceback(run, failing, monkeypatch):
    failing(RuntimeError("broken"))
    monkeypatch.setenv("FINGAN_DEBUG", "1")
    ended = run("fail")
    assert ended.code == 1
    assert "Traceback" in ended.err
    assert ended.err.endswith("error: RuntimeError: broken\n")


def test_ctrl_c_ends_with_130_and_a_note(run, failing):
    failing(KeyboardInterrupt())
    assert run("fail") == (130, "", "interrupted: no file was left half-written\n")

from dataclasses import dataclass

from fingan.cli.training_progress import follow


@dataclass(frozen=True)
class Report:
    step: int
    total_steps: int
    metrics: dict[str, float]
    seconds: float
    warning: str | None = None
    member: int = 0
    n_members: int = 1


def reports(steps: range, total: int) -> list[Report]:
    return [Report(step, total, {"critic_loss": 1 / step}, 0.5 * step) for step in steps]


def test_the_last_report_is_returned():
    assert follow(iter(reports(range(1, 6), 5))).step == 5


def test_a_log_has_about_ten_lines_with_terms_and_time_left(capsys):
    follow(reports(range(1, 101), 100))
    lines = capsys.readouterr().err.splitlines()
    assert 10 <= len(lines) <= 12
    assert lines[5].startswith("step 51/100  24 s left  critic loss 0.01961")


def test_of_several_generators_the_one_in_training_is_named(capsys):
    follow(Report(step, 4, {}, 1.0, None, (step - 1) // 2, 2) for step in range(1, 5))
    lines = capsys.readouterr().err.splitlines()
    assert "step 1/4, generator 1 of 2" in lines[0]
    assert "step 4/4, generator 2 of 2" in lines[-1]


def test_a_resumed_run_measures_its_pace_from_where_it_went_on(capsys):
    follow(reports(range(900, 1001, 50), 1000))
    assert "step 900/1000" in capsys.readouterr().err


def test_on_a_terminal_a_bar_shows_the_steps(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    follow(reports(range(1, 5), 4))
    shown = capsys.readouterr().err
    assert "4/4" in shown
    assert "critic loss 0.25" in shown


def test_what_a_check_finds_wrong_is_said_once(capsys):
    warnings = [None, "paths have collapsed", "paths have collapsed", None]
    follow(Report(step, 4, {}, 1.0, text) for step, text in enumerate(warnings, 1))
    assert capsys.readouterr().err.count("warning: step 2: paths have collapsed") == 1

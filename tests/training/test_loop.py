import dataclasses
import math

import pytest
import torch

from fingan.errors import PriceDataError, TrainingDivergedError
from fingan.training.loop import REPORT_EVERY, fit, initial_state
from fingan.training.members import member_config, published_members
from fingan.training.selection import collapse, is_worth_it

STEPS, EVERY = 60, 20


def run(returns, config, **settings):
    return list(fit(returns, config, **settings))


def weights(progress):
    state = progress.state
    modules = {"generator": state.generator, "critic": state.critic, "average": state.average}
    modules["best"] = state.best
    return {
        f"{name}.{key}": tensor.clone()
        for name, module in modules.items()
        for key, tensor in module.state_dict().items()
    }


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


@pytest.fixture(scope="module")
def unbroken(returns, make_config):
    """Reports of one run, and the weights it ended with."""
    reports = run(returns, make_config())
    return reports, weights(reports[-1])


def test_fit_reports_at_every_check_and_every_so_many_steps(unbroken):
    reports, _ = unbroken
    checks = set(range(EVERY, STEPS + 1, EVERY))
    assert [report.step for report in reports] == sorted(checks | {REPORT_EVERY})
    assert [report.step for report in reports if report.is_check] == sorted(checks)
    assert {report.total_steps for report in reports} == {STEPS}
    assert [record["step"] for record in reports[-1].state.curve] == [0, *sorted(checks)]


def test_the_last_step_is_reported_and_checked_wherever_it_falls(returns, make_config):
    reports = run(returns, make_config(steps=7))
    assert [(report.step, report.is_check) for report in reports] == [(7, True)]


def test_a_report_holds_every_term_of_the_objective(unbroken):
    for report in unbroken[0]:
        terms = {"critic_loss", "generator_loss", "r1", "r2"}
        checked = {"validation_score", "gain", "gain_error", "spread_ratio", "distinct_ratio"}
        assert terms | checked <= set(report.metrics)
        assert all(math.isfinite(value) for value in report.metrics.values())
        assert report.seconds > 0


def test_two_runs_end_with_the_same_bits(unbroken, returns, make_config):
    torch.manual_seed(12345)  # the state of the process has no say
    again = run(returns, make_config())
    assert_same_bits(weights(again[-1]), unbroken[1])
    assert again[-1].state.curve == unbroken[0][-1].state.curve


def test_a_run_leaves_the_random_numbers_of_the_process_alone(returns, make_config):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    run(returns, make_config(steps=1))
    assert torch.equal(torch.rand(3), expected)


def test_another_seed_is_another_run(unbroken, returns, make_config):
    other = weights(run(returns, make_config(seed=1, steps=1))[-1])
    assert not torch.equal(
        other["critic.joint.stretch.weight"], unbroken[1]["critic.joint.stretch.weight"]
    )


def test_training_moves_every_weight(unbroken, training_set, make_config):
    start = initial_state(training_set, make_config(), torch.device("cpu"))
    moved = unbroken[0][-1].state
    for name in ("generator", "critic"):
        before = dict(getattr(start, name).named_parameters())
        for key, after in getattr(moved, name).named_parameters():
            is_constant = key.endswith("score.bias")  # cancels in a difference of scores
            assert is_constant or not torch.equal(after, before[key]), f"{name}.{key}"


def test_the_best_check_is_published(unbroken):
    state = unbroken[0][-1].state
    healthy = [record for record in state.curve if collapse(record) is None]
    worthy = [record for record in healthy if record["step"] == 0 or is_worth_it(record)]
    best = min(worthy, key=lambda record: record["validation_score"])
    assert state.best_step == best["step"]
    assert state.best_scores["validation_score"] == best["validation_score"]


def test_the_start_gains_nothing_on_itself(unbroken):
    first = unbroken[0][-1].state.curve[0]
    assert (first["step"], first["gain"], first["gain_error"]) == (0, 0, 0)


def test_rows_after_the_training_period_change_nothing(returns, make_config):
    """The table ends where the training period ends; what a longer table held has no way in."""
    config, until = make_config(steps=5), returns.dates[599]
    changed = returns.values.clone()
    changed[600:] *= -9
    ends = [
        weights(run(dataclasses.replace(returns, values=values).until(until), config)[-1])
        for values in (returns.values, changed)
    ]
    assert_same_bits(*ends)


def test_a_market_with_gaps_trains(gappy, make_config):
    (report,) = run(gappy, make_config(steps=10))
    assert all(math.isfinite(value) for value in report.metrics.values())
    assert all(tensor.isfinite().all() for tensor in weights(report).values())


def test_one_asset_alone_trains(returns, make_config):
    alone = dataclasses.replace(returns, assets=("ABLE",), values=returns.values[:, :1])
    (report,) = run(alone, make_config(steps=5))
    assert all(tensor.isfinite().all() for tensor in weights(report).values())


def test_an_asset_that_ends_before_the_validation_span_does_not_count_as_collapse(
    gappy, make_config
):
    (report,) = run(gappy, make_config(steps=10))
    assert report.warning is None
    assert report.state.best_scores


def test_a_short_history_is_refused_before_the_first_step(returns, make_config):
    with pytest.raises(PriceDataError, match="at least 138 steps"):
        next(fit(returns.until(returns.dates[100]), make_config()))


def test_a_loss_that_is_not_finite_stops_the_run_in_that_step(returns, make_config):
    def spoil(state):
        state.step = 4
        with torch.no_grad():
            state.critic.joint.score.weight.fill_(math.inf)

    with pytest.raises(TrainingDivergedError, match="in step 4") as stopped:
        run(returns, make_config(), resume=spoil)
    assert stopped.value.step == 4
    assert not math.isfinite(stopped.value.values["critic_loss"])


def test_a_collapse_is_said_and_never_published(returns, make_config):
    def silence(state):
        with torch.no_grad():
            state.generator.innovations.exit.bias.fill_(-8.0)
            state.average.innovations.exit.bias.fill_(-8.0)

    config = make_config(steps=20)
    (report,) = run(returns, config, resume=silence)
    assert report.warning is not None
    assert report.state.best_scores == {}


@pytest.fixture(scope="module")
def ensemble(returns, make_config):
    """Reports of a run of three generators."""
    return run(returns, make_config(ensemble=3, steps=25))


def test_steps_are_counted_over_all_generators(ensemble):
    assert [report.step for report in ensemble] == [20, 25, 45, 50, 70, 75]
    assert [report.member for report in ensemble] == [0, 0, 1, 1, 2, 2]
    assert {(report.total_steps, report.n_members) for report in ensemble} == {(75, 3)}
    for member in ensemble[-1].state.members:
        assert [record["step"] for record in member.curve] == [0, 20, 25]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_generator_is_the_one_that_it_would_be_alone(ensemble, returns, make_config, number):
    alone = run(returns, member_config(make_config(ensemble=3, steps=25), number))[-1].state
    member = ensemble[-1].state.members[number]
    assert_same_bits(alone.best.state_dict(), member.generator.state_dict())
    assert (alone.curve, alone.best_scores) == (member.curve, member.best_scores)


def test_generators_of_an_ensemble_differ(ensemble):
    first, second, third = ensemble[-1].state.members
    for one, other in ((first, second), (second, third)):
        mine, theirs = (member.generator.state_dict() for member in (one, other))
        assert not torch.equal(mine["innovations.entry.weight"], theirs["innovations.entry.weight"])


def test_a_generator_that_collapses_is_left_out_and_the_others_are_not(returns, make_config):
    def silence(state):
        with torch.no_grad():
            state.generator.innovations.exit.bias.fill_(-8.0)
            state.average.innovations.exit.bias.fill_(-8.0)

    first, second = run(returns, make_config(ensemble=2, steps=20), resume=silence)
    assert first.warning is not None
    assert second.warning is None
    members = second.state.members
    assert [member.is_healthy for member in members] == [False, True]
    assert published_members(members) == members[1:]

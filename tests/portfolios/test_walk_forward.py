"""Walking forward: what is held, what it costs, and that the future is not looked at."""

import json

import pandas as pd
import pytest

import fingan
from fingan.errors import PriceDataError, RequestError
from fingan.portfolios.objectives import OptimizeRequest
from fingan.portfolios.walk_forward import Comparison, WalkForwardRequest, walk_forward
from fingan.scenarios.samplers import Sampler

OPTIMIZE = OptimizeRequest(max_weight=0.6)
WALK = WalkForwardRequest(
    every=40,
    window=200,
    n_paths=300,
    n_samples=100,
    strategies=("model", "fhs-gjr", "empirical", "min-variance", "hrp"),
)


@pytest.fixture(scope="module")
def trained(garch_prices: pd.DataFrame) -> Sampler:
    """A model that ends before the last 200 rows."""
    return fingan.baseline("gaussian", garch_prices.iloc[:600])


@pytest.fixture(scope="module")
def compared(trained: Sampler, garch_prices: pd.DataFrame) -> Comparison:
    """One comparison that several tests look at."""
    return walk_forward(trained, garch_prices, OPTIMIZE, WALK)


def test_every_strategy_is_judged_on_the_same_days(
    compared: Comparison, garch_prices: pd.DataFrame
) -> None:
    names = [one.strategy for one in compared.performances]
    assert names == ["model", "fhs-gjr", "empirical", "min-variance", "hrp", "1/N"]
    # decided on row 599, traded a row later, so the first return is that of row 601
    assert compared.first == f"{garch_prices.index[601]:%Y-%m-%d}"
    assert compared.n_days == len(garch_prices) - 601
    assert compared.n_decisions == 5
    assert all(one.verdicts.keys() == one.differences.keys() for one in compared.performances)


def test_equal_weights_without_costs_are_what_they_earn_by_hand(
    trained: Sampler, garch_prices: pd.DataFrame
) -> None:
    walk = WALK.model_copy(update={"strategies": (), "every": 500 - 400, "lag": 0})
    free = OPTIMIZE.model_copy(update={"costs_bps": 0.0})
    (equal,) = walk_forward(trained, garch_prices, free, walk).performances
    moves = garch_prices.iloc[599:700].to_numpy() / garch_prices.iloc[599].to_numpy()
    later = garch_prices.iloc[699:].to_numpy() / garch_prices.iloc[699].to_numpy()
    wealth = pd.concat([pd.Series(moves.mean(1)), pd.Series(moves.mean(1)[-1] * later.mean(1)[1:])])
    earned = wealth.pct_change().iloc[1:]
    assert equal.figures["return_per_year"].estimate == pytest.approx(252 * earned.mean())


def test_costs_are_paid_on_what_drifted_away(trained: Sampler, garch_prices: pd.DataFrame) -> None:
    walk = WALK.model_copy(update={"strategies": ()})
    (found,) = walk_forward(trained, garch_prices, OPTIMIZE, walk).performances
    free = OPTIMIZE.model_copy(update={"costs_bps": 0.0})
    (before,) = walk_forward(trained, garch_prices, free, walk).performances
    assert found.cost_per_year == pytest.approx(found.turnover_per_year * 0.001)
    drag = before.figures["return_per_year"].estimate - found.figures["return_per_year"].estimate
    assert drag == pytest.approx(found.cost_per_year, rel=0.02)
    years = found.turnover_per_year * 199 / 252
    assert 1 < years < 1.5  # bought once, then brought back


def test_later_rows_do_not_change_earlier_days(
    trained: Sampler, garch_prices: pd.DataFrame
) -> None:
    walk = WALK.model_copy(update={"last": f"{garch_prices.index[700]:%Y-%m-%d}"})
    changed = garch_prices.copy()
    changed.iloc[701:] *= 3
    one = walk_forward(trained, garch_prices, OPTIMIZE, walk)
    assert walk_forward(trained, changed, OPTIMIZE, walk).record() == one.record()


def test_generators_are_fitted_on_the_past_alone(
    trained: Sampler, garch_prices: pd.DataFrame
) -> None:
    ends = []

    def fit(past: pd.DataFrame) -> Sampler:
        ends.append(past.index[-1])
        return fingan.baseline("gaussian", past)

    walk = WALK.model_copy(update={"strategies": ("model",), "refit": 80})
    walk_forward(trained, garch_prices, OPTIMIZE, walk, fit)
    assert ends == list(garch_prices.index[[599, 679, 759]])


def test_training_days_are_refused_unless_allowed(
    trained: Sampler, garch_prices: pd.DataFrame
) -> None:
    walk = WALK.model_copy(
        update={"first": f"{garch_prices.index[500]:%Y-%m-%d}", "strategies": ()}
    )
    with pytest.raises(RequestError, match="first must lie after the model's training"):
        walk_forward(trained, garch_prices, OPTIMIZE, walk)
    allowed = walk_forward(trained, garch_prices, OPTIMIZE, walk, in_sample=True)
    assert allowed.notes == ("in-sample: the model was trained on days of the span",)


def test_a_span_without_room_is_refused(trained: Sampler, garch_prices: pd.DataFrame) -> None:
    walk = WALK.model_copy(update={"first": f"{garch_prices.index[-5]:%Y-%m-%d}"})
    with pytest.raises(RequestError, match="first must lie after 250 rows and at least 42 before"):
        walk_forward(trained, garch_prices, OPTIMIZE, walk)


def test_a_missing_price_is_named(trained: Sampler, garch_prices: pd.DataFrame) -> None:
    broken = garch_prices.copy()
    broken.loc[garch_prices.index[650], "DOG"] = float("nan")
    with pytest.raises(PriceDataError, match="'DOG' must have a price on every row"):
        walk_forward(trained, broken, OPTIMIZE, WALK)


def test_the_record_is_json(compared: Comparison) -> None:
    record = compared.record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["reference"] == "1/N"


@pytest.mark.slow
def test_the_vine_prior_takes_part(trained: Sampler, garch_prices: pd.DataFrame) -> None:
    walk = WALK.model_copy(update={"strategies": ("vine",), "every": 90})
    vine, _ = walk_forward(trained, garch_prices, OPTIMIZE, walk).performances
    assert vine.strategy == "vine"
    assert 0 < vine.figures["volatility_per_year"].estimate < 1

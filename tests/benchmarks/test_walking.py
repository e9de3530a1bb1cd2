import pandas as pd
import pytest
import torch

from benchmarks.walking import Walking
from fingan.data.returns import log_returns
from fingan.errors import RequestError
from fingan.pipeline import baseline
from fingan.scenarios.forecasts import forecasts
from fingan.scenarios.samplers import Sampler


def historical(past: pd.DataFrame) -> Sampler:
    return baseline("historical", past)


@pytest.fixture(scope="module")
def walk(garch_prices: pd.DataFrame) -> Walking:
    return Walking.of(garch_prices, [400, 500, 600], 100, historical)


def test_each_training_ends_on_its_row_and_begins_on_the_first(
    walk: Walking, garch_prices: pd.DataFrame
) -> None:
    ends = [model.fitted_until for model in walk.models]
    assert ends == list(garch_prices.index[[400, 500, 600]])
    assert walk.fitted_until == garch_prices.index[400]
    seen: list[pd.DataFrame] = []
    Walking.of(garch_prices, [400], 100, lambda past: (seen.append(past), historical(past))[1])
    assert seen[0].index[0] == garch_prices.index[100]


def test_a_day_is_forecast_by_the_newest_training_before_it(
    walk: Walking, garch_prices: pd.DataFrame
) -> None:
    rows = [400, 499, 500, 799]
    dates = [garch_prices.index[row] for row in rows]
    drawn = list(forecasts(walk, garch_prices, dates, 2, 16, seed=3))
    for cube, date, number in zip(drawn, dates, (0, 0, 1, 2), strict=True):
        (alone,) = forecasts(walk.models[number], garch_prices, [date], 2, 16, seed=3)
        assert torch.equal(cube, alone)
    as_of = dates[2]
    sampled = walk.sample(garch_prices, 2, 16, seed=3, as_of=as_of).log_returns
    same = walk.models[1].sample(garch_prices, 2, 16, seed=3, as_of=as_of).log_returns
    assert torch.equal(sampled, same)


def test_no_day_before_the_first_training_can_be_forecast(
    walk: Walking, garch_prices: pd.DataFrame
) -> None:
    with pytest.raises(RequestError, match="a date must not lie before"):
        walk.at(garch_prices.index[399])
    assert walk.assets == log_returns(garch_prices).assets

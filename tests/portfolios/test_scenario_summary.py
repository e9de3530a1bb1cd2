"""The summary's figures are those of the cube, its errors those of another seed."""

import pytest
import torch

from fingan.errors import RequestError, UnknownAssetError
from fingan.portfolios.scenario_summary import MOST_STEPS, SummaryRequest, scenario_summary
from fingan.risk.portfolio import Portfolio
from fingan.scenarios.baselines import baseline


@pytest.fixture(scope="module")
def sampler(garch_prices):
    return baseline("historical", garch_prices)


def summary(sampler, prices, portfolio=None, **asked):
    return scenario_summary(sampler, prices, portfolio, SummaryRequest(**asked)).record()


def test_figures_are_those_of_the_same_cube(sampler, garch_prices):
    held = Portfolio(("ABLE", "DOG"), torch.tensor([0.7, 0.3], dtype=torch.float64))
    record = summary(sampler, garch_prices, held, horizon=5, n_paths=2_000, seed=4)
    cube = sampler.sample(garch_prices, 5, 2_000, seed=4)
    growth = cube.log_returns.double().cumsum(1).exp()
    value = 0.7 * growth[..., 0] + 0.3 * growth[..., 3] - 1
    last = record["fan"]["portfolio"][-1]
    assert last["mean"]["estimate"] == pytest.approx(float(value[:, -1].mean()))
    median = next(one for one in last["quantiles"] if one["level"] == 0.5)
    assert median["estimate"] == pytest.approx(float(value[:, -1].median()), abs=1e-4)
    moments = record["moments"]["DOG"]
    assert moments["volatility"]["estimate"] == pytest.approx(
        float((growth[:, -1, 3] - 1).std(correction=0))
    )
    totals = cube.log_returns.double().sum(1)
    torch.testing.assert_close(
        torch.tensor(record["correlations"]["estimate"], dtype=torch.float64),
        torch.corrcoef(totals.T),
    )
    assert record["paths"]["values"]["DOG"][7][-1] == pytest.approx(float(growth[7, -1, 3] - 1))


def test_errors_are_the_scatter_over_seeds(sampler, garch_prices):
    found = [
        summary(sampler, garch_prices, horizon=3, n_paths=500, seed=seed, assets=("ABLE", "DOG"))
        for seed in range(40)
    ]

    def scatter(pick):
        figures = [pick(record) for record in found]
        spread = torch.tensor([one["estimate"] for one in figures]).std()
        return float(spread) / (sum(one["mc_se"] for one in figures) / len(figures))

    picks = [
        lambda record: record["fan"]["portfolio"][-1]["mean"],
        lambda record: record["fan"]["ABLE"][-1]["quantiles"][1],
        lambda record: record["moments"]["DOG"]["volatility"],
        lambda record: record["drawdowns"]["portfolio"][4],
        lambda record: {
            "estimate": record["correlations"]["estimate"][0][1],
            "mc_se": record["correlations"]["mc_se"][0][1],
        },
    ]
    for pick in picks:
        assert 0.7 < scatter(pick) < 1.4


def test_a_long_horizon_is_shown_at_few_steps(sampler, garch_prices):
    fan = summary(sampler, garch_prices, horizon=500, n_paths=100)["fan"]["portfolio"]
    assert len(fan) == MOST_STEPS
    assert fan[-1]["step"] == 500
    assert fan[-1]["date"] is not None


def test_what_cannot_be_summarised_is_refused(sampler, garch_prices):
    with pytest.raises(UnknownAssetError, match="asset 'CAT'"):
        summary(sampler, garch_prices, assets=("CAT",))
    with pytest.raises(RequestError, match=r"quantiles must be one or more rising levels"):
        summary(sampler, garch_prices, quantiles=(0.9, 0.1))

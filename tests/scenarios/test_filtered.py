import pytest
import torch

from fingan.data.returns import log_returns
from fingan.data.scaling import ReturnScaler
from fingan.scenarios.baselines import baseline
from fingan.scenarios.filtered import FilteredLaw, standardised
from fingan.scenarios.samplers import ScenarioRequest
from fingan.volatility.filter import VolatilityFilter

HORIZON = 300  # long enough for the recurrence to be swept by blocks


class SomeNormals:
    """Innovations whose every number is known."""

    def __init__(self, n_assets):
        random = torch.Generator().manual_seed(3)
        self.normals = torch.randn(HORIZON, 512, n_assets, generator=random)

    def draw(self, request, _first, _n_blocks):
        return self.normals[: request.horizon].clone()


@pytest.mark.parametrize("gamma", [0.0, 0.12])
@pytest.mark.parametrize("horizon", [1, 2, 17, HORIZON])
def test_each_step_is_a_shock_times_the_volatility_that_the_filter_gives(
    garch_prices, gamma, horizon
):
    table = log_returns(garch_prices)
    scaler = ReturnScaler.fit(table)
    one = torch.ones(4, dtype=torch.float64)
    volatility = VolatilityFilter(0.02 * one, 0.04 * one, gamma * one, 0.88 * one, one)
    source = SomeNormals(4)
    law = FilteredLaw(scaler, volatility, source)
    drawn = law.continuations(table)(400, ScenarioRequest(horizon, 512, 0))(0)
    history = scaler.transform(table.values[:401])
    for path in (0, 100, 511):
        joined = torch.cat([history, scaler.transform(drawn[path].double())])
        found = standardised(joined, volatility)[401:]
        torch.testing.assert_close(
            found.float(), source.normals[:horizon, path], rtol=2e-3, atol=1e-4
        )


def test_the_history_of_a_forecast_ends_at_its_row(garch_prices):
    table = log_returns(garch_prices)
    law = baseline("fhs-gjr", garch_prices).law
    spreads = law.volatility.variances(law.scaler.transform(table.values)).sqrt() * law.scaler.std
    continued = law.continuations(table)
    for row in (100, 400, 798):
        drawn = continued(row, ScenarioRequest(1, 512, 1))(0, 20).squeeze(1).double()
        innovations = (drawn - law.scaler.mean) / spreads[row + 1]
        torch.testing.assert_close(
            innovations.std(0), law.innovations.values.double().std(0), rtol=0.05, atol=0
        )

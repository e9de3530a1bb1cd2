"""What is fitted to a span of returns before any network, and again when a trained one is kept."""

from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.models.families import is_conditional
from fingan.models.generators import Family
from fingan.models.market_filter import MarketFilter
from fingan.volatility.component import unchanged_days
from fingan.volatility.drift import expected_returns
from fingan.volatility.time_of_day import TimeOfDay, fit_time_of_day


@dataclass(frozen=True)
class Fitted:
    """Scaling, time of day and filter of one span."""

    scaler: ReturnScaler
    time_of_day: TimeOfDay
    law: MarketFilter

    def scaled(self, table: ReturnTable) -> Float[Tensor, "n_days n_assets"]:
        """Returns as the filter takes them, of this span or of any other."""
        return self.scaler.transform(table.values) / self.time_of_day.of(table.dates)


def fit_market(span: ReturnTable, family: Family) -> Fitted:
    """Fit to every row of a table, and to nothing else.

    Raises:
        PriceDataError: If an asset never moves in the span.
    """
    scaler = ReturnScaler.fit(span)
    scaled = scaler.transform(span.values)
    time_of_day = fit_time_of_day(scaled, span.dates)
    factors = time_of_day.of(span.dates)
    known = scaled / factors
    if is_conditional(family):
        law = MarketFilter.fit(known, unchanged_days(span.values))
    else:
        law = MarketFilter.unconditional(known)
    variances = law.volatility.variances(known)[:-1] * factors.square()
    expected = expected_returns(span.values / scaler.std, variances)
    return Fitted(replace(scaler, mean=expected * scaler.std), time_of_day, law)

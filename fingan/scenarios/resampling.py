"""Joint past days, drawn again: plain, or as innovations of volatility filters.

Source: Barone-Adesi, Giannopoulos & Vosper (1999), VaR without correlations for portfolios of
derivative securities; Hull & White (1998), Incorporating volatility updating into the historical
simulation method for value-at-risk.
"""

from dataclasses import dataclass

from jaxtyping import Float, Float32, Int64
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.errors import PriceDataError
from fingan.scenarios.filtered import FilteredLaw, Steps, standardised
from fingan.scenarios.noise import path_rows
from fingan.scenarios.samplers import BLOCK_SIZE, Continuations, DrawBlock, ScenarioRequest
from fingan.volatility.filter import FilterKind, fit_filter

MIN_DAYS = 100  # joint days below which resampling says nothing
Days = Float[Tensor, "n_rows n_assets"]


def joint_days(days: Float[Tensor, "n_days n_assets"]) -> Days:
    """The days on which every asset was observed.

    Raises:
        PriceDataError: If there are too few.
    """
    joint: Tensor = days[~days.isnan().any(1)]
    if len(joint) < MIN_DAYS:
        raise PriceDataError(
            f"at least {MIN_DAYS} days must have a return of every asset, got {len(joint)} of"
            f" {len(days)}; leave short-lived assets out"
        )
    return joint


def rows_of(
    days: Float32[Tensor, "n_rows n_assets"], rows: Int64[Tensor, "horizon n_paths"]
) -> Steps:
    """Days by their numbers."""
    return days.index_select(0, rows.flatten()).unflatten(0, rows.shape)


@dataclass(frozen=True)
class HistoricalSimulation:
    """Past days drawn at random, all assets of a day together: no memory."""

    returns: Float32[Tensor, "n_rows n_assets"]
    """Log-returns of the days on which all assets were observed."""

    @classmethod
    def fit(cls, table: ReturnTable) -> "HistoricalSimulation":
        """Keep the joint days."""
        return cls(joint_days(table.values).float())

    def continuations(self, returns: ReturnTable) -> Continuations:  # noqa: ARG002 - no memory
        """The same from every row."""

        def continued(_row: int, request: ScenarioRequest) -> DrawBlock:
            def draw(first: int, n_blocks: int = 1) -> Tensor:
                return rows_of(
                    self.returns, drawn_rows(request, first, n_blocks, len(self.returns))
                ).transpose(0, 1)

            return draw

        return continued


@dataclass(frozen=True)
class PastInnovations:
    """Past joint innovations drawn at random: each keeps its day's dependence and tails."""

    values: Float32[Tensor, "n_rows n_assets"]
    """Standardised, of the days on which all assets were observed."""

    def draw(self, request: ScenarioRequest, first: int, n_blocks: int) -> Steps:
        """Shocks of blocks of paths, time first."""
        return rows_of(self.values, drawn_rows(request, first, n_blocks, len(self.values)))


def filtered_historical_simulation(table: ReturnTable, kind: FilterKind) -> FilteredLaw:
    """Fit the filters of all assets and keep the joint days' innovations."""
    scaler = ReturnScaler.fit(table)
    scaled = scaler.transform(table.values)
    volatility = fit_filter(scaled, kind)
    innovations = joint_days(standardised(scaled, volatility))
    return FilteredLaw(scaler, volatility, PastInnovations(innovations.float()))


def drawn_rows(
    request: ScenarioRequest, first: int, n_blocks: int, n_rows: int
) -> Int64[Tensor, "horizon n_paths"]:
    """A row number for each step of each path of some blocks."""
    return path_rows(request.seed, first, request.horizon, BLOCK_SIZE, n_rows, n_blocks)

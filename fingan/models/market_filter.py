"""What is known of a market before any network: volatility, margins, correlation, all causal.

Fitted once per training span and shared by all generators; in itself a parametric model, from
which their training starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from jaxtyping import Float
from torch import Tensor

from fingan.models.margins import REACH, Margins, fit_margins
from fingan.models.mode_shocks import score_laws, shock_laws
from fingan.models.quantile_tables import QuantileTable
from fingan.models.states import Today, market_states
from fingan.volatility.component import (
    ComponentFilter,
    Returns,
    fit_components,
    n_latest,
    unchanged_days,
    variance_of,
)
from fingan.volatility.correlation import shrunk_correlation
from fingan.volatility.modes import CorrelationModes, fit_modes

N_PASSES = 2  # scores, then the law of the scores that they imply


@dataclass(frozen=True)
class MarketFilter:
    """Returns to innovations to normal scores, and today's place in each recursion."""

    volatility: ComponentFilter
    margins: Margins
    modes: CorrelationModes
    shocks: Margins
    """Of each moving mode: what a normal number becomes, variance 1."""

    @classmethod
    def fit(cls, scaled: Returns, unchanged: Tensor | None = None) -> "MarketFilter":
        """Fit to the scaled returns of a training span, NaN where not observed.

        Args:
            scaled: Returns, mean-free.
            unchanged: Where a price did not change; default what the returns show.
        """
        stood = unchanged_days(scaled) if unchanged is None else unchanged
        volatility = fit_components(scaled, stood)
        innovations = scaled / volatility.variances(scaled)[:-1].sqrt()
        own = margins = fit_margins(innovations, latest=n_latest(len(innovations)))
        stillness = stood.sum(0) / (~scaled.isnan()).sum(0)
        for _ in range(N_PASSES):
            scores = margins.scores(innovations)
            modes = fit_modes(scores, shrunk_correlation(scores))
            shocks = shock_laws(modes, scores, stillness)
            margins = own.of_values_from(score_laws(modes, shocks, scores))
        return cls(volatility, margins, modes, shocks)

    @classmethod
    def unconditional(cls, scaled: Returns) -> "MarketFilter":
        """Margins and correlation of returns as they are: every day is an ordinary one."""
        margins = fit_margins(scaled)
        scores = margins.scores(scaled.double())
        still = ComponentFilter.still(scaled.shape[1])
        modes = fit_modes(scores, shrunk_correlation(scores), n_modes=0)
        return cls(still, margins, modes, fit_margins(modes.shocks(scores)))

    def aligned(self, other: "MarketFilter") -> "MarketFilter":
        """The same law, each mode with the sign that it has in an earlier one."""
        root = self.modes.root
        signs = (root * other.modes.root).sum(0).sign()
        signs = signs.where(signs != 0, 1.0)
        return replace(
            self,
            modes=replace(self.modes, root=root * signs),
            shocks=self.shocks.mirrored(signs[: len(self.modes.alpha)] < 0),
        )

    @property
    def n_assets(self) -> int:
        """Number of assets."""
        return len(self.volatility.omega)

    @property
    def correlation(self) -> Float[Tensor, "n_assets n_assets"]:
        """Average correlation of normal scores."""
        return self.modes.root @ self.modes.root.T

    def today(self, scaled: Returns) -> Today:
        """Where a path from each day of a history begins: row t uses returns before t only.

        Returns:
            One row more than the history; the last is tomorrow's.
        """
        slow, leverage = self.volatility.components(scaled)
        variance = variance_of(slow, leverage)
        scores = self.margins.scores(scaled.double() / variance[:-1].sqrt())
        return Today(
            variance=variance,
            slow=slow,
            leverage=leverage,
            modes=self.modes.variances(scores),
            state=market_states(scaled.double(), variance),
        )

    def tensors(self) -> dict[str, Tensor]:
        """All numbers, by name."""
        found: dict[str, Tensor] = {
            "margins.values": self.margins.table.values,
            "shocks.values": self.shocks.table.values,
        }
        for part, name in ((self.volatility, "volatility"), (self.modes, "modes")):
            found |= {f"{name}.{field.name}": getattr(part, field.name) for field in fields(part)}
        return found

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "MarketFilter":
        """The filter that has these ``tensors()``."""

        def part(name: str) -> dict[str, Tensor]:
            start = f"{name}."
            return {
                key[len(start) :]: value for key, value in tensors.items() if key.startswith(start)
            }

        return cls(
            ComponentFilter(**part("volatility")),
            Margins(QuantileTable(REACH, **part("margins"))),
            CorrelationModes(**part("modes")),
            Margins(QuantileTable(REACH, **part("shocks"))),
        )

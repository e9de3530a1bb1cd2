"""Views on what scenarios say: the least change of probabilities under which they hold.

Each scenario keeps its values and gets another probability; among all that satisfy the views, those
with the least relative entropy to equal ones. What no scenario shows, no view can bring in. Figures
are over the horizon of the scenarios, not a year.

Source: Meucci (2008), Fully flexible views: theory and practice, equations 10-18; Meucci, Ardia &
Keel (2011), Fully flexible extreme views, for expected shortfall; both as skfolio solves them.
"""

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import torch
from jaxtyping import Float
from pydantic import model_validator
from torch import Tensor

from fingan.config import Config
from fingan.errors import RequestError, UnknownAssetError
from fingan.risk.estimates import effective_size

Terminal = Float[Tensor, "n_paths n_assets"]  # simple returns over the horizon
Probabilities = Float[Tensor, " n_paths"]

Kind = Literal["mean", "volatility", "correlation", "expected_shortfall"]
Sign = Literal["=", "<=", ">="]
SHORT: Mapping[str, Kind] = {
    "mean": "mean",
    "volatility": "volatility",
    "correlation": "correlation",
    "es": "expected_shortfall",
}
SOLVERS = ("TNC", "CLARABEL")  # the second is slower and gives up later
LEVEL = 0.95  # of views on expected shortfall
TOLERANCE = 0.02  # by which a figure may miss its view, relative to the prior's volatility or to 1
_VIEW = re.compile(r"\s*(\w+)\s+(.+?)\s*(<=|>=|=)\s*([-+.\deE%]+)\s*")


class View(Config):
    """A figure of one or two assets that shall hold."""

    kind: Kind
    """What the view is on; expected shortfall at 95 %, positive for a loss."""

    assets: tuple[str, ...]
    """One asset; two for a correlation."""

    sign: Sign = "="
    """Equal, at most, at least."""

    value: float
    """Over the horizon, as a fraction."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        wanted = 2 if self.kind == "correlation" else 1
        if len(set(self.assets)) != wanted or len(self.assets) != wanted:
            raise ValueError(
                f"a view on {self.kind.replace('_', ' ')} must name {wanted} asset"
                f"{'s' * (wanted > 1)}, got {', '.join(self.assets) or 'none'}"
            )
        if self.kind == "correlation" and not 0 <= self.value < 1:
            raise ValueError(f"a view on correlation must lie in [0, 1), got {self.value:g}")
        if self.kind in ("volatility", "expected_shortfall") and self.value <= 0:
            raise ValueError(f"a view on {self.kind.replace('_', ' ')} must be positive")
        if self.kind == "expected_shortfall" and self.sign != "=":
            raise ValueError("a view on expected shortfall must be an equality")
        return self

    @property
    def label(self) -> str:
        """As it is typed."""
        name = "es" if self.kind == "expected_shortfall" else self.kind
        return f"{name} {','.join(self.assets)} {self.sign} {self.value:g}"


def parse_view(text: str) -> View:
    """A view as it is typed: ``mean AAPL=0.05``, ``correlation AAPL,JPM=0.8``, ``es XOM=20%``.

    Raises:
        RequestError: If it cannot be read.
    """
    found = _VIEW.fullmatch(text)
    if found is None or found[1] not in SHORT:
        raise RequestError(
            "a view must be as 'mean AAPL=0.05', 'volatility AAPL>=0.1', 'correlation AAPL,JPM=0.8'"
            f" or 'es AAPL=0.2', got '{text}'"
        )
    try:
        number = float(found[4].removesuffix("%")) / (100 if found[4].endswith("%") else 1)
        assets = tuple(name.strip() for name in found[2].split(","))
        sign: Any = found[3]
        return View(kind=SHORT[found[1]], assets=assets, sign=sign, value=number)
    except ValueError as mistake:
        words = str(mistake).splitlines()
        reason = next((line for line in words if "Value error" in line), words[0])
        raise RequestError(f"view '{text}': {_plain(reason)}") from None


@dataclass(frozen=True)
class Pooled:
    """Probabilities under which views hold."""

    weights: Probabilities
    """Sum 1, float64."""
    relative_entropy: float
    """Of them to equal ones: 0 where the views say nothing new."""
    ess: float
    """Effective number of scenarios."""
    reached: tuple[float, ...]
    """Each view's figure under them, in the order of the views."""


def pooled(terminal: Terminal, assets: Sequence[str], views: Sequence[View]) -> Pooled:
    """The probabilities nearest to equal ones under which all views hold.

    Args:
        terminal: Simple returns over the horizon.
        assets: Names of the columns.
        views: At least one.

    Raises:
        UnknownAssetError: If a view names an asset that is no column.
        RequestError: If no probabilities satisfy all views.
    """
    for view in views:
        for asset in view.assets:
            if asset not in assets:
                held = ", ".join(assets[:8]) + (" ..." if len(assets) > 8 else "")
                raise UnknownAssetError(
                    f"view '{view.label}': '{asset}' is not in it; it has {held}"
                )
    values = terminal.double()
    weights = _solved(values, views, assets)
    reached = tuple(_figure(view, values, assets, weights) for view in views)
    for view, figure in zip(views, reached, strict=True):
        if _misses(view, figure, values, assets):
            raise RequestError(
                f"views must hold together on the scenarios, got {_all(views)}: '{view.label}'"
                f" comes to {figure:.4g}; take milder views or more paths"
            )
    positive = weights[weights > 0]
    entropy = float((positive * (positive * len(weights)).log()).sum())
    return Pooled(weights, max(entropy, 0.0), effective_size(weights), reached)


def _solved(values: Terminal, views: Sequence[View], assets: Sequence[str]) -> Probabilities:
    """Weights by skfolio, of returns in units of their deviation: its solver wants numbers near 1.

    It takes two columns at least.
    """
    import pandas as pd
    from skfolio.exceptions import SolverError
    from skfolio.prior import EntropyPooling

    named = list(dict.fromkeys(asset for view in views for asset in view.assets))
    columns = values[:, [assets.index(asset) for asset in named]]
    units = columns.std(0).clamp(min=1e-12)
    scaled = columns / units
    if len(named) == 1:
        scaled = torch.cat([scaled, scaled.flip(0)], 1)  # no view is on the second
    scale = dict(zip(named, units.tolist(), strict=True))
    names = {asset: f"a{rank}" for rank, asset in enumerate(named)}
    frame = pd.DataFrame(scaled.numpy(), columns=[f"a{rank}" for rank in range(scaled.shape[1])])
    asked = _asked(views, names, scale)
    for solver in SOLVERS:
        pooling = EntropyPooling(**asked, cvar_beta=LEVEL, solver=solver)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the solver, whose answer is checked
                found = pooling.fit(frame).return_distribution_.sample_weight
            return torch.from_numpy(found.copy()).double()
        except (SolverError, ValueError, RuntimeError, OverflowError):
            continue
    raise RequestError(
        f"views must hold together on the scenarios, got {_all(views)}, which no probabilities"
        " satisfy; take milder views or more paths"
    )


def _asked(
    views: Sequence[View], names: Mapping[str, str], scale: Mapping[str, float]
) -> dict[str, list[str] | None]:
    """The views in skfolio's words."""
    words: dict[Kind, list[str]] = {}
    for view in views:
        own = [names[asset] for asset in view.assets]
        is_pair = view.kind == "correlation"
        left = f"({own[0]}, {own[1]})" if is_pair else own[0]
        value = view.value if is_pair else view.value / scale[view.assets[0]]
        value = value**2 if view.kind == "volatility" else value
        sign = "==" if view.sign == "=" else view.sign
        words.setdefault(view.kind, []).append(f"{left} {sign} {value:.12f}")
    return {
        "mean_views": words.get("mean"),
        "variance_views": words.get("volatility"),
        "correlation_views": words.get("correlation"),
        "cvar_views": words.get("expected_shortfall"),
    }


def _figure(view: View, values: Terminal, assets: Sequence[str], weights: Probabilities) -> float:
    """What the view is on, under weights."""
    own = values[:, [assets.index(asset) for asset in view.assets]]
    mean = weights @ own
    apart = own - mean
    match view.kind:
        case "mean":
            return float(mean[0])
        case "volatility":
            return math.sqrt(float(weights @ apart[:, 0].square()))
        case "correlation":
            variances = weights @ apart.square()
            return float(weights @ apart.prod(1) / variances.prod().sqrt())
        case "expected_shortfall":
            from fingan.risk.measures import expected_shortfall

            return float(expected_shortfall(-own[:, 0], LEVEL, weights))


def _misses(view: View, figure: float, values: Terminal, assets: Sequence[str]) -> bool:
    unit = (
        1.0 if view.kind == "correlation" else float(values[:, assets.index(view.assets[0])].std())
    )
    above, below = figure - view.value, view.value - figure
    gap = {"=": max(above, below), "<=": above, ">=": below}[view.sign]
    return not gap <= TOLERANCE * unit


def _all(views: Sequence[View]) -> str:
    return " and ".join(f"'{view.label}'" for view in views)


def _plain(line: str) -> str:
    """A validation's own words."""
    return line.strip().removeprefix("Value error, ").partition(" [type=")[0]

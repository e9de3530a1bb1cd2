"""Shocks as they are asked for, and as constraints on the figures of a path.

A shock is on one asset's cumulative simple return over the first steps, or on each of them: a
value, a range, or a bound. Where a model's kind is a level, a shock is on the change itself.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import torch
from jaxtyping import Float
from pydantic import PositiveInt, model_validator
from torch import Tensor

from fingan.config import Config
from fingan.errors import RequestError, UnknownAssetError
from fingan.scenarios.header import ScenarioHeader

Figures = Float[Tensor, "n_paths n_constraints"]
ShockKind = Literal["value", "between", "at_most", "at_least"]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?%?"
_SHOCK = re.compile(
    rf"\s*(?P<asset>.+?)\s*(?P<sign><=|>=|=)\s*(?P<first>{_NUMBER})(?:\.\.(?P<last>{_NUMBER}))?\s*"
)


class Shock(Config):
    """A condition on one asset."""

    asset: str
    """Name, as the model has it."""

    kind: ShockKind = "value"
    """``value``: it moves by so much; ``between``: by something in a range; ``at_most``,
    ``at_least``: by no more, no less."""

    values: tuple[float, ...]
    """Simple returns, -0.10 for a fall by 10 %: one, two for ``between``, one a step for
    ``per_step``."""

    over: PositiveInt | None = None
    """First steps over which the move is cumulative; the whole horizon where not given."""

    per_step: bool = False
    """Whether ``values`` are the moves of the first steps, one after the other."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.per_step and (self.kind == "between" or self.over is not None):
            raise ValueError(f"a shock per step of '{self.asset}' must have no range and no 'over'")
        wanted = 2 if self.kind == "between" else 1
        if len(self.values) != wanted and not (self.per_step and self.values):
            raise ValueError(
                f"a shock of kind '{self.kind}' must have {wanted} values, got {len(self.values)}"
                f" for '{self.asset}'"
            )
        if self.kind == "between" and self.values[0] >= self.values[1]:
            low, high = self.values
            raise ValueError(f"a range must rise, got {low:g} to {high:g} for '{self.asset}'")
        return self


def parse_shock(text: str, over: int | None = None) -> Shock:
    """A shock as it is typed: ``AAPL=-0.10``, ``JPM<=-5%``, ``XOM=-0.1..-0.05``.

    Args:
        text: Name, sign, and a number or a range of two.
        over: First steps over which the move is cumulative.

    Raises:
        RequestError: If it cannot be read.
    """
    found = _SHOCK.fullmatch(text)
    if found is None or (found["last"] and found["sign"] != "="):
        raise RequestError(
            f"a shock must be as AAPL=-0.10, 'AAPL<=-0.10', 'AAPL>=0.05' or AAPL=-0.10..-0.05,"
            f" got '{text}'"
        )
    numbers = tuple(_number(found[name]) for name in ("first", "last") if found[name])
    kind: ShockKind = "value" if len(numbers) == 1 else "between"
    if found["sign"] != "=":
        kind = "at_most" if found["sign"] == "<=" else "at_least"
    if len(numbers) == 2 and numbers[0] >= numbers[1]:
        raise RequestError(f"a range must rise, got '{text}'")
    if over is not None and over < 1:
        raise RequestError(f"over must be at least 1 step, got {over}")
    return Shock(asset=found["asset"], kind=kind, values=numbers, over=over)


def _number(text: str) -> float:
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


@dataclass(frozen=True)
class Constraint:
    """One figure of a path and where it must lie."""

    asset: str
    column: int
    first: int
    """First step, from 0."""
    last: int
    """One after the last step."""
    low: float
    """A simple return; -inf where there is no bound. Equal to ``high`` for a value."""
    high: float

    @property
    def is_value(self) -> bool:
        """Whether one value must be met, which no path meets exactly."""
        return self.low == self.high

    @property
    def label(self) -> str:
        """In words: ``AAPL = -10 % over 5 steps``."""
        low, high = f"{100 * self.low:g} %", f"{100 * self.high:g} %"
        if self.is_value:
            what = f"= {low}"
        elif math.isinf(self.low):
            what = f"<= {high}"
        else:
            what = f">= {low}" if math.isinf(self.high) else f"in {low} to {high}"
        steps = self.last - self.first
        when = f"step {self.last}" if self.first else f"{steps} step{'s' if steps > 1 else ''}"
        return f"{self.asset} {what} {'in' if self.first else 'over'} {when}"


def constraints_of(
    shocks: Sequence[Shock], assets: Sequence[str], horizon: int, *, is_level: bool = False
) -> tuple[Constraint, ...]:
    """Shocks as constraints on a sampler's paths.

    Args:
        shocks: At least one.
        assets: Of the sampler, in its order.
        horizon: Steps of a path.
        is_level: Whether the sampler's kind is a level.

    Raises:
        UnknownAssetError: If a shock names another asset.
        RequestError: If a shock reaches beyond the horizon or below a loss of everything, or two
            are on the same figure.
    """
    if not shocks:
        raise RequestError("at least one shock must be given, such as AAPL=-0.10")
    found: list[Constraint] = []
    for shock in shocks:
        if shock.asset not in assets:
            held = ", ".join(assets[:8]) + (" ..." if len(assets) > 8 else "")
            raise UnknownAssetError(f"asset '{shock.asset}' is not in the model; it has {held}")
        n_steps = len(shock.values) if shock.per_step else shock.over or horizon
        if n_steps > horizon:
            raise RequestError(
                f"a shock must end within the horizon of {horizon} steps, got {n_steps} steps for"
                f" '{shock.asset}'; take a longer horizon"
            )
        if not is_level and (least := min(shock.values)) <= -1:
            raise RequestError(
                f"a shock must be a simple return above -1, got {least:g} for '{shock.asset}'"
            )
        found += _constraints(shock, tuple(assets).index(shock.asset), n_steps)
    spans = [(one.column, one.first, one.last) for one in found]
    for place, span in enumerate(spans):
        if span in spans[:place]:
            raise RequestError(
                f"each move must be given once, got two shocks on '{found[place].asset}' over the"
                " same steps; give a range"
            )
    return tuple(found)


def _constraints(shock: Shock, column: int, n_steps: int) -> list[Constraint]:
    """One for the whole move, or one a step."""
    spans = [(step, step + 1) for step in range(n_steps)] if shock.per_step else [(0, n_steps)]
    bounds = [(shock.values[0], shock.values[-1])]
    if shock.per_step:
        bounds = [(value, value) for value in shock.values]
    return [
        Constraint(
            shock.asset,
            column,
            *span,
            low=-math.inf if shock.kind == "at_most" else low,
            high=math.inf if shock.kind == "at_least" else high,
        )
        for span, (low, high) in zip(spans, bounds, strict=True)
    ]


def span_of(constraints: Sequence[Constraint]) -> int:
    """Steps after which the condition is met or not."""
    return max(one.last for one in constraints)


def figures_of(
    log_returns: Float[Tensor, "n_paths horizon n_assets"],
    constraints: Sequence[Constraint],
    *,
    is_level: bool = False,
) -> Figures:
    """The simple return that each constraint is on, float64; the change of a level."""
    columns = [
        log_returns[:, one.first : one.last, one.column].sum(1, dtype=torch.float64)
        for one in constraints
    ]
    figures = torch.stack(columns, 1)
    return figures if is_level else figures.expm1()


def is_level(header: ScenarioHeader) -> bool:
    """Whether paths are changes of a level rather than returns."""
    return header.kind == "level"

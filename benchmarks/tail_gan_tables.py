"""Tables of the Tail-GAN benchmark, beside what was published.

Source: Cont, Cucuringu, Xu & Zhang (2025), Tail-GAN: Learning to simulate tail risk scenarios,
tables 1, 6 and 8.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.learning import MODEL
from benchmarks.tables import GOALS, Table
from benchmarks.tail_gan_market import KINDS

FLOOR, HISTORY, PLAIN = "sampling floor", "historical simulation", "law, not rescaled"
PUBLISHED: dict[int, dict[str, tuple[float, float]]] = {
    5: {
        "published: sampling floor": (3.0, 2.2),
        "published: historical simulation": (3.4, 2.6),
        "published: Tail-GAN": (4.6, 1.6),
        "published: WGAN": (21.3, 2.2),
    },
    20: {
        "published: historical simulation": (3.5, 2.3),
        "published: Tail-GAN, eigenportfolios": (6.9, 1.5),
        "published: Tail-GAN, random portfolios": (10.4, 1.8),
    },
}
GOAL = {5: 3.5, 20: 4.0}  # %
LEVEL = 0.95

Errors = Float[Tensor, "n_evaluations 2 n_strategies"]  # %


def goal(n_assets: int, errors: dict[str, Errors], command: str) -> Table:
    """The figure of the models beside what they should reach."""
    table = Table(f"Tail-GAN benchmark, {n_assets} assets: goal", GOALS)
    own = [float(errors[name].mean()) for name in errors if name.startswith(MODEL)]
    floor = float(errors[FLOOR].mean())
    table.add(
        f"relative error of VaR and ES at {LEVEL:.0%}, {n_assets} assets, mean over seeds",
        f"at most {GOAL[n_assets]} %" if n_assets in GOAL else "none",
        f"{sum(own) / len(own):.1f} % (sampling floor {floor:.1f} %)" if own else "not trained",
        command,
    )
    return table


def beside_baselines(n_assets: int, errors: dict[str, Errors], groups: dict[str, slice]) -> Table:
    """Every generator, over all strategies and over those of each group."""
    columns = ("relative error, %, lower is better", "mean", "sd", "se", *groups)
    table = Table(f"Tail-GAN benchmark, {n_assets} assets, beside baselines", columns)
    for name, error in errors.items():
        parts = [_percent(error[..., part]) for part in groups.values()]
        deviations = (f"{spread(error):.1f}", f"{standard_error(error):.2f}")
        table.add(name, _percent(error), *deviations, *parts)
    for name, (mean, deviation) in PUBLISHED.get(n_assets, {}).items():
        table.add(name, f"{mean:.1f}", f"{deviation:.1f}", *[None] * (1 + len(groups)))
    return table


def by_kind(n_assets: int, errors: dict[str, Errors], groups: dict[str, slice]) -> Table:
    """Every generator, over the strategies that trade one asset, by the kind of it."""
    title = f"Tail-GAN benchmark, {n_assets} assets, strategies of one asset by kind"
    table = Table(title, ("relative error, %", *(kind.name for kind in KINDS)))
    alone = [part for name, part in groups.items() if name != "static portfolios"]
    for name, error in errors.items():
        by_asset = torch.stack([error[..., part] for part in alone])
        kinds = by_asset.unflatten(-1, (len(KINDS), -1)).unbind(-2)
        table.add(name, *map(_percent, kinds))
    return table


def _percent(errors: Tensor) -> str:
    return f"{float(errors.mean()):.1f}"


def spread(errors: Errors) -> float:
    """Standard deviation over evaluations, averaged over strategies and the two measures."""
    return float(errors.std(0, correction=0).mean())


def standard_error(errors: Errors) -> float:
    """Of the mean over evaluations."""
    return float(errors.mean((1, 2)).std() / math.sqrt(len(errors)))

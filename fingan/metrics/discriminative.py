"""Can a classifier tell synthetic windows from the market's? Two classifiers, blocked in time.

The published protocol shuffles overlapping windows before it splits them, so that its test windows
share days with its training windows, and its three-unit network sees little. Here the split is one
cut in time with windows dropped around it, a stronger classifier stands beside the network, and the
score of one half of the market against the other says what the number is worth.

Source: Yoon, Jarrett & van der Schaar (2019), Time-series generative adversarial networks, and
their code, ``metrics/discriminative_metrics.py``.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.metrics.classifiers import boosting_accuracies, network_accuracies

Classifier = Literal["gru", "boosting"]
Windows = Float[Tensor, "n_windows window n_assets"]  # returns; windows in order of time

MIN_WINDOWS = 10  # of a kind on each side of the cut


@dataclass(frozen=True)
class DiscriminativeScore:
    """How well windows are told apart: 0 not at all, 0.5 without a mistake."""

    estimate: float
    """Mean over seeds of |accuracy - 1/2|."""
    std: float
    """Over seeds: noise of the classifier, not of the data."""
    accuracies: tuple[float, ...]
    chance: float
    """Expected score of windows that cannot be told apart, were the test windows independent."""
    n_test: int
    """Test windows, half of them real."""


def discriminative_score(
    real: Windows,
    synthetic: Float[Tensor, "n_synthetic window n_assets"],
    *,
    classifier: Classifier = "gru",
    n_seeds: int = 5,
    iterations: int = 2000,
    train_share: float = 0.8,
    seed: int = 0,
) -> DiscriminativeScore:
    """|accuracy - 1/2| on later windows of a classifier that learnt from earlier ones.

    Both kinds are cut at ``train_share`` of their windows and as many windows as one has days are
    dropped at the cut, so that none of stride 1 shares a day with the other side. Equally many of
    each kind are used; of a larger number each seed takes some at random.

    Args:
        real: Windows of the market in order of time.
        synthetic: As long; of one path in order of time, or of independent paths.
        classifier: ``gru`` is the published one: one layer of half as many units as assets, at
            least 3, Adam. ``boosting`` is gradient-boosted trees on features of the windows.
        n_seeds: Classifiers trained, each on its own draws.
        iterations: Steps of the network; 2,000 as published. Trees have no use for it.
        train_share: Share of windows before the cut.
        seed: Of everything drawn.

    Raises:
        ValueError: If a part holds fewer than 10 windows of a kind.
    """
    random = torch.Generator().manual_seed(seed)
    earlier, later = blocked_split(real, train_share)
    synthetic_earlier, synthetic_later = blocked_split(synthetic, train_share)
    centre, scale = earlier.mean((0, 1)), earlier.std((0, 1))
    scale = scale.clamp(min=torch.finfo(real.dtype).tiny)
    train, test = (
        _balanced([(kind - centre) / scale for kind in part], n_seeds, random)
        for part in ((earlier, synthetic_earlier), (later, synthetic_later))
    )
    match classifier:
        case "gru":
            accuracies = network_accuracies(train, test, iterations, random)
        case "boosting":
            accuracies = boosting_accuracies(train, test, seed)
    n_test = test.shape[1] * test.shape[2]
    distances = (torch.tensor(accuracies, dtype=torch.float64) - 0.5).abs()
    spread = float(distances.std()) if n_seeds > 1 else math.nan
    chance = math.sqrt(2 / math.pi) * 0.5 / math.sqrt(n_test)
    return DiscriminativeScore(float(distances.mean()), spread, accuracies, chance, n_test)


def discriminative_null(
    real: Windows,
    *,
    classifier: Classifier = "gru",
    n_seeds: int = 5,
    iterations: int = 2000,
    train_share: float = 0.8,
    seed: int = 0,
) -> DiscriminativeScore:
    """The score of the market's later half against its earlier half: noise and drift alone.

    Args:
        real: Windows of the market in order of time; one window's days are dropped between halves.
        classifier: As for the score.
        n_seeds: Classifiers trained.
        iterations: Steps of the network.
        train_share: Share of each half before the cut.
        seed: Of everything drawn.

    Raises:
        ValueError: If a part holds fewer than 10 windows.
    """
    half = (len(real) - real.shape[1]) // 2
    earlier, later = real[: max(half, 0)], real[len(real) - half :]
    return discriminative_score(
        earlier,
        later,
        classifier=classifier,
        n_seeds=n_seeds,
        iterations=iterations,
        train_share=train_share,
        seed=seed,
    )


def blocked_split(
    windows: Windows, train_share: float
) -> tuple[Float[Tensor, "n_train window n_assets"], Float[Tensor, "n_test window n_assets"]]:
    """Earlier and later windows without a common day, for windows that start a day apart.

    Args:
        windows: In order of time.
        train_share: Share of the windows before the cut, in (0, 1).

    Raises:
        ValueError: If a side holds fewer than 10 windows.
    """
    n_windows, window, _ = windows.shape
    cut = max(round(train_share * (n_windows - window)), 0)
    earlier, later = windows[:cut], windows[cut + window :]
    fewest = min(len(earlier), len(later))
    if fewest < MIN_WINDOWS:
        raise ValueError(
            f"{n_windows} windows of {window} days must leave at least {MIN_WINDOWS} on each side"
            f" of a cut at {train_share:.0%}, got {fewest}"
        )
    return earlier, later


def _balanced(kinds: list[Tensor], n_seeds: int, random: torch.Generator) -> Tensor:
    """Equally many windows of each kind: seeds, kinds, windows, days, assets; real first."""
    n_windows = min(map(len, kinds))

    def chosen(kind: Tensor) -> Tensor:
        if len(kind) == n_windows:
            return kind
        return kind[torch.randperm(len(kind), generator=random)[:n_windows]]

    draws = [torch.stack([chosen(kind) for kind in kinds]) for _ in range(n_seeds)]
    return torch.stack(draws)

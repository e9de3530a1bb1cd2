"""What a downstream model learns: tomorrow's volatility or direction of each asset.

Source: Corsi (2009), A simple approximate long-memory model of realized volatility, equation 8,
for the day, week and month that forecast volatility; Esteban, Hyland & Rätsch (2017), Real-valued
(medical) time series generation with recurrent conditional GANs, section 4.3, for training on
synthetic and testing on real data.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float, Int64
from torch import Tensor

Task = Literal["volatility", "direction"]
Learner = Literal["linear", "trees"]
TASKS: tuple[Task, ...] = get_args(Task)
LEARNERS: tuple[Learner, ...] = get_args(Learner)

MONTH, WEEK = 22, 5  # rows that a forecast looks back at
AHEAD = 5  # rows that it forecasts
FLOOR = 1e-2  # of a volatility relative to the asset's usual, where prices stand still
N_FEATURES = 7

Panels = Float[Tensor, "n_series n_steps n_assets"]  # returns in the asset's usual deviations


@dataclass(frozen=True)
class Samples:
    """Features and what came after them, pooled over assets."""

    features: Float[Tensor, "n_samples n_features"]
    future_volatility: Float[Tensor, " n_samples"]
    """Logarithm of the root mean square of the next returns."""
    rose: Float[Tensor, " n_samples"]
    """1 where the sum of the next returns is positive, else 0."""
    moments: Int64[Tensor, " n_samples"]
    """The number of the forecast within its series; samples of one day share it."""

    def joined(self, other: "Samples") -> "Samples":
        """Both."""
        return Samples(
            torch.cat([self.features, other.features]),
            torch.cat([self.future_volatility, other.future_volatility]),
            torch.cat([self.rose, other.rose]),
            torch.cat([self.moments, other.moments]),
        )

    def target(self, task: Task) -> Float[Tensor, " n_samples"]:
        """What a task forecasts."""
        return self.future_volatility if task == "volatility" else self.rose


def samples_of(panels: Panels) -> Samples:
    """Forecasts from every ``AHEAD``-th row of each series, so that no two outcomes overlap.

    Args:
        panels: Series of at least ``MONTH + AHEAD`` steps; a sample with a gap is left out.
    """
    n_steps = panels.shape[1]
    moments = torch.arange(MONTH, n_steps - AHEAD + 1, AHEAD)
    past = torch.stack([panels[:, m - MONTH : m] for m in moments.tolist()], 1)
    future = torch.stack([panels[:, m : m + AHEAD] for m in moments.tolist()], 1)
    features = _features(past).flatten(0, 2)
    volatility = future.square().mean(2).sqrt().clamp(min=FLOOR).log().flatten()
    total = future.sum(2).flatten()
    numbers = torch.arange(len(moments)).reshape(1, -1, 1)
    numbers = numbers.expand(len(panels), len(moments), panels.shape[2]).flatten()
    whole = features.isfinite().all(1) & volatility.isfinite()
    return Samples(features[whole], volatility[whole], (total > 0).double()[whole], numbers[whole])


def _features(
    past: Float[Tensor, "n_series n_moments month n_assets"],
) -> Float[Tensor, "n_series n_moments n_assets n_features"]:
    """Volatility of day, week and month; the market's; returns of day, week and month."""

    def level(rows: Tensor) -> Tensor:
        return rows.square().mean(2).sqrt().clamp(min=FLOOR).log()

    day, week = past[:, :, -1:], past[:, :, -WEEK:]
    market = level(week).nanmean(2, keepdim=True).expand(-1, -1, past.shape[3])
    returns = [rows.sum(2) / rows.shape[2] ** 0.5 for rows in (day, week, past)]
    return torch.stack([level(day), level(week), level(past), market, *returns], dim=3)


def losses(
    task: Task, learner: Learner, train: Samples, test: Samples, seed: int
) -> Float[Tensor, " n_samples"]:
    """Loss of each test sample: squared error of log volatility, or logarithmic loss.

    Args:
        task: What is forecast.
        learner: Ridge or logistic regression, or gradient-boosted trees.
        train: Real or synthetic or both.
        test: Real.
        seed: Of the trees.
    """
    model = _learner(task, learner, seed)
    model.fit(train.features.numpy(), train.target(task).numpy())
    truth = test.target(task)
    if task == "volatility":
        return (torch.from_numpy(model.predict(test.features.numpy())) - truth).square()
    chance = torch.from_numpy(model.predict_proba(test.features.numpy())[:, 1]).clamp(
        1e-6, 1 - 1e-6
    )
    return -(truth * chance.log() + (1 - truth) * (1 - chance).log())


def constant_losses(task: Task, train: Samples, test: Samples) -> Float[Tensor, " n_samples"]:
    """Losses of the forecast that looks at nothing: the mean of what was trained on."""
    mean, truth = train.target(task).mean(), test.target(task)
    if task == "volatility":
        return (mean - truth).square()
    chance = mean.clamp(1e-6, 1 - 1e-6)
    return -(truth * chance.log() + (1 - truth) * (1 - chance).log())


def _learner(task: Task, learner: Learner, seed: int) -> Any:
    """A downstream model; nothing of it is tuned."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    trees = {
        "max_iter": 60,
        "max_leaf_nodes": 15,
        "max_features": 0.6,
        "early_stopping": False,
        "random_state": seed,
    }
    match task, learner:
        case "volatility", "linear":
            return make_pipeline(StandardScaler(), Ridge())
        case "volatility", "trees":
            return HistGradientBoostingRegressor(**trees)
        case "direction", "linear":
            return make_pipeline(StandardScaler(), LogisticRegression())
    return HistGradientBoostingClassifier(**trees)

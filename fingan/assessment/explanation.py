"""Why a scenario looks as it does: like what in history, moved by which factors, by which state.

Three views of one path: the real windows nearest to it, with their dates; its move over the
horizon split into the statistical factors of the training returns; and, for a trained model, the
same noise continued from a training-typical state, so that what remains is what today's state
makes of it. Each describes the path; none is a cause.

Source: Zeiler & Fergus (2014), Visualizing and understanding convolutional networks, section 4.2,
for the ablation of one input at a time, here with typical values in place of blanks.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable, end_of, log_returns
from fingan.errors import RequestError
from fingan.models.market import MarketModel
from fingan.models.states import N_FEATURES, Today
from fingan.scenarios.analogues import MIN_ROWS, Path, factor_split, nearest_windows
from fingan.scenarios.noise import path_normals
from fingan.scenarios.present import present
from fingan.scenarios.samplers import BLOCK_SIZE, Sampler, TrainedSampler
from fingan.scenarios.scenario_set import ScenarioStream

FEATURES = ("volatility of 5 days", "volatility of 63 days", "co-movement of 63 days")
VOLATILITY, TOGETHER = "starting volatility", "all of them"


@dataclass(frozen=True)
class Background:
    """The history before a path, and the part of it that training has seen."""

    history: ReturnTable
    """Up to the date that the path continues."""
    training: ReturnTable
    """Of the history, up to the last training day; all of it where that is too little."""


def explain(
    sampler: Sampler, stream: ScenarioStream, prices: pd.DataFrame, path: int
) -> dict[str, Any]:
    """Explain one path of a scenario set.

    Args:
        sampler: Who drew it.
        stream: The scenario set, as the sampler streams it.
        prices: The table that it continues.
        path: Number of the path, from 0.

    Returns:
        JSON: ``terminal_returns`` (simple, per asset and ``portfolio``, of equal weights),
        ``nearest``, ``factors`` and ``states``; what does not apply is None, with a note.

    Raises:
        RequestError: If there is no such path.
    """
    header = stream.header
    if not 0 <= path < header.n_paths:
        raise RequestError(f"path must lie in 0 to {header.n_paths - 1}, got {path}")
    returns = stream.draw_block(path // stream.block_size)[path % stream.block_size].double()
    background = _background(stream, prices)
    notes: list[str] = []
    record = {
        "path": path,
        "model": header.metadata.get("model"),
        "as_of": header.metadata.get("as_of"),
        "horizon": header.horizon,
        "terminal_returns": _terminal(returns, header.assets),
        "nearest": nearest_windows(returns, background.history),
        "factors": factor_split(returns, background.training),
        "states": None,
        "notes": notes,
    }
    if record["nearest"] is None:
        notes.append("nearest windows: not applicable, the history is too short for the horizon")
    if record["factors"] is None:
        notes.append(f"factors: not applicable, they need 2 assets and {MIN_ROWS} days")
    if isinstance(sampler, TrainedSampler):
        record["states"] = _states(sampler, stream, prices, background, path)
    else:
        notes.append("states: not applicable, only a trained model has a state")
    return record


def _states(
    sampler: TrainedSampler,
    stream: ScenarioStream,
    prices: pd.DataFrame,
    background: Background,
    path: int,
) -> list[dict[str, Any]]:
    """What each part of today's state does to a path: the same noise from a typical one."""
    model, header = sampler.model, stream.header
    now = present(prices, sampler.assets, sampler.kind, header.metadata["as_of"])
    today = model.conditions(now.returns).row(-1)
    spread = model.std * model.time_of_day.following(now.returns.dates, header.horizon)
    usual = model.conditions(background.training).map(_median)

    cases = {VOLATILITY: usual._replace(state=today.state)}
    for feature, name in enumerate(FEATURES):
        is_it = torch.arange(N_FEATURES) == feature
        cases[name] = today._replace(state=torch.where(is_it, usual.state, today.state))
    cases[TOGETHER] = usual

    generator = model.generators[path % len(model.generators)]
    noise = _noise(model, header.metadata["seed"], path, header.horizon)

    def terminal(begin: Today) -> dict[str, float]:
        returns, _, _ = generator(noise, begin)
        return _terminal(model.mean + returns[:, 0].double() * spread, sampler.assets)

    actual = terminal(today)
    return [
        {
            "state": name,
            "today": _size(name, today),
            "typical": _size(name, usual),
            "effect": {asset: actual[asset] - value for asset, value in terminal(case).items()},
        }
        for name, case in cases.items()
    ]


def _median(history: Tensor) -> Tensor:
    """Column by column, as one row; ``median`` knows no table without columns."""
    return history.median(0, keepdim=True).values if history.numel() else history[:1]


def _size(name: str, begin: Today) -> float | None:
    """One number for a part of the state; volatility in standard deviations of training."""
    if name == VOLATILITY:
        return float(begin.variance.mean().sqrt())
    return float(begin.state[0, FEATURES.index(name)]) if name in FEATURES else None


def _noise(
    model: MarketModel, seed: int, path: int, horizon: int
) -> Float[Tensor, "horizon 1 n_noise"]:
    """The noise of one path of a trained model."""
    block, place = divmod(path, BLOCK_SIZE)
    noise = path_normals(seed, block, 0, horizon, BLOCK_SIZE, model.n_noise)
    return noise[:, place : place + 1]


def _background(stream: ScenarioStream, prices: pd.DataFrame) -> Background:
    header = stream.header
    rows = prices[list(header.assets)]
    if (as_of := header.metadata.get("as_of")) is not None:
        rows = rows.loc[: end_of(as_of)]
    rows.attrs = dict(prices.attrs)
    history = log_returns(rows)
    last = header.metadata.get("fitted_until")
    training = history if last is None else history.until(pd.Timestamp(last))
    return Background(history, training if len(training.dates) >= MIN_ROWS else history)


def _terminal(path: Path, assets: tuple[str, ...]) -> dict[str, float]:
    """Simple returns over the horizon, with those of an equal-weight portfolio held to the end."""
    returns = torch.expm1(path.sum(0))
    return {**dict(zip(assets, returns.tolist(), strict=True)), "portfolio": float(returns.mean())}

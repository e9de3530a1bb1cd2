"""What in history a path is like: the real windows nearest to it, and the factors that moved it.

Source: Connor & Korajczyk (1986), Performance measurement with the arbitrage pricing theory, for
asymptotic principal components.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.metrics.neighbours import mean_squares
from fingan.volatility.correlation import shrunk_correlation
from fingan.volatility.filter import fit_filter

Path = Float[Tensor, "horizon n_assets"]  # log-returns

N_NEAREST, N_FACTORS, N_LOADINGS = 3, 5, 3
MIN_ROWS = 100  # of returns, to say what is typical


def nearest_windows(path: Path, history: ReturnTable) -> list[dict[str, Any]] | None:
    """The real windows most like a path, each divided by the volatility it starts from.

    Returns:
        Dates, distance (root mean square over days and assets, in standard deviations of a day),
        and the share of all windows that are farther; no two overlap. None where the history does
        not hold four windows.
    """
    horizon, n_days = len(path), len(history.dates)
    if n_days < max(4 * horizon, MIN_ROWS):
        return None
    scaler = ReturnScaler.fit(history)
    scaled = scaler.transform(history.values)
    spread = fit_filter(scaled, "ewma").variances(scaled).sqrt()
    windows = scaled.unfold(0, horizon, 1).movedim(-1, 1) / spread[: n_days - horizon + 1, None]
    ours = (scaler.transform(path) / spread[-1]).flatten().unsqueeze(0)
    ((_, squares),) = mean_squares(ours.float(), windows.flatten(1).float())
    distances = squares[0].clamp(min=0).sqrt()
    left, found = distances.clone(), []
    for _ in range(N_NEAREST):
        row = int(left.argmin())
        if not left[row].isfinite():
            break
        found.append(
            {
                "first": f"{history.dates[row]:%Y-%m-%d}",
                "last": f"{history.dates[row + horizon - 1]:%Y-%m-%d}",
                "distance": float(distances[row]),
                "share_farther": float((distances > distances[row]).double().mean()),
            }
        )
        left[max(row - horizon + 1, 0) : row + horizon] = torch.inf
    return found


def factor_split(path: Path, training: ReturnTable) -> dict[str, Any] | None:
    """The move of a path over its horizon, split into principal components of training returns.

    Returns:
        Per factor its ``move`` (in its own standard deviations over the horizon), its ``share`` of
        the squared move of all assets, each in its own standard deviation, and its largest
        loadings; the ``residual_share`` of all other factors. None where there is too little data.
    """
    n_assets = len(training.assets)
    if n_assets < 2 or len(training.dates) < max(MIN_ROWS, 2 * n_assets):
        return None
    scaler = ReturnScaler.fit(training)
    correlation = shrunk_correlation(scaler.transform(training.values))
    values, vectors = (part.flip(-1) for part in torch.linalg.eigh(correlation))
    vectors = vectors * torch.where(vectors.sum(0) < 0, -1.0, 1.0)
    move = scaler.transform(path).sum(0)
    along = move @ vectors
    shares = along.square() / move.square().sum()
    sizes = along / (values * len(path)).sqrt()
    factors = [
        {
            "factor": k + 1,
            "move": float(sizes[k]),
            "share": float(shares[k]),
            "loadings": _largest(vectors[:, k], training.assets),
        }
        for k in range(min(N_FACTORS, n_assets))
    ]
    return {"factors": factors, "residual_share": float(shares[N_FACTORS:].sum())}


def _largest(loadings: Float[Tensor, " n_assets"], assets: tuple[str, ...]) -> dict[str, float]:
    chosen = loadings.abs().topk(min(N_LOADINGS, len(assets))).indices.tolist()
    return {assets[i]: float(loadings[i]) for i in chosen}

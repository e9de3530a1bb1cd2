"""Scores of the Quant GANs table, what was published, and how a score stands to the band.

Source: Wiese, Knobloch, Korn & Kretschmer (2020), Quant GANs: deep generation of financial time
series, section 7 and table 2.
"""

from collections.abc import Mapping
from functools import partial

from torch import Tensor

from fingan.metrics.distances import (
    aggregated,
    dy_metric,
    earth_mover_distance,
    scaled_earth_mover_distance,
)
from fingan.metrics.floors import Metric, SamplingFloor
from fingan.metrics.stylised_facts import acf_score, leverage_score

N_LAGS, N_BINS, DAYS_A_BIN = 250, 120, 20
HORIZONS = (1, 5, 20, 100)
DEPENDENCE = ("ACF id", "ACF abs", "ACF sq", "leverage")
DY = tuple(f"DY({days})" for days in HORIZONS)
EMD = tuple(f"EMD({days})" for days in HORIZONS)
SCALED = tuple(f"EMD({days}), scaled" for days in HORIZONS)
JUDGED = (*DEPENDENCE, *DY, *EMD)  # against the band; scaled EMD says the same as raw
PUBLISHED = {
    "published: TCN": (0.0212, 0.0248, 0.0214, 0.3291, 19.12, 21.12, 26.33, 28.13),
    "published: C-SVNN": (0.0220, 0.0287, 0.0245, 0.3351, 19.85, 21.24, 25.05, 25.81),
    "published: GARCH(1,1)": (0.0223, 0.0291, 0.0253, 0.4636, 32.71, 27.48, 39.38, 46.48),
}

Scores = Mapping[str, float]
Floors = Mapping[str, SamplingFloor]


def metrics(n_days: int) -> dict[str, Metric]:
    """Every score by name, for a market of so many days."""
    n_bins = min(N_BINS, n_days // DAYS_A_BIN)
    found: dict[str, Metric] = {
        "ACF id": partial(acf_score, transform="identity", n_lags=N_LAGS),
        "ACF abs": partial(acf_score, transform="absolute", n_lags=N_LAGS),
        "ACF sq": partial(acf_score, transform="square", n_lags=N_LAGS),
        "leverage": partial(leverage_score, n_lags=N_LAGS),
    }
    for name, days in zip(DY, HORIZONS, strict=True):
        found[name] = _of_sums(partial(dy_metric, n_bins=n_bins), days)
    for name, days in zip(EMD, HORIZONS, strict=True):
        found[name] = _of_sums(earth_mover_distance, days)
    for name, days in zip(SCALED, HORIZONS, strict=True):
        found[name] = _of_sums(scaled_earth_mover_distance, days)
    return found


def _of_sums(distance: Metric, days: int) -> Metric:
    """A distance of two samples, between returns summed over some days."""

    def compared(real: Tensor, synthetic: Tensor) -> float:
        return distance(aggregated(real, days), aggregated(synthetic, days).flatten())

    return compared


def n_above(scores: Scores, floors: Floors) -> int:
    """Scores worse than nine in ten of a perfect model's; one that does not exist counts."""
    return sum(not scores[key] <= floors[key].p90 for key in JUDGED)


def n_below(scores: Scores, floors: Floors) -> int:
    """Scores better than nine in ten of a perfect model's."""
    return sum(scores[key] < floors[key].p10 for key in JUDGED)

"""What a search for anomalies found, as a record: windows, who drives them, and what to know."""

from typing import Any

import pandas as pd
import torch

from fingan.anomalies.features import FEATURES, MEANING, drivers
from fingan.anomalies.search import Anomalies

N_DRIVERS, LEAST_SHARE = 3, 0.01
N_ODDEST = 3  # calibration windows named

NOTES = (
    "the published model keeps no critic: the score is of its filter, not of a discriminator",
    "a flagged window is unlike the held-out ones; a crisis is flagged as well as a wrong price",
    "false discoveries are controlled if ordinary windows of both spans are alike and independent;"
    " windows of one market are not quite",
)


def record(found: Anomalies) -> dict[str, Any]:
    """JSON-ready: the spans, the windows flagged and the oddest ones, notes."""
    dates, width = found.evidence.dates, found.request.window
    check, n_flagged = found.check, int(found.flagged.sum())
    n_listed = min(max(found.request.budget, n_flagged), len(found.ends))
    return {
        "kind": "anomalies",
        "model": found.reference,
        "model_digest": found.digest,
        "assets": list(found.evidence.assets),
        "window": width,
        "fdr": found.request.fdr,
        "budget": found.request.budget,
        "span": {
            "first": _day(found.span(0)[0]),
            "last": _day(dates[int(found.ends[-1])]),
            "n_windows": len(found.ends),
        },
        "calibration": {
            "first": _day(dates[int(found.calibration[0]) + 1 - width]),
            "last": _day(dates[int(found.calibration[-1])]),
            "n_windows": len(found.calibration),
            "n_independent": len(found.calibration) // width,
            "oddest": _oddest(found),
        },
        "n_flagged": n_flagged,
        "uniformity": {
            "level": check.level,
            "share": check.share,
            "ci": [check.lower, check.upper],
        },
        "features": dict(MEANING),
        "windows": [_window(found, int(index)) for index in found.order[:n_listed]],
        "notes": [*NOTES, *_warnings(found)],
    }


def _window(found: Anomalies, index: int) -> dict[str, Any]:
    width, end = found.request.window, int(found.ends[index])
    first, last = found.span(index)
    driver = FEATURES[int(found.surprises[index].argmax())]
    parts = drivers(found.evidence, end, width, driver)
    dates = found.evidence.dates[end + 1 - width : end + 1]
    p_value = float(found.p_values[index])
    n_independent = max(1, len(found.calibration) // width)
    return {
        "first": _day(first),
        "last": _day(last),
        "score": float(found.scores[index]),
        "p": p_value,
        "p_se": (p_value * (1 - p_value) / n_independent) ** 0.5,
        "q": float(found.q_values[index]),
        "flagged": bool(found.flagged[index]),
        "driver": driver,
        "features": {
            name: {
                "value": float(found.features[index, place]),
                "surprise": float(found.surprises[index, place]),
            }
            for place, name in enumerate(FEATURES)
        },
        "assets": _shares(parts.sum(0), found.evidence.assets, "asset"),
        "days": _shares(parts.sum(1), [_day(date) for date in dates], "date"),
    }


def _oddest(found: Anomalies) -> list[dict[str, Any]]:
    """Calibration windows of the highest scores, apart from each other: what p-values rest on."""
    width, kept = found.request.window, list[int]()
    order = found.ordinary.argsort(descending=True, stable=True)
    for place in order.tolist():
        end = int(found.calibration[place])
        if all(abs(end - int(found.calibration[other])) >= width for other in kept):
            kept.append(place)
        if len(kept) == N_ODDEST:
            break
    dates = found.evidence.dates
    return [
        {
            "first": _day(dates[int(found.calibration[place]) + 1 - width]),
            "last": _day(dates[int(found.calibration[place])]),
            "score": float(found.ordinary[place]),
        }
        for place in kept
    ]


def _shares(shares: torch.Tensor, names: Any, key: str) -> list[dict[str, Any]]:
    """The largest shares of a feature and whose they are."""
    best = shares.argsort(descending=True, stable=True)[:N_DRIVERS]
    return [
        {key: names[int(place)], "share": float(shares[place])}
        for place in best
        if shares[place] >= LEAST_SHARE
    ]


def _warnings(found: Anomalies) -> list[str]:
    check, warnings = found.check, []
    if check.lower > check.level:
        warnings.append(
            f"{100 * check.share:.0f} % of the judged windows have p at most {check.level}: the"
            " span differs from the calibration as a whole, so that p-values are too small; read"
            " the order, not the level"
        )
    resolution = 1 / (len(found.calibration) + 1)
    if resolution > found.request.fdr / len(found.ends):
        least = -(-resolution * len(found.ends) // found.request.fdr)
        warnings.append(
            f"no p-value is below {resolution:.2g}: with {len(found.ends)} windows at least"
            f" {least:.0f} must be as odd as that before one is flagged"
        )
    return warnings


def _day(date: pd.Timestamp) -> str:
    return date.date().isoformat() if date == date.normalize() else date.isoformat()

"""Records of an evaluation and of a backtest as they are written, small and made up."""

from typing import Any

ASSETS = ("ABLE", "<b>BAKER</b>", "C&A", "DOG")


def _value(estimate: float | None, **more: Any) -> dict[str, Any]:
    empty = {"standard_error": None, "difference": None, "t": None, "note": None}
    return {"estimate": estimate, **empty, **more}


def evaluation_record() -> dict[str, Any]:
    """A model that beats the reference on one score, loses on another, and copies nothing."""
    metrics = [
        ("energy_score_10", "energy score of all assets, 10 days", "scores", "lower", "sd"),
        ("crps_assets_1", "CRPS of each asset, 1 day", "scores", "lower", "sd"),
        ("acf_absolute", "ACF of |r|, lags 1-250", "stylised facts", "lower", ""),
        ("emd_1", "EMD, 1 day", "distribution", "lower", "sd"),
        ("neighbour_ratio", "nearest training window, over real days'", "copies", "higher", ""),
    ]
    scored = {"standard_error": 0.08, "difference": -0.016, "t": -2.4}
    lost = {"standard_error": 0.02, "difference": 0.011, "t": 3.1}
    even = {"standard_error": 0.08, "difference": 0.0, "t": 0.0}
    model = [_value(1.92, **scored), _value(0.56, **lost), _value(0.061), _value(0.02)]
    reference = [_value(1.936, **even), _value(0.549, **even), _value(0.043), _value(0.03)]
    plain = [_value(1.99, **lost), _value(0.57, **lost), _value(0.09), _value(None, note="thin")]
    names = [metric[0] for metric in metrics]
    keys = ("name", "title", "group", "better", "unit")
    return {
        "kind": "evaluation",
        "model": "tiny@1",
        "assets": list(ASSETS),
        "span": {"first": "2018-01-01", "last": "2018-01-26", "n_days": 20},
        "in_sample": False,
        "seed": 3,
        "n_paths": 500,
        "reference": "fhs-gjr",
        "metrics": [dict(zip(keys, metric, strict=True)) for metric in metrics],
        "rows": [
            {
                "sampler": sampler,
                "in_sample": False,
                "values": dict(zip(names, [*values, _value(last)], strict=True)),
            }
            for sampler, values, last in (
                ("model", model, 1.02),
                ("fhs-gjr", reference, 0.98),
                ("historical", plain, 0.4),
            )
        ],
        "floor": {
            "process": "gjr-skew-t",
            "n_repetitions": 8,
            "values": {
                "acf_absolute": {"mean": 0.04, "std": 0.01, "p10": 0.03, "p90": 0.05},
                "emd_1": {"mean": 0.02, "std": 0.005, "p10": 0.015, "p90": 0.028},
            },
        },
        "real_against_real": {"values": {"acf_absolute": 0.035}},
        "notes": ["Made up."],
    }


def backtest_record(n_days: int = 20) -> dict[str, Any]:
    """A model whose 99 % VaR passes and whose 95 % VaR fails Kupiec's test."""
    days = [f"2018-01-{1 + day:02d}" for day in range(n_days)]
    losses = [0.01 * (-1) ** day + 0.001 * day for day in range(n_days)]

    def row(sampler: str, level: float, violations: int, p: float) -> dict[str, Any]:
        test = {"p": p, "adjusted_p": min(1.0, 3 * p), "failed": 3 * p < 0.05, "statistic": 1.0}
        none = {"p": None, "adjusted_p": None, "failed": False, "statistic": None}
        return {
            "sampler": sampler,
            "level": level,
            "n_days": n_days,
            "violations": violations,
            "expected": (1 - level) * n_days,
            "tests": {"kupiec": test, "dq": none},
            "power_2x": 0.24,
            "traffic_light": "green",
            "fz0": 0.9,
            "fz0_se": 0.05,
            "dm_t": 0.3 if sampler == "model" else None,
            "dm_p": 0.7 if sampler == "model" else None,
            "in_mcs": sampler == "model",
        }

    series = {
        f"{level:g}": {
            "value_at_risk": [size] * n_days,
            "expected_shortfall": [1.2 * size] * n_days,
        }
        for level, size in ((0.95, 0.02), (0.99, 0.026))
    }
    return {
        "kind": "backtest",
        "model": "tiny@1",
        "portfolio": {"assets": list(ASSETS), "weights": [0.25] * 4},
        "horizon": 1,
        "span": {"first": days[0], "last": days[-1], "n_days": n_days},
        "in_sample": False,
        "levels": [0.95, 0.99],
        "n_paths": 1000,
        "seed": 3,
        "refit": 63,
        "window": 1500,
        "dates": days,
        "losses": losses,
        "rows": [
            row("model", 0.95, 6, 0.001),
            row("fhs-gjr", 0.95, 1, 0.9),
            row("model", 0.99, 1, 0.6),
            row("fhs-gjr", 0.99, 0, 0.5),
        ],
        "series": {"model": series, "fhs-gjr": series},
        "pit": {
            "model": {"counts": [1] * 20, "p": 0.44},
            "fhs-gjr": {"counts": [1] * 20, "p": None},
        },
        "notes": ["Made up as well."],
    }

"""A small request for each endpoint; all but the one of ``demo`` answer on every store."""

from collections.abc import Mapping
from typing import Any

QUOTES = {"model": "historical", "prices": "sp500-20"}
EXAMPLES: Mapping[str, dict[str, Any]] = {
    "/v1/scenarios": QUOTES | {"horizon": 5, "n_paths": 100, "seed": 7, "assets": ["AAPL", "KO"]},
    "/v1/scenarios/summary": QUOTES | {"horizon": 5, "n_paths": 1_000, "assets": ["AAPL"]},
    "/v1/risk": QUOTES
    | {"horizon": 5, "n_paths": 1_000, "portfolio": {"AAPL": 0.6, "KO": 0.4}, "baselines": []},
    "/v1/stress": QUOTES
    | {"shocks": ["AAPL<=-0.03"], "horizon": 5, "n_paths": 5_000, "comparators": []},
    "/v1/stress/reverse": QUOTES
    | {"loss": 0.03, "horizon": 5, "n_paths": 5_000, "comparators": []},
    "/v1/screens": QUOTES
    | {"horizon": 5, "n_scenarios": 1_000, "top_k": 3, "references": ["historical"]},
    "/v1/optimize": QUOTES | {"horizon": 5, "n_paths": 500, "universe": ["AAPL", "KO"]},
    "/v1/anomalies": {"model": "demo", "prices": "sp500-20"},
    "/v1/explain": QUOTES | {"path": 3, "horizon": 5},
    "/v1/jobs": {"kind": "scenarios", "request": QUOTES | {"horizon": 5, "n_paths": 1_000}},
}

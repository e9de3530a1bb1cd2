import pytest

from fingan.scenarios.baselines import baseline
from fingan.screening.screen import run_screen
from fingan.screening.specification import ScreenSpec

SPEC = {
    "horizon": 5,
    "n_scenarios": 2048,
    "seed": 3,
    "universe": {
        "assets": ["ABLE", "BAKER", "DOG"],
        "pairs": [["ABLE", "CHARLIE"]],
        "portfolios": {"half": {"ABLE": 0.5, "DOG": 0.25}},
    },
    "directions": ["long", "short"],
    "criteria": [
        {"metric": "es", "level": 0.975, "op": "<=", "value": 0.05},
        {"metric": "p_gt", "op": ">=", "value": 0.3},
    ],
    "top_k": 3,
}


@pytest.fixture(scope="session")
def gaussian(garch_prices):
    return baseline("gaussian", garch_prices)


@pytest.fixture(scope="session")
def spec():
    return ScreenSpec.model_validate(SPEC)


@pytest.fixture(scope="session")
def found(gaussian, garch_prices, spec):
    others = [baseline(name, garch_prices) for name in ("block-bootstrap", "historical")]
    return run_screen(gaussian, garch_prices, spec, references=others)

import json

import pytest
import torch

from benchmarks import risk_cost
from fingan.scenarios.baselines import baseline


def test_the_yardstick_computes_the_same_figures():
    random = torch.Generator().manual_seed(0)
    cube = 0.02 * torch.randn(4_000, 1, 3, generator=random)
    shares = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    ours = risk_cost.with_errors(cube, shares, torch.arange(4_000) % 5)
    for own, bare in zip(ours, risk_cost.bare(cube.numpy(), shares.numpy()), strict=True):
        assert own == pytest.approx(bare.tolist())


def test_both_goals_are_printed(garch_prices, tmp_path, monkeypatch, capsys):
    garch_prices.to_csv(tmp_path / "prices.csv")
    monkeypatch.setattr(risk_cost, "load_model", lambda *_: baseline("gaussian", garch_prices))
    sizes = ["--paths", "2000", "--assets", "3", "--statement-paths", "200", "--horizon", "2"]
    prices = ["--prices", str(tmp_path / "prices.csv"), "--model", "any"]
    risk_cost.main([*sizes, *prices, "--turns", "1", "--threads", "1", "--json"])
    (table,) = json.loads(capsys.readouterr().out)["tables"]
    arithmetic, statement = table["rows"]
    assert arithmetic["goal"] == "at most 3 x"
    assert float(arithmetic["figure"].split(" x ")[0]) > 0
    assert statement["what"].startswith("risk of 200 paths x 2 steps x 4 assets, sampling included")

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from benchmarks import quant_gans
from benchmarks.garch import N_STEPS, garch_normal
from benchmarks.quant_gans_scores import JUDGED, SCALED, metrics, n_above, n_below
from fingan.metrics.floors import SamplingFloor


@pytest.fixture(scope="module")
def returns() -> Tensor:
    """GARCH(1,1) of known coefficients, in fractions."""
    random = np.random.default_rng(5)
    variance, values = 1e-4, []
    for shock in random.standard_normal(4_000):
        values.append(np.sqrt(variance) * shock)
        variance = 5e-6 + 0.10 * values[-1] ** 2 + 0.85 * variance
    return torch.tensor(np.array(values))


def test_garch_paths_have_the_variance_and_clustering_of_the_process(returns: Tensor) -> None:
    paths = garch_normal(returns)(200, 1)
    assert paths.shape == (200, N_STEPS)
    assert 0.85 < float(paths.std() / returns.std()) < 1.15
    squares = paths.square() - paths.square().mean()
    clustering = (squares[:, 1:] * squares[:, :-1]).mean() / squares.square().mean()
    assert 0.1 < clustering < 0.4  # 0.23 by the coefficients
    assert torch.equal(garch_normal(returns)(3, 7), garch_normal(returns)(3, 7))


def test_every_score_tells_the_process_from_noise_without_memory(returns: Tensor) -> None:
    measures = metrics(len(returns))
    assert set(measures) == {*JUDGED, *SCALED}
    truth = garch_normal(returns)(50, 1)
    noise = torch.randn(50, N_STEPS, generator=torch.Generator().manual_seed(1)).double()
    for name in ("ACF abs", "ACF sq", "DY(1)", "DY(5)"):
        assert measures[name](returns, truth) < measures[name](returns, noise * returns.std()), name
    for name in ("EMD(1)", "EMD(1), scaled", "EMD(20), scaled"):
        assert measures[name](returns, truth) < measures[name](returns, 2 * noise * returns.std())


def test_bins_are_fewer_where_days_are() -> None:
    few, many = metrics(800)["DY(1)"], metrics(4_000)["DY(1)"]
    random = torch.Generator().manual_seed(2)
    real, nothing = torch.randn(800, generator=random).double(), torch.zeros(1, 800).double()
    assert few(real, nothing) < many(real, nothing)


def test_scores_are_counted_above_and_below_the_band_and_a_missing_one_is_above() -> None:
    floors = {name: SamplingFloor(1.0, 0.1, 0.9, 1.1, 40) for name in JUDGED}
    scores = dict.fromkeys(JUDGED, 1.0)
    assert (n_above(scores, floors), n_below(scores, floors)) == (0, 0)
    scores |= {"ACF abs": 0.5, "leverage": 2.0, "DY(1)": float("nan")}
    assert (n_above(scores, floors), n_below(scores, floors)) == (2, 1)


def test_an_index_is_one_asset(garch_prices: pd.DataFrame, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("prices") / "prices.csv"
    garch_prices.to_csv(path)
    with pytest.raises(SystemExit, match=r"^RequestError: --prices must hold one asset, got 4"):
        quant_gans.main(["--prices", str(path)])


def test_prices_must_reach_back_to_the_paper(garch_prices: pd.DataFrame, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("prices") / "prices.csv"
    garch_prices[["ABLE"]].loc["2018-01-02":].to_csv(path)
    with pytest.raises(SystemExit, match=r"^RequestError: --prices must hold more than 250 days"):
        quant_gans.main(["--prices", str(path)])

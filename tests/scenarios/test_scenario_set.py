import datetime as dt
import gc
import threading
import weakref

import numpy as np
import pandas as pd
import pytest
import torch

from fingan.errors import RequestError
from fingan.scenarios.scenario_set import ScenarioHeader, ScenarioSet, ScenarioStream


def small_set(kind: str = "price", weights: torch.Tensor | None = None) -> ScenarioSet:
    header = ScenarioHeader(("A", "B"), (100.0, 10.0), horizon=2, n_paths=1, kind=kind)
    cube = torch.tensor([[[0.1, -0.2], [0.3, 0.0]]])
    return ScenarioSet(header, cube, weights)


def test_simple_returns_are_expm1_of_log_returns():
    expected = np.expm1(np.float32([[[0.1, -0.2], [0.3, 0.0]]]).astype(float))
    np.testing.assert_allclose(small_set().simple_returns().numpy(), expected, rtol=1e-15)


def test_prices_continue_from_the_start_prices():
    expected = [[[100 * np.exp(0.1), 10 * np.exp(-0.2)], [100 * np.exp(0.4), 10 * np.exp(-0.2)]]]
    prices = small_set().prices()
    assert prices.dtype == torch.float64
    np.testing.assert_allclose(prices.numpy(), expected, rtol=1e-7)


def test_terminal_returns_compound_the_steps(make_stream):
    scenarios = make_stream(n_paths=30).collect()
    compounded = (1 + scenarios.simple_returns()).prod(dim=1) - 1
    torch.testing.assert_close(scenarios.terminal(), compounded, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(scenarios.terminal("price"), scenarios.prices()[:, -1])


def test_a_level_adds_up_where_a_price_compounds():
    scenarios = small_set(kind="level")
    np.testing.assert_allclose(scenarios.simple_returns(), scenarios.log_returns)
    np.testing.assert_allclose(scenarios.prices(), [[[100.1, 9.8], [100.4, 9.8]]], rtol=1e-7)
    np.testing.assert_allclose(scenarios.terminal("price"), [[100.4, 9.8]], rtol=1e-7)


def test_fewer_paths_are_the_first_of_more(make_stream):
    many = make_stream(n_paths=1_000).collect().log_returns
    for n_paths in (1, 63, 64, 65, 129):
        few = make_stream(n_paths=n_paths).collect().log_returns
        assert torch.equal(few, many[:n_paths])


@pytest.mark.parametrize("n_threads", [2, 3, 50])
def test_the_number_of_threads_changes_nothing(make_stream, n_threads):
    alone = make_stream(n_paths=1_000).collect().log_returns
    together = make_stream(n_paths=1_000, n_threads=n_threads)
    assert torch.equal(together.collect().log_returns, alone)
    assert torch.equal(torch.cat(list(together.blocks())), alone)


def test_a_stream_may_be_drawn_again(make_stream):
    stream = make_stream()
    assert all(map(torch.equal, stream.blocks(), stream.blocks()))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_each_draw_has_one_thread_and_no_gradients_and_the_caller_keeps_its_own(n_threads):
    seen = set()

    def draw(_: int) -> torch.Tensor:
        seen.add((torch.get_num_threads(), torch.is_grad_enabled()))
        return torch.zeros(1, 1, 1)

    header = ScenarioHeader(("A",), (1.0,), horizon=1, n_paths=5)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        ScenarioStream(header, 1, draw, n_threads).collect()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == {(1, False)}


@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_stream_keeps_few_blocks_alive(n_threads):
    drawn: list[weakref.ref[np.ndarray]] = []
    most = 0
    lock = threading.Lock()

    def draw(_: int) -> torch.Tensor:
        nonlocal most
        cells = np.zeros((1, 1, 1), dtype=np.float32)  # a tensor holds on to its array
        with lock:
            drawn.append(weakref.ref(cells))
            most = max(most, sum(block() is not None for block in drawn))
        return torch.from_numpy(cells)

    header = ScenarioHeader(("A",), (1.0,), horizon=1, n_paths=60)
    gc.collect()
    for _ in ScenarioStream(header, 1, draw, n_threads).blocks():
        pass
    assert most <= n_threads + 1


@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_cancels_the_draws_that_have_not_begun(n_threads):
    drawn = []

    def draw(index: int) -> torch.Tensor:
        drawn.append(index)
        if index == 3:
            raise KeyboardInterrupt
        return torch.zeros(1, 1, 1)

    header = ScenarioHeader(("A",), (1.0,), horizon=1, n_paths=1_000)
    with pytest.raises(KeyboardInterrupt):
        ScenarioStream(header, 1, draw, n_threads).collect()
    assert max(drawn) <= 3 + n_threads


def test_leaving_a_stream_early_stops_its_threads(make_stream):
    before = threading.active_count()
    blocks = make_stream(n_paths=10_000, n_threads=2).blocks()
    next(blocks)
    blocks.close()
    assert threading.active_count() == before


def test_a_frame_has_the_columns_of_the_file(make_stream):
    frame = make_stream(n_paths=2, horizon=3).collect().to_frame()
    assert list(frame.columns) == ["scenario", "step", "date", "AAPL", "BRK.B", 'odd, "name"']
    assert frame["scenario"].tolist() == [0, 0, 0, 1, 1, 1]
    assert frame["step"].tolist() == [1, 2, 3, 1, 2, 3]
    assert frame["date"].tolist() == [pd.Timestamp(2020, 3, day) for day in (17, 18, 19)] * 2


def test_a_long_frame_is_the_wide_one_melted(make_stream):
    scenarios = make_stream(n_paths=4, horizon=3).collect()
    long = scenarios.to_frame(layout="long")
    wide = long.pivot(index=["scenario", "step"], columns="asset", values="value")
    expected = scenarios.to_frame()[list(scenarios.assets)]
    np.testing.assert_array_equal(wide[list(scenarios.assets)].to_numpy(), expected.to_numpy())


def test_weights_travel_with_the_paths(make_stream):
    stream = make_stream(n_paths=3, horizon=2)
    weights = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    scenarios = ScenarioSet(stream.header, stream.collect().log_returns, weights)
    assert scenarios.to_frame()["weight"].tolist() == [0.5, 0.5, 0.3, 0.3, 0.2, 0.2]
    assert scenarios.to_frame(layout="terminal")["weight"].tolist() == [0.5, 0.3, 0.2]


@pytest.mark.parametrize("n_paths", [0, -1, 2**31, 10**12])
def test_a_number_of_paths_out_of_range_is_refused(make_stream, n_paths):
    with pytest.raises(RequestError, match=r"n_paths must lie in 1 to 2,147,483,647, got"):
        make_stream(n_paths=n_paths)


def test_a_horizon_of_zero_is_refused():
    with pytest.raises(RequestError, match=r"horizon must lie in 1 to 2,147,483,647, got 0"):
        ScenarioHeader(("A",), (1.0,), horizon=0, n_paths=1)


def test_a_cube_larger_than_memory_is_refused_before_it_is_drawn(make_stream):
    with pytest.raises(RequestError, match=r"must fit in memory, they need .* save them as a"):
        make_stream(n_paths=2**31 - 1, horizon=1_000).collect()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"assets": ("A", "A")}, "assets must be one or more different names"),
        ({"start_prices": (1.0,)}, "one price for each of 2 assets, got 1"),
        ({"dates": (dt.date(2020, 1, 1),)}, "one date for each of 3 steps, got 1"),
    ],
)
def test_a_header_that_does_not_fit_itself_is_refused(change, words):
    fields = {"assets": ("A", "B"), "start_prices": (1.0, 2.0), "horizon": 3, "n_paths": 1}
    with pytest.raises(ValueError, match=words):
        ScenarioHeader(**(fields | change))


@pytest.mark.usefixtures("without_type_checks")
def test_a_cube_or_weights_that_do_not_fit_the_header_are_refused():
    with pytest.raises(ValueError, match=r"weights must hold one number for each of 1 paths"):
        small_set(weights=torch.ones(2))
    with pytest.raises(ValueError, match=r"log_returns must be \(1, 2, 2\), got \(3, 2, 2\)"):
        ScenarioSet(small_set().header, torch.zeros(3, 2, 2))

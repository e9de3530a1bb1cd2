import json
import sys
from types import SimpleNamespace

import pytest
import torch

import fingan
from fingan.errors import ModelNotFoundError, RequestError
from fingan.scenarios.scenario_set import ScenarioHeader, ScenarioSet, ScenarioStream


class CoinSampler:
    """Draws moves of one percent up or down; path i depends on the seed and i alone."""

    def stream(self, prices, horizon, n_paths, *, seed=0, as_of=None, n_threads=1):
        if as_of is not None and as_of < "2015":
            raise RequestError(f"as_of must not lie before the prices, got {as_of}")
        header = ScenarioHeader(
            assets=tuple(prices.columns),
            start_prices=tuple(prices.iloc[-1]),
            horizon=horizon,
            n_paths=n_paths,
            metadata={"model": "coin@1", "seed": seed, "as_of": as_of},
        )

        def draw_block(index: int) -> torch.Tensor:
            random = torch.Generator().manual_seed(1000 * seed + index)
            coins = torch.rand((16, *header.shape[1:]), generator=random) < 0.5
            return torch.where(coins, 0.01, -0.01)

        return ScenarioStream(header, 16, draw_block, n_threads)


@pytest.fixture
def generate(run, tmp_path, garch_prices, monkeypatch):
    """Run ``fingan generate coin`` on a price file, with a sampler that needs no training."""

    def load_model(reference, store):
        if reference != "coin":
            raise ModelNotFoundError(f"model '{reference}' is not in store '{store}'")
        return CoinSampler()

    pipeline = SimpleNamespace(load_model=load_model)
    monkeypatch.setitem(sys.modules, "fingan.pipeline", pipeline)
    monkeypatch.setattr(fingan, "pipeline", pipeline, raising=False)
    garch_prices.to_csv(tmp_path / "prices.csv")

    def run_generate(*arguments, model="coin", out="cube.parquet"):
        prices = ("--prices", tmp_path / "prices.csv", "--out", tmp_path / out)
        return run("generate", model, *prices, *arguments)

    return run_generate


def test_generate_writes_the_scenarios_and_says_what_they_are(generate, tmp_path):
    ended = generate("--horizon", 5, "--paths", 40, "--seed", 7, "--json")
    assert ended.code == 0
    said = json.loads(ended.out)
    assert (said["paths"], said["horizon"], said["seed"]) == (40, 5, 7)
    written = ScenarioSet.load(tmp_path / "cube.parquet")
    assert written.log_returns.shape == (40, 5, 4)
    assert written.assets == ("ABLE", "BAKER", "CHARLIE", "DOG")


def test_the_same_request_writes_the_same_bytes_on_one_thread_and_on_two(generate, tmp_path):
    for out, threads in (("first.parquet", 1), ("second.parquet", 1), ("third.parquet", 2)):
        assert generate("--paths", 40, "--threads", threads, out=out).code == 0
    first, second, third = (
        (tmp_path / f"{name}.parquet").read_bytes() for name in ("first", "second", "third")
    )
    assert first == second == third


def test_values_layout_and_format_follow_the_options(generate, tmp_path):
    ended = generate(
        "--paths", 3, "--horizon", 2, "--values", "price", "--layout", "terminal", out="cube.csv"
    )
    assert ended.code == 0
    lines = (tmp_path / "cube.csv").read_text().splitlines()
    assert lines[0].replace('"', "").split(",") == ["scenario", "ABLE", "BAKER", "CHARLIE", "DOG"]
    assert len(lines) == 4


@pytest.mark.parametrize(
    "arguments",
    [
        ("--horizon", 0),
        ("--paths", 0),
        ("--paths", 10**12),
        ("--as-of", "1999-01-04"),
        ("--as-of", "yesterday"),
        ("--seed", -1),
        ("--layout", "cube"),
    ],
    ids=lambda arguments: " ".join(map(str, arguments)),
)
def test_a_request_out_of_range_is_one_sentence_and_writes_nothing(generate, tmp_path, arguments):
    ended = generate(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["prices.csv"]


def test_an_unknown_suffix_is_bad_input(generate, tmp_path):
    ended = generate(out="cube.xlsx")
    assert ended.code == 2
    assert not (tmp_path / "cube.xlsx").exists()


def test_an_unknown_model_is_bad_input(generate):
    ended = generate(model="dice")
    assert ended == (2, "", "error: model 'dice' is not in store 'models'\n")

"""Chunks, pages and chosen assets: parts of one cube, never another one."""

import datetime as dt
import io
from dataclasses import replace

import pytest
import torch

from fingan.errors import RequestError, UnknownAssetError
from fingan.scenarios.baselines import baseline
from fingan.scenarios.formats import encode_scenarios, encoded_chunks
from fingan.scenarios.layouts import GROUP_VALUES
from fingan.scenarios.scenario_set import ScenarioHeader, ScenarioSet, ScenarioStream

FORMS = [
    ("arrow", "wide"), ("arrow", "tensor"), ("arrow", "long"), ("arrow", "terminal"),
    ("csv", "wide"), ("csv", "long"), ("parquet", "wide"), ("json", "wide"),
]  # fmt: skip


@pytest.fixture(scope="module")
def stream(garch_prices):
    return baseline("historical", garch_prices).stream(garch_prices, 40, 20_000, seed=3)


def whole(scenarios, format, layout):  # noqa: A002
    sink = io.BytesIO()
    encode_scenarios(scenarios, sink, format=format, layout=layout)
    return sink.getvalue()


@pytest.mark.parametrize(("format", "layout"), FORMS)
@pytest.mark.parametrize("n_paths", [1, 512, 513, 4_000])
def test_chunks_are_the_file_and_may_begin_anywhere(stream, n_paths, format, layout):  # noqa: A002
    part = stream.page(0, min(n_paths, 600) if format == "json" else n_paths)
    chunks = list(encoded_chunks(part, format=format, layout=layout))
    assert b"".join(chunks) == whole(part, format, layout)
    assert n_paths < 4_000 or format == "json" or len(chunks) > 1
    for first in range(1, len(chunks) + 1):
        rest = encoded_chunks(part, format=format, layout=layout, first_chunk=first)
        assert list(rest) == chunks[first:]


@pytest.mark.parametrize("n_assets", [1, 4, 20])
@pytest.mark.parametrize(("format", "layout"), FORMS[:-1])
def test_no_chunk_is_large(n_assets, format, layout):  # noqa: A002
    names = tuple(f"NAME{number}" for number in range(n_assets))
    n_paths = 2 * GROUP_VALUES // (n_assets * 250 if layout != "terminal" else n_assets)
    dates = tuple(dt.date(2020, 1, 1) + dt.timedelta(day) for day in range(250))
    header = ScenarioHeader(names, (100.0,) * n_assets, 250, n_paths, dates, first=10**9)
    block = torch.full((64, 250, n_assets), -1.2345678e-5)
    weights = torch.full((n_paths,), 1.2345678901234567e-5, dtype=torch.float64)
    stream = ScenarioStream(header, 64, lambda _: block, weights=weights)
    chunks = encoded_chunks(stream, format=format, layout=layout)
    assert max(len(next(chunks)) for _ in range(2)) <= 8 * 2**20


def test_a_closed_generator_draws_no_more(stream):
    drawn = []

    def noted(index):
        drawn.append(index)
        return stream.draw_block(index)

    chunks = encoded_chunks(replace(stream, draw_block=noted), format="arrow")
    next(chunks)
    chunks.close()
    assert drawn == [0]


@pytest.mark.parametrize(
    ("offset", "limit"), [(0, 10), (5, 600), (511, 2), (512, 512), (1_000, None), (19_999, None)]
)
def test_a_page_has_the_paths_of_the_whole_with_their_numbers(stream, offset, limit):
    cube = stream.collect()
    for page in (stream.page(offset, limit).collect(), cube.page(offset, limit)):
        n_paths = page.n_paths
        assert n_paths == min(limit or 20_000, 20_000 - offset)
        assert torch.equal(page.log_returns, cube.log_returns[offset : offset + n_paths])
        assert torch.equal(page.members, cube.members[offset : offset + n_paths])
        assert page.page(0, 1).to_frame()["scenario"].tolist() == [offset] * 40


def test_a_page_read_back_knows_where_it_begins(stream, tmp_path):
    stream.page(700, 20).save(tmp_path / "page.parquet", values="log_return")
    page = ScenarioSet.load(tmp_path / "page.parquet")
    assert (page.header.first, page.n_paths) == (700, 20)
    assert torch.equal(page.log_returns, stream.page(700, 20).collect().log_returns)


def test_chosen_assets_stand_in_the_order_asked(stream):
    cube = stream.page(0, 600).collect()
    for chosen in (stream.page(0, 600).select(["DOG", "ABLE"]), cube.select(["DOG", "ABLE"])):
        assert chosen.header.assets == ("DOG", "ABLE")
        assert chosen.header.start_prices == (cube.start_prices[3], cube.start_prices[0])
        (block,) = [torch.cat(list(chosen.blocks()))]
        assert torch.equal(block, cube.log_returns[..., [3, 0]])


def test_parts_that_are_not_there_are_refused(stream):
    with pytest.raises(RequestError, match="offset must lie in 0 to 19,999, got 20,000"):
        stream.page(20_000)
    with pytest.raises(RequestError, match="limit must be at least 1, got 0"):
        stream.page(0, 0)
    with pytest.raises(UnknownAssetError, match="asset 'CAT' is not in the scenarios"):
        stream.select(["CAT"])
    with pytest.raises(RequestError, match="one or more different names, got DOG, DOG"):
        stream.select(["DOG", "DOG"])

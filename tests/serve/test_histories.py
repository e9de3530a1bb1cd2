"""Prices that come with a question: sound ones in any form, and what a stranger may send."""

import io
import struct

import numpy as np
import pyarrow as pa
import pytest

from fingan.errors import FinganError, PriceDataError, RequestError
from serve.arrow_bodies import request_in
from serve.histories import History, PriceSources, sent_columns, sent_table, shown
from serve.schemas import HistoryColumns
from serve.settings import Limits

LIMITS = Limits()


@pytest.fixture(scope="module")
def rows(garch_prices):
    return garch_prices.iloc[:50]


def stream(table, **options):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def arrow(rows, dates=None):
    table = pa.table({name: rows[name].to_numpy() for name in rows})
    found = pa.array(rows.index.date) if dates is None else dates
    return table.add_column(0, "date", [found])


def refusal(body, limits=LIMITS):
    with pytest.raises(FinganError) as refused:
        sent_table(body, limits)
    return str(refused.value)


@pytest.mark.parametrize(
    "dates",
    [
        lambda index: pa.array(index.date),
        lambda index: pa.array(index.to_numpy("datetime64[ns]")),
        lambda index: pa.array(index.strftime("%Y-%m-%d").tolist()),
        lambda index: pa.array(index.strftime("%Y-%m-%d").tolist(), pa.large_string()),
    ],
)
def test_a_table_is_the_same_history_however_its_dates_are_written(rows, dates):
    history = sent_table(stream(arrow(rows, dates(rows.index))), LIMITS)
    assert history.digest == History.of(rows).digest


def test_columns_are_the_same_history_as_the_table(rows):
    columns = HistoryColumns.model_validate(shown(rows, 1_000))
    assert sent_columns(columns, LIMITS).key == History.of(rows).key


def test_a_missing_price_is_one_in_either_form(rows):
    late = rows.copy()
    late.iloc[:10, 0] = np.nan
    table = arrow(late).set_column(1, "ABLE", [pa.array(late["ABLE"], from_pandas=True)])
    columns = shown(late, 1_000)
    assert columns["prices"]["ABLE"][:11].count(None) == 10
    sent = sent_columns(HistoryColumns.model_validate(columns), LIMITS)
    assert sent.digest == sent_table(stream(table), LIMITS).digest == History.of(late).digest


def test_a_table_s_kind_travels_with_it(rows):
    returns = rows.pct_change().iloc[1:]
    columns = HistoryColumns.model_validate(shown(returns, 1_000) | {"kind": "simple_return"})
    table = arrow(returns)
    sent = sent_table(stream(table.replace_schema_metadata({"kind": "simple_return"})), LIMITS)
    assert sent.prices.attrs["kind"] == "simple_return"
    assert sent.key == sent_columns(columns, LIMITS).key
    assert "prices must be positive" in refusal(stream(table))  # as which it is taken otherwise
    wrong = stream(table.replace_schema_metadata({"kind": "yield"}))
    assert "must be one of price, simple_return, log_return, level, got 'yield'" in refusal(wrong)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_stream_that_would_grow_when_it_is_unpacked_is_refused(rows, codec):
    assert "must not be compressed" in refusal(stream(arrow(rows), compression=codec))
    zeros = pa.table({"date": pa.nulls(10**6, pa.date32()), "A": np.zeros(10**6)})
    assert "must not be compressed" in refusal(stream(zeros, compression=codec))


def test_columns_that_are_no_prices_are_refused_before_they_are_read(rows):
    days = rows.index.strftime("%Y-%m-%d").tolist()
    plain = arrow(rows)
    nested = plain.append_column("EGG", [pa.array([[1.0]] * len(rows))])
    assert "'EGG' of type list" in refusal(stream(nested))
    text = plain.append_column("EGG", [pa.array(days)])
    assert "must hold numbers, got 'EGG' of type string" in refusal(stream(text))
    coded = arrow(rows, pa.array(days).dictionary_encode())
    assert "must hold dates, got 'date' of type dictionary" in refusal(stream(coded))
    assert "must hold a column of dates" in refusal(stream(plain.select([0])))


def test_a_history_over_the_limit_is_refused_in_each_form(rows):
    limits = Limits(max_history_values=199)
    message = "at most 199 prices, got 50 rows of 4 assets"
    assert message in refusal(stream(arrow(rows)), limits)
    with pytest.raises(RequestError, match=message):
        sent_columns(HistoryColumns.model_validate(shown(rows, 1_000)), limits)
    empty = pa.table({"date": pa.nulls(10**6, pa.date32()), "A": pa.nulls(10**6)})
    assert "at most" in refusal(stream(empty), limits)


def test_no_changed_byte_does_more_than_be_refused_or_change_a_price(rows):
    days = pa.array(rows.index.strftime("%Y-%m-%d").tolist())
    body = stream(arrow(rows, days))
    random = np.random.default_rng(0)
    n_refused = 0
    for _ in range(300):
        changed = bytearray(body)
        for place in random.integers(0, len(body), random.integers(1, 4)):
            changed[place] = random.integers(256)
        cut = random.integers(len(body)) if random.random() < 0.1 else len(body)
        try:
            sent_table(bytes(changed[:cut]), LIMITS)
        except FinganError:
            n_refused += 1
    assert n_refused > 20


def test_offsets_that_point_outside_are_refused(rows):
    days = pa.array(rows.index.strftime("%Y-%m-%d").tolist())
    body = stream(arrow(rows, days))
    offsets = struct.pack("<3i", 0, 10, 20)
    assert body.count(offsets) == 1
    wrong = body.replace(offsets, struct.pack("<3i", 0, 2**30, 20))
    assert "the body must be an Arrow IPC stream" in refusal(wrong)


def test_the_request_stands_in_the_schema_or_the_body_is_refused(rows):
    table = arrow(rows).replace_schema_metadata({b"fingan": b"{}"})
    assert request_in(stream(table)) == b"{}"
    with pytest.raises(RequestError, match="metadata key 'fingan'"):
        request_in(stream(arrow(rows)))
    for body in (b"", b"{}", b"\xff" * 100, stream(table)[:20]):
        with pytest.raises(RequestError, match="must be an Arrow IPC stream"):
            request_in(body)


@pytest.mark.parametrize(
    ("kind", "values", "move"),
    [
        ("price", [1.0, 1e-300, 1.0], "-691"),
        ("price", [1.0, None, 1e20], "46.1"),
        ("simple_return", [0.0, 1e9, 0.0], "20.7"),
        ("log_return", [0.0, 0.1, -11.0], "-11"),
        ("level", [0.0, 1e300, 0.0], "1e+300"),
    ],
)
def test_a_step_that_leads_out_of_the_numbers_is_refused(kind, values, move):
    columns = {"dates": ["2020-01-01", "2020-01-02", "2020-01-03"], "prices": {"A": values}}
    with pytest.raises(PriceDataError, match="'A' moves by") as refused:
        sent_columns(HistoryColumns.model_validate(columns | {"kind": kind}), LIMITS)
    assert f"moves by {move} on 2020-01-0" in str(refused.value)


def test_a_price_source_is_read_by_the_name_that_the_operator_gave(rows, tmp_path):
    path = tmp_path / "own.csv"
    rows.to_csv(path)
    sources = PriceSources({"own": str(path), "lost": str(tmp_path / "lost.csv")})
    assert sources.get("own").digest == History.of(rows).digest
    assert sources.get("own") is sources.get("own")
    with pytest.raises(RequestError, match="prices must be one of own, lost, sp500-20"):
        sources.get(str(path))
    described = {one["name"]: one for one in sources.record()["prices"]}
    assert described["own"]["n_rows"] == 50
    assert described["lost"]["problem"]
    assert described["sp500-20"]["n_assets"] == 20

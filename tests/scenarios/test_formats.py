import datetime as dt
import errno
import gzip
import io
import json
import os
import shutil

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch

from fingan.errors import RequestError, StoreError
from fingan.scenarios import layouts
from fingan.scenarios.scenario_set import ScenarioHeader, ScenarioSet, ScenarioStream

VALUES = ("simple_return", "log_return", "price")
LAYOUTS = ("wide", "tensor", "long", "terminal")
ENDINGS = (".parquet", ".arrow", ".csv", ".csv.gz", ".json")


def read(path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pa.parquet.read_table(path).to_pandas(date_as_object=False)
    if path.suffix == ".arrow":
        with path.open("rb") as file:
            return pa.ipc.open_stream(file).read_all().to_pandas(date_as_object=False)
    if path.suffix == ".json":
        return pd.DataFrame(json.loads(path.read_text())["columns"])
    return pd.read_csv(path, keep_default_na=False)


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("layout", ["wide", "long", "terminal"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_holds_the_table_of_the_set(make_stream, tmp_path, values, layout, ending):
    scenarios = make_stream().collect()
    path = tmp_path / f"cube{ending}"
    scenarios.save(path, values=values, layout=layout)
    expected = scenarios.to_frame(values, layout)
    found = read(path)
    assert list(found.columns) == list(expected.columns)
    for name in expected.columns:
        if expected[name].dtype == np.float32:
            assert (found[name].astype(np.float32) == expected[name]).all()
        else:
            assert found[name].astype(str).tolist() == expected[name].astype(str).tolist()


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_streamed_files_are_the_bytes_of_collected_ones(
    make_stream, tmp_path, monkeypatch, values, layout, ending
):
    if layout == "tensor" and ending.startswith(".csv"):
        pytest.skip("has no such form")
    monkeypatch.setattr(layouts, "GROUP_VALUES", 50 * 15)  # groups across the blocks of 64
    streamed, collected = tmp_path / f"streamed{ending}", tmp_path / f"collected{ending}"
    make_stream(n_threads=2).save(streamed, values=values, layout=layout)
    make_stream().collect().save(collected, values=values, layout=layout)
    assert streamed.read_bytes() == collected.read_bytes()


@pytest.mark.parametrize("kind", ["price", "level"])
@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("layout", ["wide", "tensor"])
@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".arrows", ".ipc"])
def test_parquet_and_arrow_are_read_back(make_stream, tmp_path, kind, values, layout, ending):
    scenarios = make_stream(kind=kind).collect()
    path = tmp_path / f"cube{ending}"
    scenarios.save(path, values=values, layout=layout)
    loaded = ScenarioSet.load(path)
    assert loaded.header == scenarios.header
    is_exact = values == "log_return" or (values, kind) == ("simple_return", "level")
    tolerance = 0 if is_exact else 1e-5 if kind == "level" else 2e-7
    torch.testing.assert_close(loaded.log_returns, scenarios.log_returns, rtol=0, atol=tolerance)


@pytest.mark.parametrize("layout", ["wide", "tensor"])
@pytest.mark.parametrize("ending", [".parquet", ".arrow"])
def test_weights_and_times_are_read_back(make_stream, tmp_path, monkeypatch, layout, ending):
    monkeypatch.setattr(layouts, "GROUP_VALUES", 7 * 15)
    times = tuple(dt.datetime(2020, 3, 17, hour) for hour in range(9, 14))
    stream = make_stream(n_paths=20, dates=times)
    weights = torch.linspace(0, 1, 20, dtype=torch.float64)
    scenarios = ScenarioSet(stream.header, stream.collect().log_returns, weights)
    path = tmp_path / f"cube{ending}"
    scenarios.save(path, layout=layout, values="log_return")
    loaded = ScenarioSet.load(path)
    assert torch.equal(loaded.weights, weights)
    assert loaded.dates == times
    assert torch.equal(loaded.log_returns, scenarios.log_returns)


@pytest.mark.parametrize("ending", [".parquet", ".arrow"])
def test_the_schema_is_the_promised_one(make_stream, tmp_path, ending):
    make_stream().save(tmp_path / f"cube{ending}")
    make_stream(dates=None).save(tmp_path / f"undated{ending}")
    types = [str(field.type) for field in schema_of(tmp_path / f"cube{ending}")]
    assert types == ["int32", "int16", "date32[day]", "float", "float", "float"]
    assert "date" not in schema_of(tmp_path / f"undated{ending}").names
    head = json.loads(schema_of(tmp_path / f"cube{ending}").metadata[b"fingan"])
    assert head["model"] == "demo@1"
    assert head["start_prices"] == [100.0, 50.5, 7.25]
    assert (head["layout"], head["values"], head["n_paths"]) == ("wide", "simple_return", 150)


def schema_of(path) -> pa.Schema:
    if path.suffix == ".parquet":
        return pa.parquet.read_schema(path)
    with path.open("rb") as file:
        return pa.ipc.open_stream(file).schema


def test_parquet_splits_bytes_and_keeps_no_dictionary_of_values(make_stream, tmp_path):
    path = tmp_path / "cube.parquet"
    make_stream().save(path)
    group = pa.parquet.read_metadata(path).row_group(0)
    for number in (3, 4, 5):
        assert group.column(number).encodings == ("BYTE_STREAM_SPLIT", "RLE")[::-1]
        assert group.column(number).compression == "ZSTD"
        assert not group.column(number).has_dictionary_page


def test_a_tensor_row_is_a_path(make_stream, tmp_path):
    scenarios = make_stream(n_paths=10).collect()
    table = scenarios.to_arrow("log_return", "tensor")
    cube = table["returns"].combine_chunks().to_numpy_ndarray()
    np.testing.assert_array_equal(cube, scenarios.log_returns.numpy())
    scenarios.save(tmp_path / "cube.json", layout="tensor", values="log_return")
    nested = json.loads((tmp_path / "cube.json").read_text())["columns"]["returns"]
    np.testing.assert_array_equal(np.float32(nested), scenarios.log_returns.numpy())


def test_steps_beyond_int16_are_int32(tmp_path):
    header = ScenarioHeader(("A",), (1.0,), horizon=32_768, n_paths=2)
    stream = ScenarioStream(header, 2, lambda _: torch.zeros(2, 32_768, 1))
    stream.save(tmp_path / "cube.arrow")
    assert schema_of(tmp_path / "cube.arrow").field("step").type == pa.int32()
    assert ScenarioSet.load(tmp_path / "cube.arrow").horizon == 32_768


def test_the_same_bytes_come_out_of_csv_and_its_archive(make_stream, tmp_path):
    make_stream().save(tmp_path / "cube.csv")
    make_stream().save(tmp_path / "cube.csv.gz")
    plain = (tmp_path / "cube.csv").read_bytes()
    assert gzip.decompress((tmp_path / "cube.csv.gz").read_bytes()) == plain
    assert plain.splitlines()[0] == b'"scenario","step","date","AAPL","BRK.B","odd, ""name"""'


def test_the_format_that_is_asked_for_wins_over_the_suffix(make_stream, tmp_path):
    make_stream().save(tmp_path / "cube.csv", format="arrow")
    assert ScenarioSet.load(tmp_path / "cube.csv").n_paths == 150


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("fault", [KeyboardInterrupt, RuntimeError, MemoryError])
@pytest.mark.parametrize("ending", ENDINGS)
def test_what_ends_a_write_early_leaves_nothing_and_the_old_file_as_it_was(
    make_stream, tmp_path, monkeypatch, n_threads, fault, ending
):
    monkeypatch.setattr(layouts, "GROUP_VALUES", 50 * 15)
    path = tmp_path / f"cube{ending}"
    path.write_bytes(b"old")
    stream = make_stream(n_paths=1_000, n_threads=n_threads)

    def fail(index: int) -> torch.Tensor:
        if index == 9:
            raise fault
        return stream.draw_block(index)

    broken = ScenarioStream(stream.header, stream.block_size, fail, n_threads)
    with pytest.raises(fault):
        broken.save(path)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_disk_that_fills_up_leaves_nothing(make_stream, tmp_path, monkeypatch, ending):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"No space left on device; it needs about [\d,]+ bytes$"):
        make_stream().save(tmp_path / f"cube{ending}")
    assert list(tmp_path.iterdir()) == []


def test_a_full_device_is_told_from_the_middle_of_a_write(make_stream, tmp_path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
    try:
        for ending in (".parquet", ".arrow", ".csv", ".csv.gz"):
            with pytest.raises(StoreError, match=r"cannot be written: File too large"):
                make_stream(n_paths=5_000).save(tmp_path / f"cube{ending}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_refused_before_anything_is_drawn(
    make_stream, tmp_path, monkeypatch
):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000))
    header = make_stream().header
    stream = ScenarioStream(header, 64, lambda _: pytest.fail("was drawn"))
    with pytest.raises(StoreError, match=r"needs about 9,000 bytes, but the disk has 1,000 free"):
        stream.save(tmp_path / "cube.arrow")


def test_a_missing_directory_is_refused(make_stream, tmp_path):
    with pytest.raises(StoreError, match=r"directory '.*nowhere' does not exist; make it first"):
        make_stream().save(tmp_path / "nowhere" / "cube.csv")


def test_a_directory_or_device_as_target_is_refused(make_stream, tmp_path):
    (tmp_path / "cube.csv").mkdir()
    with pytest.raises(StoreError, match=r"must name a file, but is a directory"):
        make_stream().save(tmp_path / "cube.csv")
    with pytest.raises(StoreError, match=r"must name a regular file, but is a device or pipe"):
        make_stream().save("/dev/null", format="csv")


def test_a_link_keeps_pointing_at_its_target(make_stream, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "cube.csv").symlink_to(tmp_path / "real" / "cube.csv")
    make_stream().save(tmp_path / "cube.csv")
    assert (tmp_path / "cube.csv").is_symlink()
    assert (tmp_path / "real" / "cube.csv").read_bytes().startswith(b'"scenario"')


def test_a_place_without_rights_is_refused(make_stream):
    with pytest.raises(StoreError, match=r"/proc/cube\.csv: cannot be written: "):
        make_stream(n_paths=1).save("/proc/cube.csv")


def test_a_file_url_is_the_local_file(make_stream, tmp_path):
    make_stream().save(f"file://{tmp_path}/cube.parquet")
    assert ScenarioSet.load(tmp_path / "cube.parquet").n_paths == 150


def test_a_bucket_holds_the_bytes_of_the_local_file(make_stream, tmp_path):
    make_stream().save("memory://formats/cube.parquet")
    make_stream().save(tmp_path / "cube.parquet")
    memory = fsspec.filesystem("memory")
    assert memory.cat("/formats/cube.parquet") == (tmp_path / "cube.parquet").read_bytes()
    assert memory.ls("/formats", detail=False) == ["/formats/cube.parquet"]
    assert ScenarioSet.load("memory://formats/cube.parquet").n_paths == 150


def test_a_broken_upload_leaves_nothing(make_stream):
    def fail(_: int) -> torch.Tensor:
        raise KeyboardInterrupt

    stream = ScenarioStream(make_stream().header, 64, fail)
    with pytest.raises(KeyboardInterrupt):
        stream.save("memory://broken/cube.parquet")
    assert fsspec.filesystem("memory").find("/broken") == []


def test_a_url_that_no_package_speaks_is_refused(make_stream):
    with pytest.raises(
        StoreError, match=r"nothing://here.csv: cannot be opened: Protocol not known"
    ):
        make_stream().save("nothing://here.csv")


@pytest.mark.usefixtures("without_type_checks")
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"path": "cube.xlsx"}, "cube.xlsx: the suffix must be one of .parquet, .pq, .arrow"),
        ({"values": "returns"}, "values must be one of simple_return, log_return, price, got"),
        ({"layout": "cube"}, "layout must be one of wide, tensor, long, terminal, got 'cube'"),
        ({"format": "feather"}, "format must be one of parquet, arrow, csv, csv.gz, json, got"),
        ({"layout": "tensor"}, "layout 'tensor' has no CSV form; use layout 'wide'"),
    ],
)
def test_what_does_not_exist_is_refused_by_its_name(make_stream, settings, words):
    with pytest.raises(RequestError) as refused:
        make_stream().save(**({"path": "cube.csv"} | settings))
    assert words in str(refused.value)


def test_json_is_refused_over_a_million_values(make_stream, tmp_path):
    with pytest.raises(RequestError, match=r"JSON holds at most 1,000,000 values, got 1,000,005"):
        make_stream(n_paths=66_667).save(tmp_path / "cube.json")


@pytest.mark.parametrize("name", ["scenario", "step", "date", "weight"])
def test_an_asset_with_the_name_of_a_column_is_refused(name):
    header = ScenarioHeader((name,), (1.0,), horizon=1, n_paths=1)
    scenarios = ScenarioSet(header, torch.zeros(1, 1, 1))
    with pytest.raises(RequestError, match=rf"asset '{name}' bears the name of a column"):
        scenarios.to_arrow()
    assert scenarios.to_arrow(layout="long").num_rows == 1


@pytest.mark.parametrize(("value", "values"), [(200.0, "price"), (float("nan"), "log_return")])
def test_a_value_that_is_not_finite_is_refused_with_its_place(tmp_path, value, values):
    header = ScenarioHeader(("A", "B"), (1.0, 1.0), horizon=2, n_paths=3)
    cube = torch.zeros(3, 2, 2)
    cube[2, 1, 1] = value
    with pytest.raises(RequestError, match=r"got (inf|nan) for 'B' at step 2 of scenario 2"):
        ScenarioSet(header, cube).save(tmp_path / "cube.parquet", values=values)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", ["long", "terminal"])
def test_other_layouts_cannot_be_read_back(make_stream, tmp_path, layout):
    make_stream().save(tmp_path / "cube.parquet", layout=layout)
    with pytest.raises(StoreError, match=rf"layout must be 'wide' or 'tensor', got '{layout}'"):
        ScenarioSet.load(tmp_path / "cube.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"scenario,step\n0,1\n", bytes(range(256)) * 2])
def test_a_file_that_holds_no_scenarios_is_refused(tmp_path, content):
    (tmp_path / "cube.parquet").write_bytes(content)
    with pytest.raises(StoreError, match=r"cube.parquet: (must be a Parquet|cannot be read)"):
        ScenarioSet.load(tmp_path / "cube.parquet")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"cannot be read: No such file or directory"):
        ScenarioSet.load(tmp_path / "cube.parquet")


@pytest.mark.parametrize("change", ["reversed", "cut", "foreign"])
def test_rows_that_are_not_as_they_were_written_are_refused(make_stream, tmp_path, change):
    table = make_stream().collect().to_arrow()
    match change:
        case "reversed":
            table = table.take(list(reversed(range(table.num_rows))))
        case "cut":
            table = table.slice(0, 100)
        case "foreign":
            table = table.replace_schema_metadata({})
    pa.parquet.write_table(table, tmp_path / "cube.parquet")
    with pytest.raises(StoreError, match=r"must be a Parquet or Arrow file of scenarios"):
        ScenarioSet.load(tmp_path / "cube.parquet")


def test_scenarios_are_encoded_into_any_open_file(make_stream, tmp_path):
    from fingan.scenarios.formats import encode_scenarios

    sink = io.BytesIO()
    encode_scenarios(make_stream(), sink, format="parquet")
    make_stream().save(tmp_path / "cube.parquet")
    assert sink.getvalue() == (tmp_path / "cube.parquet").read_bytes()

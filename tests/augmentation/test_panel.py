import json

import pyarrow.parquet
import pytest
import torch

from fingan.augmentation.panel import PanelRequest, draw_panel
from fingan.errors import PriceDataError, RequestError
from fingan.pipeline import baseline

REQUEST = PanelRequest(n_paths=7, horizon=5, n_starts=3, seed=2)


@pytest.fixture(scope="module")
def sampler(garch_prices):
    return baseline("fhs-ewma", garch_prices.iloc[:600])


def test_a_saved_panel_says_in_every_row_and_in_its_head_that_it_is_synthetic(
    sampler, garch_prices, tmp_path
):
    draw_panel(sampler, garch_prices, REQUEST).save(tmp_path / "panel.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "panel.parquet")
    assert table.column_names == ["synthetic", "path", "step", *garch_prices.columns]
    assert table["synthetic"].to_pylist() == [True] * 35
    assert table["path"].to_pylist()[4:6] == [0, 1]
    assert table["step"].to_pylist()[:6] == [1, 2, 3, 4, 5, 1]
    head = json.loads(table.schema.metadata[b"fingan"])
    assert head["synthetic"] is True
    assert (head["model"], head["seed"], len(head["starts"])) == ("fhs-ewma", 2, 3)


def test_days_after_the_fit_change_nothing(sampler, garch_prices):
    other = garch_prices.copy()
    other.iloc[650:] *= 2
    other.attrs = dict(garch_prices.attrs)
    drawn = [draw_panel(sampler, table, REQUEST).log_returns for table in (garch_prices, other)]
    assert torch.equal(*drawn)


def test_more_paths_are_the_same_paths_and_some_more(sampler, garch_prices):
    few = draw_panel(sampler, garch_prices, REQUEST).log_returns
    many = REQUEST.model_copy(update={"n_paths": 12})
    assert torch.equal(draw_panel(sampler, garch_prices, many).log_returns[:7], few)


def test_no_two_starts_share_their_noise(garch_prices):
    sampler = baseline("gaussian", garch_prices.iloc[:600])
    drawn = draw_panel(sampler, garch_prices, REQUEST).log_returns
    assert len(drawn.flatten(1).unique(dim=0)) == 7


def test_a_panel_that_is_no_parquet_file_is_refused(sampler, garch_prices, tmp_path):
    with pytest.raises(RequestError, match=r"must be written as \.parquet"):
        draw_panel(sampler, garch_prices, REQUEST).save(tmp_path / "panel.csv")
    assert not list(tmp_path.iterdir())


def test_an_asset_with_the_name_of_a_column_is_refused(garch_prices):
    renamed = garch_prices.rename(columns={"DOG": "path"})
    renamed.attrs = dict(garch_prices.attrs)
    with pytest.raises(RequestError, match="may be named 'path'"):
        draw_panel(baseline("gaussian", renamed), renamed, REQUEST)


def test_a_short_training_span_is_refused(garch_prices):
    sampler = baseline("gaussian", garch_prices.iloc[:200])
    with pytest.raises(PriceDataError, match="more than 250 rows"):
        draw_panel(sampler, garch_prices, REQUEST)

import gzip
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fingan.errors import RequestError, UnknownAssetError
from fingan.risk.portfolio import (
    Portfolio,
    equal_weights,
    horizon_returns,
    portfolio_losses,
    portfolio_of,
    read_portfolio,
)

ASSETS = ("ABLE", "BAKER", "CHARLIE")


@pytest.fixture
def written(tmp_path):
    """Write a portfolio file and return its path."""

    def write(text, name="weights.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def test_a_portfolio_is_read_in_the_order_of_its_file(written):
    portfolio = read_portfolio(written("asset,weight\nCHARLIE,0.75\nABLE,0.25\n"), ASSETS)
    assert portfolio.assets == ("CHARLIE", "ABLE")
    assert portfolio.weights.tolist() == [0.75, 0.25]
    assert portfolio.weights_of(ASSETS).tolist() == [0.25, 0.0, 0.75]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffAsset, Weight \n ABLE ,0.5\n\nBAKER,0.5\n",
        "note,weight,asset\nlong,0.5,ABLE\nlong,0.5,BAKER\n",
        'asset,weight\r\n"ABLE","0.5"\r\nBAKER,.5',
    ],
    ids=["spreadsheet", "more columns", "quoted"],
)
def test_what_spreadsheets_write_is_read(written, text):
    portfolio = read_portfolio(written(text), ASSETS)
    assert portfolio.assets == ("ABLE", "BAKER")
    assert portfolio.weights.tolist() == [0.5, 0.5]


def test_a_packed_file_is_read(written):
    path = written(gzip.compress(b"asset,weight\nABLE,1\n"), "weights.csv.gz")
    assert read_portfolio(path, ASSETS).assets == ("ABLE",)


def test_a_short_position_is_read_and_an_asset_of_weight_0_is_not_held(written):
    text = "asset,weight\nABLE,1.5\nBAKER,-0.5\nCHARLIE,0\n"
    portfolio = read_portfolio(written(text), ASSETS)
    assert portfolio.held == ("ABLE", "BAKER")


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("asset,weight\nABLE,0.5\n", RequestError, "weights must sum to 1, got 0.5;"),
        ("asset,weight\nDOG,1\n", UnknownAssetError, "'DOG' in line 2 is not in model 'x';"),
        ("asset,share\nABLE,1\n", RequestError, "one column 'weight', got asset, share"),
        ("weight\n1\n", RequestError, "must have one column 'asset', got weight"),
        ("", RequestError, "must have one column 'asset', got nothing"),
        ("asset,weight,weight\nABLE,1,1\n", RequestError, "must have one column 'weight'"),
        ("asset,weight\nABLE,0.5\nABLE,0.5\n", RequestError, "stand once, got 'ABLE' again"),
        ("asset,weight\nABLE,much\n", RequestError, "weight of 'ABLE' in line 2 must be a number"),
        ("asset,weight\nABLE,100%\n", RequestError, "such as 0.25, got '100%'"),
        ("asset,weight\nABLE,\n", RequestError, "such as 0.25, got ''"),
        ("asset,weight\nABLE,nan\n", RequestError, "such as 0.25, got 'nan'"),
        ("asset,weight\nABLE,0,5\n", RequestError, "line 2 must have 2 cells, got 3"),
        ("asset,weight\n", RequestError, "at least one weight must differ from 0"),
        (b"\xff\xfe\x00asset", RequestError, "must be a CSV file in UTF-8"),
    ],
)
def test_a_wrong_file_is_one_sentence_that_names_it(written, text, error, says):
    path = written(text)
    with pytest.raises(error, match=r"weights\.csv: ") as caught:
        read_portfolio(path, ASSETS, subject="model 'x'")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not str(caught.value).endswith(".")


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(RequestError, match=r"absent.csv: there is no such file"):
        read_portfolio(str(tmp_path / "absent.csv"), ASSETS)
    with pytest.raises(RequestError, match="cannot be read"):
        read_portfolio(str(tmp_path), ASSETS)


def test_weights_that_do_not_sum_to_1_are_read_where_leverage_is_allowed(written):
    path = written("asset,weight\nABLE,1\nBAKER,1\n")
    assert read_portfolio(path, ASSETS, allow_leverage=True).weights.tolist() == [1, 1]


def test_a_weight_that_is_no_fraction_of_a_value_is_refused():
    weights = {"ABLE": 1e300, "BAKER": -1e300}
    with pytest.raises(RequestError, match="must lie within -1,000,000 and 1,000,000"):
        portfolio_of(weights, ASSETS, allow_leverage=True)


def test_weights_may_miss_1_by_their_rounding(written):
    path = written("asset,weight\nABLE,0.3333\nBAKER,0.3333\nCHARLIE,0.3333\n")
    assert read_portfolio(path, ASSETS).weights.sum() == pytest.approx(0.9999)


def test_equal_weights_sum_to_1():
    assert equal_weights(ASSETS).weights.tolist() == [1 / 3] * 3


def test_losses_add_simple_returns_over_assets_and_log_returns_over_time():
    prices = torch.tensor([[100.0, 50.0], [110.0, 40.0], [121.0, 44.0]], dtype=torch.float64)
    log_returns = prices.log().diff(dim=0)
    portfolio = Portfolio(("ABLE", "BAKER"), torch.tensor([0.5, 0.5], dtype=torch.float64))
    losses = portfolio_losses(horizon_returns(log_returns), portfolio.weights)
    assert losses.item() == pytest.approx(-(0.5 * 0.21 + 0.5 * -0.12))


def test_a_short_position_loses_what_the_asset_gains():
    gained = torch.tensor([[0.10], [-0.20]], dtype=torch.float64)
    losses = portfolio_losses(gained, torch.tensor([-1.0], dtype=torch.float64))
    assert losses.tolist() == [0.10, -0.20]


@given(st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=20))
def test_a_long_asset_cannot_lose_more_than_it_cost(moves):
    log_returns = 20 * torch.tensor(moves, dtype=torch.float64)[:, None]
    loss = portfolio_losses(horizon_returns(log_returns), torch.ones(1, dtype=torch.float64))
    assert loss <= 1
    assert loss == pytest.approx(-math.expm1(20 * math.fsum(moves)), rel=1e-6, abs=1e-9)

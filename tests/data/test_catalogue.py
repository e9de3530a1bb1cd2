"""The bundled data have fixed names, and cost nothing until they are asked for."""

import subprocess
import sys

import pandas as pd
import pytest

from fingan.data.catalogue import BUNDLED, load_bundled
from fingan.errors import PriceDataError


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_data_are_complete_daily_prices(name):
    prices = load_bundled(name)
    assert prices.index.name == "date"
    assert prices.index.is_monotonic_increasing
    assert not prices.isna().any().any()
    assert (prices > 0).all().all()


def test_they_are_what_skfolio_itself_loads():
    from skfolio import datasets

    loaders = (datasets.load_sp500_dataset, datasets.load_sp500_index)
    for name, load in zip(BUNDLED, loaders, strict=True):
        pd.testing.assert_frame_equal(load_bundled(name), load(), check_names=False)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(PriceDataError, match="bundled data are sp500-20, sp500-index, got 'sp'"):
        load_bundled("sp")


def test_reading_prices_loads_neither_torch_nor_skfolio():
    program = (
        "import sys, fingan.data.prices; fingan.data.prices.read_prices('sp500-20');"
        "print([name for name in ('torch', 'skfolio', 'ray') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"

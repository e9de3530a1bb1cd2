"""Data that come with an installed package: named like a file wherever a price file is expected.

Both are survivors, chosen with hindsight: fit for demonstration and comparison, not for claims
about strategies.
"""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from fingan.errors import PriceDataError

FILES = {
    "sp500-20": "datasets/data/sp500_dataset.csv.gz",
    "sp500-index": "datasets/data/sp500_index.csv.gz",
}
BUNDLED = tuple(FILES)
"""20 US stocks and the S&P 500, daily, 1990-01-02 to 2022-12-28, inside skfolio."""


def is_bundled(name: str) -> bool:
    """True for the name of bundled data."""
    return name in BUNDLED


def load_bundled(name: str) -> pd.DataFrame:
    """Daily prices by name: dates by assets, adjusted closes or index levels.

    Raises:
        PriceDataError: If there are no bundled data of that name.
    """
    if name not in BUNDLED:
        raise PriceDataError(f"bundled data are {', '.join(BUNDLED)}, got {name!r}")
    package = find_spec("skfolio")  # its files alone: it takes seconds to import
    if package is None or package.origin is None:
        raise PriceDataError(f"{name!r} comes with skfolio, which is not installed")
    prices = pd.read_csv(Path(package.origin).parent / FILES[name], index_col=0)
    dates = pd.to_datetime(prices.index, format="%Y-%m-%d").rename("date")
    return prices.set_index(dates).astype("float64")

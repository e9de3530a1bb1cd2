"""Data that come with an installed package: named like a file wherever a price file is expected.

Both are survivors, chosen with hindsight: fit for demonstration and comparison, not for claims
about strategies.
"""

import pandas as pd

from fingan.errors import PriceDataError

BUNDLED = ("sp500-20", "sp500-index")
"""20 US stocks and the S&P 500, daily, 1990-01-02 to 2022-12-28, inside skfolio."""


def is_bundled(name: str) -> bool:
    """True for the name of bundled data."""
    return name in BUNDLED


def load_bundled(name: str) -> pd.DataFrame:
    """Daily prices by name: dates by assets, adjusted closes or index levels.

    Raises:
        PriceDataError: If there are no bundled data of that name.
    """
    from skfolio import datasets  # seconds to import, and rarely needed

    match name:
        case "sp500-20":
            prices = datasets.load_sp500_dataset()
        case "sp500-index":
            prices = datasets.load_sp500_index()
        case _:
            raise PriceDataError(f"bundled data are {', '.join(BUNDLED)}, got {name!r}")
    frame: pd.DataFrame = prices.rename_axis(index="date").astype("float64")
    return frame

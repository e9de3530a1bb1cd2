"""How vendors name the columns of a bar, of a date and of an asset."""

import re
import unicodedata

DATE_NAMES = (
    *("date", "dates", "datetime", "data", "day", "tradedate", "tradingday", "datadate", "caldt"),
    *("timestamp", "datum", "fecha", "time"),
)
TIME_NAMES = ("time", "hour", "hora")
EPOCH_NAMES = ("unix", "epoch", "unixtime", "unixtimestamp")
SYMBOL_NAMES = ("symbol", "ticker", "tickers", "instrument", "permno")
TEXT_SYMBOL_NAMES = (
    *("isin", "cusip", "sedol", "ric"),
    *("stock", "asset", "assets", "name", "code", "tic", "coin", "pair", "contract", "security"),
    *("variable", "stockcode", "tickersymbol"),
)
ADJUSTED_NAMES = (
    *("adjclose", "adjustedclose", "closeadj", "closeadjusted", "adjprice", "adjustedprice"),
    "adjlast",
)
CLOSE_NAMES = (
    *("close", "closelast", "last", "price", "ultimo", "fechamento", "cierre", "schluss", "pxlast"),
    *("closingprice", "closeprice", "settle", "pxsettle", "settlement", "settleprice"),
)
VALUE_NAMES = ("value", "nav", "level", "return", "returns", "ret", "simplereturn", "logreturn")
RETURN_NAMES = VALUE_NAMES[3:]
OPEN_NAMES = ("open", "abertura", "pxopen", "openingprice", "openprice", "adjopen")
HIGH_NAMES = ("high", "maxima", "pxhigh", "highprice", "adjhigh")
LOW_NAMES = ("low", "minima", "pxlow", "lowprice", "adjlow")
OTHER_NAMES = (
    *("dividends", "dividend", "stocksplits", "splitratio", "exdividend", "change", "changepct"),
    *("variacao", "marketcap", "tradecount", "trades", "turnover", "amount", "openint"),
    *("openinterest", "capitalgains", "vwap", "average", "barcount", "weightedprice"),
)


def plain_name(name: str) -> str:
    """A column name without case, accents, signs and leading digits: ``1. Close`` is close."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]", "", letters).lstrip("0123456789")


def is_volume(name: str) -> bool:
    """True for a column that counts shares, contracts or money."""
    return plain_name(name).startswith(("volume", "vol", "adjvolume", "quotevolume"))


def is_field(name: str) -> bool:
    """True for a column of one asset's bar: open, high, low, close, volume and their company."""
    plain = plain_name(name)
    known = (ADJUSTED_NAMES, CLOSE_NAMES, OPEN_NAMES, HIGH_NAMES, LOW_NAMES, OTHER_NAMES)
    return is_volume(name) or any(plain in names for names in known)

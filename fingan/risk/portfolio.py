"""From weights and scenarios to losses: log-returns add over time, simple returns over assets."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.errors import RequestError, UnknownAssetError

COLUMNS = ("asset", "weight")
ROUNDING = 1e-4  # by which weights of a file may miss 1
LARGEST = 1_000_000  # weight, of either sign; beyond, squares of losses leave the numbers


@dataclass(frozen=True)
class Portfolio:
    """Shares of the initial value, held without trading over the horizon."""

    assets: tuple[str, ...]
    weights: Float[Tensor, " n_assets"]
    """float64; negative for a short position."""

    @property
    def held(self) -> tuple[str, ...]:
        """The assets whose weight is not zero."""
        pairs = zip(self.assets, self.weights.tolist(), strict=True)
        return tuple(asset for asset, weight in pairs if weight != 0)

    def weights_of(self, assets: Sequence[str]) -> Float[Tensor, " n_columns"]:
        """Weights in the order of other columns; zero for an asset that is not held."""
        given = dict(zip(self.assets, self.weights.tolist(), strict=True))
        return torch.tensor([given.get(asset, 0.0) for asset in assets], dtype=torch.float64)


def equal_weights(assets: Sequence[str]) -> Portfolio:
    """The same share of the value in each asset."""
    weights = torch.full((len(assets),), 1 / len(assets), dtype=torch.float64)
    return Portfolio(tuple(assets), weights)


def read_portfolio(
    path: str, assets: Sequence[str], allow_leverage: bool = False, subject: str = "the model"
) -> Portfolio:
    """Read weights from a CSV file with the columns ``asset,weight``.

    Args:
        path: Path or URL of the file.
        assets: Those that may be held.
        allow_leverage: Weights may sum to something else than 1.
        subject: Whose assets they are, for messages.

    Raises:
        RequestError: If the file cannot be read, lacks a column, names an asset twice, holds what
            is no number, or its weights do not sum to 1.
        UnknownAssetError: If it names an asset that is not in ``assets``.
    """
    weights: dict[str, float] = {}
    for line, asset, cell in _cells(path):
        if asset not in assets:
            held = ", ".join(assets[:8]) + (" ..." if len(assets) > 8 else "")
            raise UnknownAssetError(
                f"{path}: asset '{asset}' in line {line} is not in {subject}; it has {held}"
            )
        if asset in weights:
            raise RequestError(f"{path}: each asset must stand once, got '{asset}' again in {line}")
        weights[asset] = _number(cell, f"{path}: the weight of '{asset}' in line {line}")
    _check_sum(weights, allow_leverage, f"{path}: ", "allow leverage (--allow-leverage)")
    return _portfolio(weights)


def portfolio_of(
    weights: Mapping[str, float],
    assets: Sequence[str],
    *,
    allow_leverage: bool = False,
    subject: str = "the model",
) -> Portfolio:
    """A portfolio of weights by asset.

    Args:
        weights: Finite numbers.
        assets: Those that may be held.
        allow_leverage: Weights may sum to something else than 1.
        subject: Whose assets they are, for messages.

    Raises:
        RequestError: If the weights do not sum to 1.
        UnknownAssetError: If one is on an asset that is not in ``assets``.
    """
    for asset in weights:
        if asset not in assets:
            held = ", ".join(assets[:8]) + (" ..." if len(assets) > 8 else "")
            raise UnknownAssetError(
                f"portfolio: asset '{asset}' is not in {subject}; it has {held}"
            )
    _check_sum(weights, allow_leverage, "portfolio: ", "set allow_leverage")
    return _portfolio(weights)


def _check_sum(weights: Mapping[str, float], allow_leverage: bool, where: str, mend: str) -> None:
    total = math.fsum(weights.values())
    if not any(weights.values()):
        raise RequestError(f"{where}at least one weight must differ from 0")
    for asset, weight in weights.items():
        if abs(weight) > LARGEST:
            raise RequestError(
                f"{where}a weight must lie within -{LARGEST:,} and {LARGEST:,}, got {weight:.6g} of"
                f" '{asset}'; weights are fractions of the value"
            )
    if abs(total - 1) > ROUNDING and not allow_leverage:
        raise RequestError(f"{where}weights must sum to 1, got {total:.6g}; mend them, or {mend}")


def _portfolio(weights: Mapping[str, float]) -> Portfolio:
    return Portfolio(tuple(weights), torch.tensor(list(weights.values()), dtype=torch.float64))


def _cells(path: str) -> Iterator[tuple[int, str, str]]:
    """Line, asset and weight of each row that is not empty."""
    rows = csv.reader(_text(path).splitlines())
    header = [name.strip().lower() for name in next(rows, [])]
    for name in COLUMNS:
        if header.count(name) != 1:
            given = ", ".join(header) or "nothing"
            raise RequestError(f"{path}: must have one column '{name}', got {given}")
    asset, weight = map(header.index, COLUMNS)
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            raise RequestError(
                f"{path}: line {rows.line_num} must have {len(header)} cells, got {len(row)}"
            )
        yield rows.line_num, row[asset].strip(), row[weight].strip()


def _text(path: str) -> str:
    import fsspec

    is_plain = "://" not in path and not path.endswith(".gz")  # a pipe too, which cannot be sought
    try:
        with (
            Path(path).open(encoding="utf-8-sig")
            if is_plain
            else fsspec.open(path, "rt", encoding="utf-8-sig", compression="infer") as file
        ):
            text: str = file.read()
    except FileNotFoundError:
        raise RequestError(f"{path}: there is no such file") from None
    except UnicodeDecodeError:
        raise RequestError(f"{path}: must be a CSV file in UTF-8") from None
    except (OSError, ImportError, ValueError) as failure:
        raise RequestError(f"{path}: cannot be read: {failure}") from None
    return text


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RequestError(f"{where} must be a number such as 0.25, got '{cell}'")
    return value


def horizon_returns(
    log_returns: Float[Tensor, "*paths horizon n_assets"],
) -> Float[Tensor, "*paths n_assets"]:
    """Simple return of each asset over the whole horizon, in float64."""
    is_one_step = log_returns.shape[-2] == 1  # a copy is twice as quick as a sum over one row
    totals = (
        log_returns[..., 0, :].to(torch.float64, copy=True)
        if is_one_step
        else log_returns.double().sum(-2)
    )
    return totals.expm1_()


def portfolio_losses(
    simple_returns: Float[Tensor, "*paths n_assets"], weights: Float[Tensor, " n_assets"]
) -> Float[Tensor, "*paths"]:
    """Loss of a portfolio as a fraction of its initial value; positive is money lost.

    Args:
        simple_returns: Of each asset over the horizon; history serves as well as scenarios.
        weights: Shares of the initial value.
    """
    return -(simple_returns @ weights.to(simple_returns))

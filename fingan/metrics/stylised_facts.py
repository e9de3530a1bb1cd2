"""Stylised facts of returns by lag, and how far synthetic paths are from a market's.

Autocovariances come from one fast Fourier transform per path, so that 500 paths of 4,000 days take
a fraction of a second. A series that never moves has no correlation: its values are NaN.

Source: Cont (2001), Empirical properties of asset returns: stylized facts and statistical issues;
Wiese, Knobloch, Korn & Kretschmer (2020), Quant GANs: deep generation of financial time series,
for the scores.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Transform = Literal["identity", "absolute", "square"]
Series = Float[Tensor, "*paths n_days"]
ByLag = Float[Tensor, "*paths n_lags"]
History = Float[Tensor, " n_days"]
Paths = Float[Tensor, "n_paths n_steps"]


def autocorrelation(series: Series, n_lags: int) -> ByLag:
    """Sample autocorrelation at lags 1 to ``n_lags``, each path about its own mean.

    Args:
        series: Any values in order of time; no missing ones.
        n_lags: Below the number of days.

    Returns:
        Within [-1, 1]; the sums over fewer days at longer lags are divided by the variance of all
        days, as statsmodels does by default. NaN for a series that never moves.

    Raises:
        ValueError: If the series are too short.

    Source: Box & Jenkins (1976), Time series analysis, section 2.1.
    """
    centred = series - series.mean(-1, keepdim=True)
    return _lagged_correlation(centred, centred, n_lags, _moves(series))


def leverage_effect(returns: Series, n_lags: int) -> ByLag:
    """Correlation of today's return with the squared return tau days later, tau = 1 .. n_lags.

    Negative in stock markets: a fall is followed by higher volatility.

    Args:
        returns: In order of time; no missing values.
        n_lags: Below the number of days.

    Raises:
        ValueError: If the returns are too short.

    Source: Bouchaud, Matacz & Potters (2001), Leverage effect in financial markets, in the
        correlation form of Wiese et al. (2020).
    """
    squares = returns.square()
    first = returns - returns.mean(-1, keepdim=True)
    later = squares - squares.mean(-1, keepdim=True)
    return _lagged_correlation(first, later, n_lags, _moves(returns) & _moves(squares))


def acf_score(real: History, synthetic: Paths, transform: Transform, n_lags: int = 250) -> float:
    """Root-mean-square over lags between the autocorrelations of market and mean synthetic path.

    Args:
        real: Returns of the market.
        synthetic: Returns of the generator, paths of any length.
        transform: Applied to the returns first: none, absolute value or square.
        n_lags: Longest lag; 250 in the paper.

    Source: Wiese et al. (2020), with a mean over the lags: that form reproduces the GARCH column of
        their table 2.
    """
    target = autocorrelation(_transformed(real, transform), n_lags)
    drawn = autocorrelation(_transformed(synthetic, transform), n_lags).mean(0)
    return float((target - drawn).square().mean().sqrt())


def leverage_score(real: History, synthetic: Paths, n_lags: int = 250) -> float:
    """Euclidean distance over lags between the leverage effects of market and mean path.

    Not divided by the number of lags.

    Args:
        real: Returns of the market.
        synthetic: Returns of the generator, paths of any length.
        n_lags: Longest lag; 250 in the paper.

    Source: Wiese et al. (2020). So estimated, the GARCH of their table 2 scores .43 to .44 for
        their .46; correlations over the overlapping days of each lag alone would add 4 %.
    """
    difference = leverage_effect(real, n_lags) - leverage_effect(synthetic, n_lags).mean(0)
    return float(difference.square().sum().sqrt())


def _lagged_correlation(first: Tensor, later: Tensor, n_lags: int, moves: Tensor) -> Tensor:
    n_days = first.shape[-1]
    if not 0 < n_lags < n_days:
        raise ValueError(
            f"n_lags must lie between 1 and {n_days - 1} for {n_days} days, got {n_lags}"
        )
    size = _even_and_fast(n_days + n_lags)  # zeros behind the series: no lag wraps around
    spectrum = torch.fft.rfft(first, size)
    product = spectrum.conj() * (spectrum if later is first else torch.fft.rfft(later, size))
    covariance = torch.fft.irfft(product, size)[..., 1 : n_lags + 1]
    spread = first.square().sum(-1, keepdim=True) * later.square().sum(-1, keepdim=True)
    return torch.where(moves, covariance / spread.sqrt(), torch.nan)


def _even_and_fast(length: int) -> int:
    return 1 << (length - 1).bit_length()


def _moves(series: Tensor) -> Tensor:
    low, high = series.aminmax(dim=-1, keepdim=True)
    return high > low


def _transformed(returns: Tensor, transform: Transform) -> Tensor:
    match transform:
        case "identity":
            return returns
        case "absolute":
            return returns.abs()
        case "square":
            return returns.square()

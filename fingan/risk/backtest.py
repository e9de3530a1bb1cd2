"""Tests of VaR and ES forecasts on what happened: thin adapters to libraries.

Losses, VaR and ES are positive for money lost, as fractions; the libraries take profit and loss.
A test gives its statistic and p-value, or None where the days are too few to say anything.

Of ``vetted`` the asymptotic p-values are taken only where they hold. Measured at 4,529 days and
99 % (45 violations expected), true size at nominal 5 %: Kupiec 4 %, conditional coverage 4 %,
independence 2 % (9 % at 97.5 %), DQ 7 % (and 3 % at nominal 1 %). Independence therefore always
has a Monte Carlo p-value, DQ below 100 and conditional coverage below 30 expected violations.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

PerDay = Float[Tensor, " n_days"]
Violations = Bool[Tensor, " n_days"]  # True where the loss exceeded VaR

FEWEST_SCORED_DAYS = 30  # below which a score has no error worth printing
FEW_FOR_COVERAGE, FEW_FOR_DQ = 30, 100  # expected violations below which limits do not hold
SIMULATIONS, SIMULATIONS_OF_DQ = 999, 499  # Dufour (2006): exact level at any number
SIGNIFICANCE = 0.05
YEAR = 250  # days of the supervisor's window


class Outcome(NamedTuple):
    """Of a test."""

    statistic: float
    p: float


def violations(losses: PerDay, value_at_risk: PerDay) -> Violations:
    """The days on which more was lost than VaR."""
    return losses > value_at_risk


def kupiec(violated: Violations, level: float) -> Outcome | None:
    """Is the share of violations ``1 - level``? Two-sided likelihood ratio.

    Returns:
        None where less than one violation is expected.

    Source: Kupiec (1995), Techniques for verifying the accuracy of risk measurement models.
    """
    from vetted.var import kupiec as test

    if _expected(violated, level) < 1:
        return None
    return _outcome(test(*_coded(violated), alpha=_tail(level)))


def christoffersen_independence(violated: Violations, level: float) -> Outcome | None:
    """Does a violation follow a violation as often as any other day? Monte Carlo p-value.

    Returns:
        None where there are fewer than two violations, or less than one is expected.

    Source: Christoffersen (1998), Evaluating interval forecasts, section 3.2.
    """
    from vetted.var import christoffersen as test

    if _expected(violated, level) < 1 or int(violated.sum()) < 2:
        return None
    found = test(
        *_coded(violated), alpha=_tail(level), pvalue="monte_carlo", n_sims=SIMULATIONS, seed=0
    )
    return Outcome(found.detail["lr_ind"], found.detail["p_ind"])


def conditional_coverage(violated: Violations, level: float) -> Outcome | None:
    """Kupiec's test and that of independence together.

    Returns:
        None where less than one violation is expected.

    Source: Christoffersen (1998), section 3.3.
    """
    from vetted.var import christoffersen as test

    if _expected(violated, level) < 1 or len(violated) < 2:
        return None
    few = _expected(violated, level) < FEW_FOR_COVERAGE
    method = "monte_carlo" if few else "asymptotic"
    arguments = {"pvalue": method, "n_sims": SIMULATIONS, "seed": 0}
    return _outcome(test(*_coded(violated), alpha=_tail(level), **arguments))


def dynamic_quantile(
    losses: PerDay, value_at_risk: PerDay, level: float, n_lags: int = 4
) -> Outcome | None:
    """Can violations be foreseen from the last four days' and from VaR itself?

    ``vetted`` refuses a negative VaR; losses and VaR are shifted together, which changes neither
    the violations nor the space that a constant and VaR span.

    Returns:
        None where less than one violation is expected or there are fewer than ten days.

    Source: Engle & Manganelli (2004), CAViaR, section 6, the out-of-sample statistic.
    """
    from vetted.var import dynamic_quantile as test

    expected = _expected(losses, level)
    if expected < 1 or len(losses) < n_lags + 6:
        return None
    shift = max(0.0, -float(value_at_risk.min()))
    return _outcome(
        test(
            -(losses + shift).numpy(),
            (value_at_risk + shift).numpy(),
            alpha=_tail(level),
            lags=n_lags,
            pvalue="monte_carlo" if expected < FEW_FOR_DQ else "asymptotic",
            n_sims=SIMULATIONS_OF_DQ,
            seed=0,
        )
    )


def acerbi_szekely(
    losses: PerDay,
    value_at_risk: PerDay,
    expected_shortfall: PerDay,
    level: float,
    simulated: Float[Tensor, "n_days n_draws"],
) -> Outcome | None:
    """Z2: are losses beyond VaR as many and as large as forecast? One-sided.

    Args:
        losses: What happened.
        value_at_risk: Forecast of each day.
        expected_shortfall: Forecast of each day.
        level: Of both.
        simulated: Losses drawn from the forecast of each day: they give the exact p-value.

    Returns:
        Z2, 0 in expectation and negative where risk is underestimated, and the share of draws
        below it; None where less than one violation is expected or VaR is no loss.

    Source: Acerbi & Szekely (2014), Backtesting expected shortfall, equation 6.
    """
    from vetted.es import acerbi_szekely as test

    if _expected(losses, level) < 1 or float(value_at_risk.min()) <= 0:
        return None
    paths = -simulated.T.double().numpy()

    def sampler(_random: np.random.Generator, n_paths: int) -> np.ndarray:
        return paths[:n_paths]

    return _outcome(
        test(
            (-losses).numpy(),
            value_at_risk.numpy(),
            expected_shortfall.numpy(),
            alpha=_tail(level),
            sampler=sampler,
            n_sims=len(paths),
        )
    )


def traffic_light(violated: Violations, level: float) -> str | None:
    """The supervisor's zone of the last 250 days: green, amber or red.

    Away from 99 % the zones follow the binomial rule that the table of 99 % was made by.

    Returns:
        None where there are fewer than 250 days.

    Source: Basel Framework, MAR32.9 Table 1 and MAR99.
    """
    from vetted.frtb import traffic_light as test

    if len(violated) < YEAR:
        return None
    pnl, threshold = _coded(violated)
    zone: str = test(threshold, pnl, alpha=_tail(level), window=YEAR).detail["zone"]
    return zone


def coverage_power(n_days: int, level: float, factor: float) -> float:
    """Chance that Kupiec's test at 5 % rejects violations ``factor`` times too frequent, exactly.

    A factor of 1 gives the true size: counts are whole numbers, so it is not 5 %.

    Source: the binomial law over the counts that Kupiec (1995) rejects.
    """
    from scipy.special import xlogy
    from scipy.stats import binom, chi2

    tail, counts = _tail(level), np.arange(n_days + 1)
    rate = counts / n_days
    free = xlogy(counts, rate) + xlogy(n_days - counts, 1 - rate)
    held = xlogy(counts, tail) + xlogy(n_days - counts, 1 - tail)
    rejected = 2 * (free - held) > chi2.isf(SIGNIFICANCE, 1)
    return float(binom.pmf(counts[rejected], n_days, min(factor * tail, 1.0)).sum())


def berkowitz(transform: PerDay) -> Outcome | None:
    """Are the probability integral transforms uniform and independent?

    Args:
        transform: Forecast distribution at what happened, each day, strictly within (0, 1).

    Returns:
        Likelihood ratio of a Gaussian AR(1) against N(0, 1), three degrees of freedom; None below
        30 days.

    Source: Berkowitz (2001), Testing density forecasts, with applications to risk management,
        equation 10; likelihoods given the first day.
    """
    from scipy.stats import chi2

    if len(transform) < FEWEST_SCORED_DAYS:
        return None
    normal = torch.special.ndtri(transform.double())
    before, after = torch.stack([torch.ones_like(normal[1:]), normal[:-1]], 1), normal[1:]
    fitted = before @ torch.linalg.lstsq(before, after.unsqueeze(1)).solution
    variance = (after - fitted.squeeze(1)).square().mean()
    ratio = float((after.square() - 1 - variance.log()).sum())
    return Outcome(ratio, float(chi2.sf(ratio, 3)))


def diebold_mariano(scores: PerDay, reference: PerDay, n_lags: int) -> Outcome | None:
    """Is the mean score that of the reference on the same days? Negative: better than it.

    Long-run variance with Bartlett weights over ``n_lags``, and the small-sample correction.

    Returns:
        None below 30 days, or where the scores do not differ.

    Source: Diebold & Mariano (1995), Comparing predictive accuracy; Harvey, Leybourne & Newbold
        (1997), Testing the equality of prediction mean squared errors, equation 9.
    """
    from vetted.compare import diebold_mariano as test

    if len(scores) < max(FEWEST_SCORED_DAYS, 2 * n_lags) or torch.equal(scores, reference):
        return None
    return _outcome(
        test(scores.numpy(), reference.numpy(), horizon=n_lags + 1, varestimator="bartlett")
    )


def model_confidence_set(scores: Mapping[str, PerDay], horizon: int = 1) -> frozenset[str] | None:
    """The forecasters among whom, at 90 %, the best one is.

    Args:
        scores: Daily scores of each on the same days; lower is better.
        horizon: Steps of the forecasts; blocks of the bootstrap are longer than the overlap.

    Returns:
        Names; None below 30 days or two forecasters.

    Source: Hansen, Lunde & Nason (2011), The model confidence set; range statistic, stationary
        bootstrap with mean block length max(n_days^(1/3), 2 horizon).
    """
    from arch.bootstrap import MCS

    n_days = min(map(len, scores.values()), default=0)
    if n_days < FEWEST_SCORED_DAYS or len(scores) < 2:
        return None
    names = list(scores)
    table = torch.stack([scores[name] for name in names], 1)
    distinct, column = table.unique(dim=1, return_inverse=True)  # twins cannot be told apart
    if distinct.shape[1] == 1:
        return frozenset(names)
    block = max(math.ceil(n_days ** (1 / 3)), 2 * horizon)
    found = MCS(distinct.numpy(), size=0.1, reps=1_000, block_size=block, seed=0)
    found.compute()
    return frozenset(name for name, one in zip(names, column, strict=True) if one in found.included)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted so that one false alarm in the whole family has the chance of one test.

    By hand: the function of statsmodels collects garbage at each call, half a second of it.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    n_tests, least = len(p_values), 0.0
    adjusted = [0.0] * n_tests
    for rank, place in enumerate(sorted(range(n_tests), key=p_values.__getitem__)):
        least = max(least, (n_tests - rank) * p_values[place])
        adjusted[place] = min(least, 1.0)
    return adjusted


def _tail(level: float) -> float:
    return round(1 - level, 12)


def _expected(days: Tensor, level: float) -> float:
    return len(days) * _tail(level)


def _coded(violated: Violations) -> tuple[np.ndarray, np.ndarray]:
    """Profit and a VaR which it falls below on the days of violations."""
    return -violated.double().numpy(), np.full(len(violated), 0.5)


def _outcome(found: Any) -> Outcome:
    return Outcome(float(found.statistic), float(found.p_value))

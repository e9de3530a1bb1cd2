"""Each gate: its question, its threshold, and how the evidence answers it."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.assessment.evidence import (
    MIN_DAYS,
    MIN_HISTORY_DAYS,
    PATH_DAYS,
    Evidence,
    Histories,
)
from fingan.assessment.gate import LEVEL, Gate
from fingan.assessment.validation import REFERENCE, Validation
from fingan.metrics.copies import COPIED_SHARE, search_copies
from fingan.metrics.stylised_facts import autocorrelation

MIN_DISTINCT_SHARE, ALIKE = 0.99, 0.9  # paths whose cosine is above it are alike
MAX_COMMON_SHARE = 0.1  # of the size of paths; independent ones share 1 / n and their drift
MARGIN = 0.1  # of volatility, not held against a model
N_CLUSTERING_LAGS, TAIL_LEVEL = 20, 0.99
COVERAGE_LEVELS = (0.95, 0.99)
N_COPY_PATHS = 256

Values = Float[Tensor, " n_values"]


def training_health(*, healthy: bool) -> Gate:
    """At some check, training must not have shown a collapse."""
    question = "Did a check during training show no collapse?"
    return Gate("training_health", question, "at least one", None, healthy)


def distinct_paths(evidence: Evidence) -> Gate:
    """Paths from one day must differ: a few modes drawn again and again are a collapse."""
    paths = _in_units(evidence.paths).flatten(1)
    paths = torch.nn.functional.normalize(paths, dim=1, eps=1e-12)
    likeness = (paths @ paths.T).fill_diagonal_(0)
    is_empty = paths.norm(dim=1) < 0.5
    share = 1 - float(((likeness.amax(1) > ALIKE) | is_empty).double().mean())
    return _at_least(
        "distinct_paths",
        f"Which share of {len(paths)} paths of {PATH_DAYS} days has no other path like it?",
        share,
        MIN_DISTINCT_SHARE,
    )


def one_mode(evidence: Evidence) -> Gate:
    """Paths from one day must not share one course, about which they differ a little."""
    paths = _in_units(evidence.paths)
    size = float(paths.square().mean())
    common = float(paths.mean(0).square().mean()) / size if size > 0 else 1.0
    question = "Which share of the size of paths is not common to all of them?"
    return _at_least("one_mode", question, 1 - common, 1 - MAX_COMMON_SHARE)


def spread_of_assets(evidence: Evidence) -> Gate:
    """One step ahead, each asset must move as widely as the model says."""
    question = "How much wider than the model does the market move, for the worst asset?"
    if evidence.calibration is None:
        return _too_short("spread_of_assets", question)
    ranks = evidence.calibration.assets
    return _spread("spread_of_assets", question, evidence.calibration.spread(ranks), len(ranks))


def spread_of_directions(evidence: Evidence) -> Gate:
    """One step ahead, so must each principal direction, the weak ones above all.

    Source: Cetingoz & Lehalle (2025), Synthetic data for portfolios, arXiv:2501.03993: generators
        lose the directions of low variance, on which long-short portfolios load.
    """
    name = "spread_of_directions"
    question = "How much wider than the model does the market move, in the worst direction?"
    if evidence.calibration is None:
        return _too_short(name, question)
    if not evidence.n_directions:
        reason = "principal directions take two assets and five days for each"
        return Gate(name, question, "-", None, None, reason)
    ranks = evidence.calibration.directions
    return _spread(name, question, evidence.calibration.spread(ranks), len(ranks))


def clustering(evidence: Evidence) -> Gate:
    """Volatility must cluster as it does in the market."""
    question = (
        "How far is the market's mean autocorrelation of |r|, lags 1 to"
        f" {N_CLUSTERING_LAGS}, from that of the model's histories, in their spreads?"
    )
    if evidence.histories is None:
        return _no_history("clustering", question)
    market, drawn = (
        autocorrelation(returns.abs().transpose(-1, -2), N_CLUSTERING_LAGS).mean((-1, -2))
        for returns in _each(evidence.histories)
    )
    return _among_histories("clustering", question, market.unsqueeze(0), drawn.unsqueeze(1))


def tails(evidence: Evidence) -> Gate:
    """Large moves must be as large, beside ordinary ones, as they are in the market."""
    question = (
        f"How far is the market's {TAIL_LEVEL:.0%} quantile of |r|, in mean |r|, from that of the"
        " model's histories, in their spreads, for the worst asset?"
    )
    if evidence.histories is None:
        return _no_history("tails", question)
    return _among_histories("tails", question, *map(_log_tails, _each(evidence.histories)))


def coverage(evidence: Evidence) -> Gate:
    """The portfolio must lose more than its VaR as often as the VaR says.

    Source: Kupiec (1995), Techniques for verifying the accuracy of risk measurement models; the
        exact binomial law in place of its likelihood ratio.
    """
    from scipy.stats import binom

    levels = " and ".join(f"{level:.0%}" for level in COVERAGE_LEVELS)
    question = f"How often did the equal-weight portfolio lose more than its VaR, {levels}?"
    if evidence.calibration is None:
        return _too_short("coverage", question)
    n_days = len(evidence.calibration.portfolio)
    level, found, bands, passed = LEVEL / len(COVERAGE_LEVELS), [], [], []
    for confidence in COVERAGE_LEVELS:
        count, probability = evidence.calibration.exceptions(confidence)
        law = binom(n_days, probability)
        low, high = law.ppf(level / 2), law.ppf(1 - level / 2)
        found.append(count)
        bands.append(f"{low:.0f} to {high:.0f} of {n_days} at {confidence:.0%}")
        passed.append(low <= count <= high)
    worst = passed.index(False) if not all(passed) else 0
    note = ", ".join(
        f"{count} at {confidence:.0%}"
        for count, confidence in zip(found, COVERAGE_LEVELS, strict=True)
    )
    return Gate("coverage", question, "; ".join(bands), float(found[worst]), all(passed), note)


def copies(evidence: Evidence) -> Gate:
    """Paths must not repeat runs of training days."""
    question = "Which share of paths repeats longer runs of training days than unseen days do?"
    threshold = f"at most {COPIED_SHARE:g}"
    is_long = len(evidence.validation) >= PATH_DAYS
    if not is_long and len(evidence.training) < 4 * PATH_DAYS:
        reason = f"{PATH_DAYS} validation days or {4 * PATH_DAYS} training days are needed"
        return Gate("copies", question, threshold, None, None, reason)
    search = search_copies(
        evidence.paths[:N_COPY_PATHS].float(),
        evidence.training.float(),
        evidence.validation.float() if is_long else None,
    )
    share = max(search.plain.share_copied, search.scale_free.share_copied)
    return Gate("copies", question, threshold, share, not search.is_copy)


def score(validation: Validation) -> Gate:
    """Forecasts must not be significantly worse than the reference's on the same days."""
    from scipy.stats import t as student

    question = f"By how many standard errors is the energy score worse than {REFERENCE}'s?"
    if validation.skipped is not None:
        return Gate("score", question, "-", None, None, validation.skipped)
    bound = float(student.ppf(1 - LEVEL, validation.n_dates - 1))
    found = validation.rows["model"].t
    return Gate("score", question, f"at most {bound:.2f}", found, found <= bound)


def _spread(name: str, question: str, ratios: Values, n_days: int) -> Gate:
    """Root mean squares of normal scores within their chi-square band, widened by the margin."""
    from scipy.stats import chi2

    tail = LEVEL / len(ratios) / 2
    low, high = (math.sqrt(chi2.ppf(share, n_days) / n_days) for share in (tail, 1 - tail))
    low, high = low / (1 + MARGIN), high * (1 + MARGIN)
    worst = float(ratios[ratios.log().abs().argmax()])
    return Gate(name, question, f"{low:.3f} to {high:.3f}", worst, low <= worst <= high)


def _among_histories(
    name: str, question: str, market: Values, drawn: Float[Tensor, "n_histories n_values"]
) -> Gate:
    """Whether the market lies farther out than every one of the model's own histories.

    Each statistic counts in its own spread above or below the median, and the farthest of them
    counts. Under the model the market is one history more: the chance that it is the farthest
    one is 1 / (n_histories + 1) on either side, however heavy the tails of the statistic.

    Source: Besag & Clifford (1989), Generalized Monte Carlo significance tests, section 2; Westfall
        & Young (1993), Resampling-based multiple testing, for the largest of several statistics.
    """
    together = torch.cat([market.unsqueeze(0), drawn])
    one = torch.special.ndtr(torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64))
    lower, middle, upper = together.quantile(one, dim=0).unbind()
    above = ((together - middle) / (upper - middle)).amax(1)
    below = ((middle - together) / (middle - lower)).amax(1)
    if not bool((above + below).isfinite().all()):
        reason = "the model's own histories do not move, or are not finite"
        return Gate(name, question, "-", None, False, reason)
    low, high = -float(below[1:].max()), float(above[1:].max())
    up, down = float(above[0]), -float(below[0])
    value = up if up / high > down / low else down
    return Gate(name, question, f"{low:.2f} to {high:.2f}", value, low <= down and up <= high)


def _each(histories: Histories) -> Sequence[Tensor]:
    return histories.market, histories.synthetic


def _log_tails(returns: Float[Tensor, "*paths n_days n_assets"]) -> Tensor:
    """Log quantile of |r| in mean |r|: of each asset, then of all on the average."""
    sizes = returns.abs()
    n_beyond = math.floor((1 - TAIL_LEVEL) * returns.shape[-2]) + 1
    quantile = sizes.topk(n_beyond, dim=-2).values[..., -1, :]
    of_assets = (quantile / sizes.mean(-2)).log()
    return torch.cat([of_assets, of_assets.mean(-1, keepdim=True)], dim=-1)


def _in_units(paths: Float[Tensor, "n_paths n_steps n_assets"]) -> Tensor:
    """Paths with every asset of the same size."""
    return paths / paths.square().mean((0, 1)).sqrt().clamp(min=1e-12)


def _at_least(name: str, question: str, value: float, bound: float) -> Gate:
    return Gate(name, question, f"at least {bound:g}", value, value >= bound)


def _too_short(name: str, question: str) -> Gate:
    reason = f"the validation span holds fewer than {MIN_DAYS} days with all assets observed"
    return Gate(name, question, "-", None, None, reason)


def _no_history(name: str, question: str) -> Gate:
    reason = f"the training period does not end with {MIN_HISTORY_DAYS} days of all assets"
    return Gate(name, question, "-", None, None, reason)

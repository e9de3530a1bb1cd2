"""A causal volatility filter of slow and fast components, with news and leverage from peers.

    sigma2_t = q_t exp(s1_t + s2_t),        e_t = x_t / sigma_t,        m_t = e_t W
    q_{t+1}  = omega + (alpha n_t + beta) q_t,          n_t = (1 - shared) e_t^2 + shared e_t^2 V
    s_{t+1}  = decay s_t + own e_t + peers m_t          (two of them, one slower than the other)

``q`` is a slow GARCH whose news is shared: one squared return is a poor measure of a day's
volatility, and what the assets that move with this one did says more of it. ``s`` are leverage
components: falls of the asset, and of its peers, raise its volatility for days or weeks. Every
recursion is linear in itself once the innovations ``e`` are known, so that a simulated future needs
no step-by-step network. ``W`` weighs peers by correlation and gives ``m`` unit variance; ``V``
weighs them by squared correlation and leaves the asset itself out.

Assets are fitted one by one, then once more with what they have in common as the prior, so that a
short history learns from the others.

Source: Engle & Lee (1999), A long-run and short-run component model of stock return volatility;
Nelson (1991), Conditional heteroskedasticity in asset returns, for leverage in the logarithm;
Engle & Gallo (2006), A multiple indicators model for volatility using intra-daily data, for a
second, less noisy indicator in the news; Bollerslev (1987) for the Student likelihood, by which an
outlier does not own the fit; Efron & Morris (1975), Data analysis using Stein's estimator and its
generalizations, for a prior taken from the assets themselves.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.volatility.scoring import most_likely

Returns = Float[Tensor, "n_days n_assets"]  # scaled to about unit variance; NaN where unobserved
PerAsset = Float[Tensor, "*free n_assets"]
PerComponent = Float[Tensor, "*free 2 n_assets"]

MAX_NEWS = 7.0  # standard deviations: a larger innovation moves volatility no further
MAX_LOG = 1.5  # of the leverage components together: twice the volatility, or half
MAX_SLOW = 400.0  # of the slow component in simulations: twenty times the usual volatility
MAX_PERSISTENCE, MAX_DECAY = 0.9997, 0.999
WARM_UP = 5  # the slow component starts as an average of so many days, and learns faster at first
LEAST_WARM = 0.005  # a gain below it makes no difference any more

FREEDOM = 6.0  # of the Student likelihood
START = (
    math.log(0.01),  # omega
    math.log(0.985 / 0.015),  # persistence
    math.log(0.05 / 0.95),  # share of news in it
    math.log(0.95 / 0.05),  # decay, own, peers of the slower leverage
    -0.05,
    -0.05,
    math.log(0.8 / 0.2),  # of the faster
    -0.02,
    -0.02,
    -1.5,  # share of peers in the news
)
SPREAD = (1.0, 1.5, 0.7, 1.0, 0.07, 0.07, 1.0, 0.07, 0.07, 1.5)  # prior deviations from START
UNCHANGED = 0.005  # of the days: so often no return occurs twice by chance
PEERS = (5, 8, 9)  # places of what an asset without peers has not
ALONE_STEPS, COMMON_STEPS = 12, 8  # of the two searches; more forecast no better
LEAST_ALIKE = 4  # assets from which a prior is taken
LEAST_SPREAD = 1e-3  # of that prior
LEAST_LATEST = 2_500  # rows from which the law of innovations is taken: ten years of days,
LATEST_SHARE = 0.5  # or so much of the history, if that is more
STRETCH = 2**19  # numbers a day tries, times days: what a fit holds of each quantity at once


@dataclass(frozen=True)
class ComponentFilter:
    """A fitted filter. The simulation in ``fingan.models`` runs the same recursions forward."""

    omega: PerAsset
    alpha: PerAsset
    beta: PerAsset
    decay: PerComponent
    own: PerComponent
    peers: PerComponent
    shared: PerAsset
    """Share of the peers in an asset's news."""
    weights: Float[Tensor, "n_assets n_assets"]
    """``W``: innovations to each asset's peer innovation; zero for a single asset."""
    likeness: Float[Tensor, "n_assets n_assets"]
    """``V``: squared innovations to what an asset's peers say of its day; zero likewise."""

    @classmethod
    def still(cls, n_assets: int) -> "ComponentFilter":
        """The filter of those who do without: every variance is 1."""
        one = torch.ones(n_assets, dtype=torch.float64)
        zeros = torch.zeros(2, n_assets, dtype=torch.float64)
        alone = torch.zeros(n_assets, n_assets, dtype=torch.float64)
        return cls(one, 0 * one, 0 * one, zeros, zeros, zeros, 0 * one, alone, alone.clone())

    def components(
        self, returns: Returns
    ) -> tuple[Float[Tensor, "n_states n_assets"], Float[Tensor, "n_states 2 n_assets"]]:
        """(q, s) over a history: row t uses returns before t only; the last is tomorrow's.

        A day without an observation moves the slow component to its own expectation.

        Args:
            returns: Mean-free returns in the units that the filter was fitted in.
        """
        _, slow, fast = _filtered(self, returns.to(self.omega))
        return slow, fast

    def variances(self, returns: Returns) -> Float[Tensor, "n_states n_assets"]:
        """Conditional variances over a history, as ``components``."""
        return variance_of(*self.components(returns))


def variance_of(
    slow: Float[Tensor, "*batch n_assets"], fast: Float[Tensor, "*batch 2 n_assets"]
) -> Float[Tensor, "*batch n_assets"]:
    """``q exp(s1 + s2)``, the leverage bounded."""
    return slow * fast.sum(-2).clamp(-MAX_LOG, MAX_LOG).exp()


def fit_components(returns: Returns, unchanged: Tensor | None = None) -> ComponentFilter:
    """Fit all assets at once: Student quasi-likelihood with a weak Gaussian prior.

    Args:
        returns: Mean-free returns of the training span, scaled to about unit variance.
        unchanged: Where a price did not change (``unchanged_days``); default from the returns.

    Returns:
        Parameters in float64; persistence and decays are below 1.
    """
    returns = returns.double()
    n_assets = returns.shape[1]
    weights, likeness = _peers(returns)
    kept = torch.tensor([n_assets > 1 or place not in PEERS for place in range(len(START))])
    stood = unchanged_days(returns) if unchanged is None else unchanged
    counts = (~returns.isnan() & ~stood).double().unsqueeze(1)

    def log_likelihood(points: Tensor) -> Iterator[Tensor]:
        return _log_likelihood(returns, counts, _filter_of(points, weights, likeness))

    centre, spread = (torch.tensor(prior, dtype=torch.float64) * kept for prior in (START, SPREAD))
    free = most_likely(log_likelihood, centre, spread, n_assets, most_steps=ALONE_STEPS)
    if n_assets >= LEAST_ALIKE:
        common = free.median(0).values
        apart = 1.4826 * (free - common).abs().median(0).values  # a deviation, if they are normal
        spread = torch.minimum(apart.clamp(min=LEAST_SPREAD), spread)
        free = most_likely(
            log_likelihood, common, spread, n_assets, begin=free, most_steps=COMMON_STEPS
        )
    return _standardised(_filter_of(free, weights, likeness), returns)


def _standardised(law: ComponentFilter, returns: Returns) -> ComponentFilter:
    """The same filter with innovations of variance 1, so that its persistence is what it says.

    Of late, that is: what a fit to all days gets wrong of the latest years would go on.
    """
    innovations, _, _ = _filtered(law, returns)
    news = torch.where(returns.isnan(), torch.nan, innovations.clamp(-MAX_NEWS, MAX_NEWS))
    size = news[-n_latest(len(news)) :].square().nanmean(0).nan_to_num(nan=1.0).clamp(0.1, 10)
    theirs = size @ law.likeness
    both = (1 - law.shared) * size + law.shared * theirs
    alpha = (law.alpha * both).clamp(max=MAX_PERSISTENCE)
    persistence = (alpha + law.beta).clamp(max=MAX_PERSISTENCE)
    return replace(
        law,
        omega=law.omega * size,
        alpha=alpha,
        beta=(persistence - alpha).clamp(min=0),
        own=law.own * size.sqrt(),
        shared=law.shared * theirs / both,
        weights=law.weights * size.sqrt()[:, None],
        likeness=law.likeness * size[:, None] / theirs.clamp(min=1e-12),
    )


def n_latest(n_days: int) -> int:
    """Rows of a history from which the law of innovations is taken: laws drift."""
    return max(LEAST_LATEST, int(LATEST_SHARE * n_days))


def unchanged_days(returns: Returns) -> Tensor:
    """Days whose return is one that an asset has again and again: its price did not change.

    They move the filter, but a likelihood that counts them wants a volatility of zero.

    Args:
        returns: Before anything but a constant was taken off; NaN where unobserved.
    """
    observed = ~returns.isnan()
    apart = torch.arange(len(returns), dtype=torch.float64).unsqueeze(1) + 1e9  # none is alike
    usual = torch.where(observed, returns.double(), apart).mode(0).values
    same = returns == usual
    return same & (same.sum(0) > UNCHANGED * observed.sum(0))


def _peers(
    returns: Returns,
) -> tuple[Float[Tensor, "n_assets n_assets"], Float[Tensor, "n_assets n_assets"]]:
    """``W`` and ``V``: correlations so that a peer innovation has variance 1, and shares."""
    n_assets = returns.shape[1]
    if n_assets == 1:
        return returns.new_zeros(1, 1), returns.new_zeros(1, 1)
    filled = (returns / returns.square().nanmean(0).sqrt()).nan_to_num()
    correlation = torch.corrcoef(filled.T).nan_to_num()  # of what never moves: nobody's peer
    spread = (correlation * (correlation @ correlation)).sum(0).clamp(min=1e-12).sqrt()
    alike = correlation.square().fill_diagonal_(0)
    return correlation / spread, alike / alike.sum(0).clamp(min=1e-12)


def _filter_of(
    free: Float[Tensor, "*tried n_assets n_free"],
    weights: Float[Tensor, "n_assets n_assets"],
    likeness: Float[Tensor, "n_assets n_assets"],
) -> ComponentFilter:
    """Unconstrained numbers to parameters: persistence and decays below 1."""
    omega, level, share, *leverage, shared = free.unbind(-1)
    persistence = MAX_PERSISTENCE * level.sigmoid()
    alpha = persistence * share.sigmoid()
    decay, own, peers = (torch.stack(leverage[i::3], dim=-2) for i in range(3))
    decay = MAX_DECAY * decay.sigmoid()
    return ComponentFilter(
        omega=omega.exp(),
        alpha=alpha,
        beta=persistence - alpha,
        decay=decay,
        own=own,
        peers=peers,
        shared=shared.sigmoid() * likeness.sum(0),  # none where there are no peers
        weights=weights,
        likeness=likeness,
    )


def _log_likelihood(
    returns: Returns,
    counts: Float[Tensor, "n_days 1 n_assets"],
    law: ComponentFilter,
) -> Iterator[Float[Tensor, "some_days tried n_assets"]]:
    """Each day's log-likelihood of each asset, without constants, a stretch after another."""
    n_days = max(1, STRETCH // law.omega.numel())
    stretches = _swept(law, returns, n_days)
    for counted, (innovations, slow, fast) in zip(counts.split(n_days), stretches, strict=True):
        tail = (innovations.square() / (FREEDOM - 2)).log1p() * ((FREEDOM + 1) / 2)
        logs = slow[:-1].log() + fast[:-1].sum(-2).clamp(-MAX_LOG, MAX_LOG)
        yield counted * -(logs / 2 + tail)


def _filtered(law: ComponentFilter, returns: Returns) -> tuple[Tensor, Tensor, Tensor]:
    """Innovations (0 where unobserved), slow components and leverage components of a history."""
    return next(_swept(law, returns, max(1, len(returns))))


def _swept(
    law: ComponentFilter, returns: Returns, most_days: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """The same, a stretch of days after another; its components begin with the day before it.

    The loop over days is numpy's: on arrays this small an operation costs a third of torch's.
    """
    shape = law.omega.shape
    observed = (~returns.isnan()).numpy()
    age = observed.cumsum(0) - observed
    missing, started = 1.0 - observed, observed.cumsum(0) > 0
    gaps, is_new = missing.max(1) > 0, started.min(1) < 1
    warm = 1 / (age + WARM_UP)
    is_young = warm.max(1) > LEAST_WARM
    values = returns.nan_to_num().numpy()
    n_days = len(values)

    omega, alpha, beta = law.omega.numpy(), law.alpha.numpy(), law.beta.numpy()
    persistence = alpha + beta
    decay, own, peers, weights, likeness = (
        tensor.numpy() for tensor in (law.decay, law.own, law.peers, law.weights, law.likeness)
    )
    shared = law.shared.numpy()
    # components first, so that each is one contiguous row
    decay, own, peers = (np.moveaxis(array, -2, 0).copy() for array in (decay, own, peers))
    has_peers = bool(weights.any())
    last_slow, last_fast = np.ones(shape), np.zeros((2, *shape))
    for first in range(0, max(1, n_days), most_days):
        days = range(first, min(first + most_days, n_days))
        innovations = np.empty((len(days), *shape))
        slow, fast = np.empty((len(days) + 1, *shape)), np.empty((len(days) + 1, 2, *shape))
        slow[0], fast[0] = last_slow, last_fast
        for row, day in enumerate(days):
            before, pair = slow[row], fast[row]
            log = pair[0] + pair[1]
            np.minimum(log, MAX_LOG, out=log)
            np.maximum(log, -MAX_LOG, out=log)
            log *= -0.5
            shock = np.exp(log, out=innovations[row])
            shock *= values[day]
            shock /= np.sqrt(before)
            news = np.minimum(shock, MAX_NEWS)
            np.maximum(news, -MAX_NEWS, out=news)
            surprise = news * news
            if gaps[day]:
                surprise += missing[day]
            if has_peers:
                surprise += shared * (surprise @ likeness - surprise)
            surprise -= 1
            gain = alpha
            if is_young[day]:
                gain = np.minimum(np.maximum(alpha, warm[day]), persistence)
            following = np.multiply(gain, surprise, out=slow[row + 1])
            following += persistence
            following *= before
            following += omega
            if is_new[day]:
                following[...] = np.where(started[day], following, before)
            moved = np.multiply(decay, pair, out=fast[row + 1])
            moved += own * news
            if has_peers:
                moved += peers * (news @ weights)
        last_slow, last_fast = slow[-1], fast[-1]
        leverage = torch.from_numpy(np.moveaxis(fast, 1, -2).copy())
        yield torch.from_numpy(innovations), torch.from_numpy(slow), leverage

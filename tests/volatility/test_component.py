import pytest
import torch

from fingan.volatility.component import (
    MAX_NEWS,
    ComponentFilter,
    fit_components,
    unchanged_days,
    variance_of,
)


def law(n_assets=2, own=-0.06, peers=-0.05, shared=0.4):
    one = torch.ones(n_assets, dtype=torch.float64)
    pair = torch.ones(2, n_assets, dtype=torch.float64)
    decay = torch.tensor([[0.96], [0.7]], dtype=torch.float64) * pair
    weights = torch.full((n_assets, n_assets), 0.5, dtype=torch.float64)
    likeness = (1 - torch.eye(n_assets, dtype=torch.float64)) / max(1, n_assets - 1)
    if n_assets == 1:
        peers, shared, weights = 0.0, 0.0, 0 * weights
    return ComponentFilter(
        omega=0.01 * one,
        alpha=0.05 * one,
        beta=0.94 * one,
        decay=decay,
        own=own * pair,
        peers=peers * pair,
        shared=shared * one,
        weights=weights,
        likeness=likeness,
    )


def simulated(n_days, filtering, seed=3):
    """A history step by step, as the module's formulas say."""
    random = torch.Generator().manual_seed(seed)
    n_assets = len(filtering.omega)
    slow = torch.ones(n_assets, dtype=torch.float64)
    fast = torch.zeros(2, n_assets, dtype=torch.float64)
    returns, variances = [], []
    for _ in range(n_days):
        shock = torch.randn(n_assets, generator=random, dtype=torch.float64)
        variance = slow * fast.sum(0).exp()
        variances.append(variance)
        returns.append(shock * variance.sqrt())
        fast = (
            filtering.decay * fast
            + filtering.own * shock
            + filtering.peers * (shock @ filtering.weights)
        )
        square = shock.square()
        news = square + filtering.shared * (square @ filtering.likeness - square)
        slow = filtering.omega + (filtering.alpha * news + filtering.beta) * slow
    return torch.stack(returns), torch.stack(variances)


RETURNS, VARIANCES = simulated(6000, law())


def log_likelihood(returns, variances):
    return float(-(variances.log() + returns.square() / variances).mean() / 2)


def test_the_filter_finds_the_variances_that_made_a_history():
    found = law().variances(RETURNS)
    assert found.shape == (6001, 2)
    later = slice(300, 6000)  # the slow component learns faster at first
    torch.testing.assert_close(found[later], VARIANCES[later], rtol=0.02, atol=0)


def test_a_fit_explains_a_history_as_well_as_the_law_that_made_it():
    returns, variances = simulated(12_000, law(), seed=8)
    fitted = fit_components(returns[:6000])
    ours = log_likelihood(returns[6000:], fitted.variances(returns)[6000:-1])
    truth = log_likelihood(returns[6000:], variances[6000:])
    constant = log_likelihood(returns[6000:], returns.var(0).expand(6000, -1))
    assert ours > truth - 0.1 * (truth - constant)
    assert (fitted.own.sum(0) + fitted.peers.sum(0) < -0.1).all()
    assert (fitted.alpha + fitted.beta < 1).all()
    assert (fitted.decay < 1).all()


def test_a_row_knows_the_returns_before_it_alone():
    changed = RETURNS[:500].clone()
    changed[400:] *= -3
    for ours, theirs in zip(
        law().components(changed), law().components(RETURNS[:500]), strict=True
    ):
        assert torch.equal(ours[:401], theirs[:401])
        assert not torch.equal(ours[401], theirs[401])


def test_falls_raise_volatility_and_falls_of_peers_too():
    calm = torch.zeros(100, 2, dtype=torch.float64)
    fall, rise = calm.clone(), calm.clone()
    fall[-1, 0], rise[-1, 0] = -2.0, 2.0
    after_fall, after_rise = law().variances(fall)[-1], law().variances(rise)[-1]
    assert (after_fall > 1.1 * after_rise).all()  # of the other asset too, which did not move


def test_a_wild_day_of_the_peers_is_news_of_an_asset_that_did_not_move():
    calm = torch.zeros(100, 2, dtype=torch.float64)
    wild = calm.clone()
    wild[-1, 0] = 4.0
    alone = law(own=0.0, peers=0.0, shared=0.0)
    together = law(own=0.0, peers=0.0, shared=0.5)
    assert alone.variances(wild)[-1, 1] == alone.variances(calm)[-1, 1]
    assert together.variances(wild)[-1, 1] > 1.2 * together.variances(calm)[-1, 1]


def test_a_short_history_learns_from_the_other_assets():
    returns, _ = simulated(1500, law(8), seed=4)
    short = returns.clone()
    short[:1300, 0] = torch.nan
    fitted = fit_components(short)
    assert abs(fitted.alpha[0] - fitted.alpha[1:].mean()) < 0.02
    assert abs(fitted.shared[0] - fitted.shared[1:].mean()) < 0.2


def test_no_day_moves_volatility_further_than_the_largest_news():
    crash = torch.zeros(100, 2, dtype=torch.float64)
    crash[-1] = -MAX_NEWS
    worse = 1e6 * crash
    torch.testing.assert_close(
        law().variances(worse)[-1], law().variances(crash)[-1], rtol=0.5, atol=0
    )
    assert law().variances(worse)[-1].isfinite().all()


def test_an_unobserved_day_leaves_what_is_expected():
    gappy = RETURNS[:300].clone()
    gappy[200:] = torch.nan
    slow, fast = law().components(gappy)
    expected = 1 + (slow[200] - 1) * 0.99**100
    torch.testing.assert_close(slow[-1], expected, rtol=1e-9, atol=0)
    assert fast[-1].abs().max() < 0.05
    assert variance_of(slow, fast).isfinite().all()


def test_an_asset_that_starts_late_waits_where_the_filter_starts():
    late = RETURNS[:300].clone()
    late[:200, 1] = torch.nan
    slow, _ = law().components(late)
    assert (slow[:201, 1] == 1).all()
    assert (slow[201:, 1] != 1).any()


def test_days_without_a_change_of_price_do_not_pull_volatility_to_zero():
    stale = RETURNS[:3000].clone()
    random = torch.Generator().manual_seed(5)
    stale[torch.rand(3000, generator=random) < 0.4, 0] = 0.0
    fitted = fit_components(stale)
    surprise = stale[:, 0].square() / fitted.variances(stale)[:-1, 0]
    assert surprise.max() < 60  # pulled to zero, the next change would be one of hundreds
    assert 0.95 < surprise.mean() < 1.05


def test_unchanged_days_are_found_beside_many_missing_ones():
    stale = RETURNS[:2000].clone()
    stale[::12, 0] = 0.0
    stale[:900, 0] = torch.nan
    found = unchanged_days(stale)
    assert torch.equal(found[:, 0], stale[:, 0] == 0)
    assert not found[:, 1].any()


def test_a_single_asset_has_no_peers():
    returns, _ = simulated(2000, law(1))
    fitted = fit_components(returns)
    assert not fitted.peers.any()
    assert not fitted.shared.any()
    assert abs(fitted.alpha + fitted.beta - 0.99) < 0.03
    assert (fitted.own.sum(0) < -0.03).all()


@pytest.mark.parametrize("n_days", [30, 120])
def test_a_short_history_gives_a_stable_filter(n_days):
    fitted = fit_components(RETURNS[:n_days])
    persistence = fitted.alpha + fitted.beta
    assert ((persistence > 0.8) & (persistence < 1)).all()
    assert fitted.variances(RETURNS).isfinite().all()


def test_a_wild_history_gives_finite_parameters():
    random = torch.Generator().manual_seed(2)
    wild = torch.randn(800, 2, generator=random, dtype=torch.float64).div(
        torch.rand(800, 2, generator=random, dtype=torch.float64)
    )
    fitted = fit_components(wild / wild.std(0))
    assert all(
        getattr(fitted, name).isfinite().all()
        for name in ("omega", "alpha", "beta", "decay", "own", "peers", "shared")
    )


def test_innovations_of_the_history_it_was_fitted_to_have_variance_one():
    fitted = fit_components(2 * RETURNS[:3000])
    innovations = 2 * RETURNS[:3000] / fitted.variances(2 * RETURNS[:3000])[:-1].sqrt()
    torch.testing.assert_close(
        innovations.square().mean(0), torch.ones(2).double(), atol=0.02, rtol=0
    )


def test_what_a_filter_gets_wrong_of_the_latest_years_is_put_right():
    fitted = fit_components(RETURNS)
    innovations = (RETURNS / fitted.variances(RETURNS)[:-1].sqrt())[-3000:]
    torch.testing.assert_close(
        innovations.square().mean(0), torch.ones(2).double(), atol=0.01, rtol=0
    )


def test_the_still_filter_has_variance_one():
    assert (ComponentFilter.still(2).variances(RETURNS[:50]) == 1).all()


def test_an_asset_that_never_moves_leaves_the_others_their_fit():
    random = torch.Generator().manual_seed(5)
    returns = torch.randn(300, 3, generator=random, dtype=torch.float64)
    returns[:, 1] = 0
    law = fit_components(returns)
    assert all(value.isfinite().all() for value in vars(law).values())

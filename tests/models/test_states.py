import torch

from fingan.models.states import BOUND, N_FEATURES, Today, market_states
from fingan.volatility.filter import fit_filter


def history(n_days=600, n_assets=4):
    random = torch.Generator().manual_seed(2)
    common = torch.randn(n_days, 1, generator=random, dtype=torch.float64)
    own = torch.randn(n_days, n_assets, generator=random, dtype=torch.float64)
    returns = 0.7 * common + 0.7 * own
    returns[300:330] *= 4  # a storm
    return returns


RETURNS = history()
FILTER = fit_filter(RETURNS)


def states(returns):
    return market_states(returns, FILTER.variances(returns))


def test_there_is_a_state_before_each_day_and_one_after_the_last():
    found = states(RETURNS)
    assert found.shape == (len(RETURNS) + 1, N_FEATURES)
    assert found.isfinite().all()
    assert (found.abs() <= BOUND).all()


def test_later_days_change_no_earlier_state():
    changed = RETURNS.clone()
    changed[400:] *= -5
    assert torch.equal(states(changed)[:401], states(RETURNS)[:401])
    assert not torch.equal(states(changed)[401], states(RETURNS)[401])


def test_a_storm_raises_volatility_against_the_filter_at_once():
    fast, slow = (states(RETURNS)[302] - states(RETURNS)[300])[:2]
    assert fast > slow > 0.1


def test_a_state_knows_nothing_of_the_direction_of_the_market():
    variances = FILTER.variances(RETURNS)
    assert torch.equal(market_states(-RETURNS, variances), market_states(RETURNS, variances))


def test_assets_that_move_together_show():
    random = torch.Generator().manual_seed(2)
    apart = torch.randn(600, 4, generator=random, dtype=torch.float64)
    together = apart[:, :1].expand(-1, 4).clone()
    last = [market_states(x, fit_filter(x).variances(x))[-1, 2] for x in (apart, together)]
    assert last[1] > last[0] + 0.4


def test_missing_assets_and_missing_days_leave_the_state_finite():
    gappy = RETURNS.clone()
    gappy[:100, 0] = torch.nan
    gappy[50] = torch.nan
    gappy[-30:, 1] = torch.nan
    assert states(gappy).isfinite().all()


def test_rows_of_a_history_are_its_days_and_copies_of_a_row_are_that_row():
    variances = FILTER.variances(RETURNS)
    leverage = torch.zeros(len(variances), 2, 4)
    history = Today(variances, variances, leverage, variances[:, :2], states(RETURNS))
    days = history.rows(torch.tensor([7, 3]))
    assert torch.equal(days.state, history.state[[7, 3]])
    assert torch.equal(history.row(-1).variance, history.variance[-1:])
    assert torch.equal(history.row(5).expand(3).variance, history.variance[[5, 5, 5]])
    assert torch.equal(days.repeat(2).variance, history.variance[[7, 7, 3, 3]])
    assert {tensor.dtype for tensor in days.to(torch.device("cpu"))} == {torch.float32}

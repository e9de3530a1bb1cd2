import torch

from fingan.volatility.modes import fit_modes

N_ASSETS, N_DAYS = 6, 6000
AVERAGE = torch.full((N_ASSETS, N_ASSETS), 0.5, dtype=torch.float64).fill_diagonal_(1)


def simulated(alpha=0.05, beta=0.93, seed=1):
    """Normal scores whose first mode's variance moves, and that variance."""
    random = torch.Generator().manual_seed(seed)
    values, vectors = torch.linalg.eigh(AVERAGE)
    root = (vectors * values.sqrt()).flip(1)
    variance, rows, variances = torch.tensor(1.0, dtype=torch.float64), [], []
    for _ in range(N_DAYS):
        shock = torch.randn(N_ASSETS, generator=random, dtype=torch.float64)
        scaled = shock.clone()
        scaled[0] *= variance.sqrt()
        spread = (1 + (variance - 1) * root[:, 0].square()).sqrt()
        rows.append(root @ scaled / spread)
        variances.append(variance)
        variance = (1 - alpha - beta) + (alpha * shock[0].square() + beta) * variance
    return torch.stack(rows), torch.stack(variances)


SCORES, TRUTH = simulated()


def test_the_root_is_one_of_the_average_correlation_largest_mode_first():
    modes = fit_modes(SCORES, AVERAGE)
    torch.testing.assert_close(modes.root @ modes.root.T, AVERAGE)
    sizes = modes.root.square().sum(0)
    assert (sizes.diff() <= 1e-12).all()
    assert len(modes.alpha) == 3  # half the assets at most


def test_the_first_modes_variance_is_followed():
    found = fit_modes(SCORES, AVERAGE).variances(SCORES)
    assert found.shape == (N_DAYS + 1, 3)
    correlation = torch.corrcoef(torch.stack([found[:-1, 0].log(), TRUTH.log()]))[0, 1]
    assert correlation > 0.9
    assert 0.85 < found[:, 0].mean() < 1.15


def test_assets_that_move_together_raise_the_first_mode():
    modes = fit_modes(SCORES, AVERAGE)
    apart = SCORES[:500].clone()
    together = SCORES[:500].clone()
    together[400:] = together[400:, :1].expand(-1, N_ASSETS)
    assert modes.variances(together)[-1, 0] > 1.2 * modes.variances(apart)[-1, 0]


def test_a_row_knows_the_days_before_it_alone():
    modes = fit_modes(SCORES, AVERAGE)
    changed = SCORES[:300].clone()
    changed[200:] *= -3
    ours, theirs = modes.variances(changed), modes.variances(SCORES[:300])
    assert torch.equal(ours[:201], theirs[:201])
    assert not torch.equal(ours[201], theirs[201])


def test_days_that_say_too_little_of_a_mode_leave_what_is_expected():
    gappy = SCORES[:300].clone()
    gappy[200:] = torch.nan
    modes = fit_modes(SCORES, AVERAGE)
    found = modes.variances(gappy)
    persistence = modes.alpha + modes.beta
    scale = 1  # the expectation of a mode's own variance, but for what D takes off
    assert found[-1].isfinite().all()
    assert ((found[-1] - scale).abs() <= (found[200] - scale).abs() + 0.2).all()
    assert (persistence < 1).all()


def test_a_single_asset_has_no_modes():
    modes = fit_modes(SCORES[:, :1], torch.ones(1, 1, dtype=torch.float64))
    assert modes.variances(SCORES[:20, :1]).shape == (21, 0)

import math

import pytest
import torch

from fingan.metrics.scoring_rules import energy_score
from fingan.models.generators import MarketGenerator
from fingan.models.states import N_FEATURES, Today
from fingan.training.selection import (
    MAX_SPREAD_RATIO,
    MIN_DISTINCT_RATIO,
    SelectionConfig,
    Validation,
    collapse,
    is_worth_it,
)

N_DAYS, N_ASSETS, N_NOISE = 60, 3, 4
CONFIG = SelectionConfig(horizon=5, n_starts=8, n_paths=64)
DAYS = torch.arange(0, 48, 6)


class ScaledNoise(MarketGenerator):
    """A generator that only scales its noise."""

    def __init__(self, scale=1.0, shift=0.0):
        torch.nn.Module.__init__(self)
        self.scale, self.shift = scale, shift

    def forward(self, noise, today, memory=None):
        spread = self.scale * today.variance.sqrt()
        return noise[..., :N_ASSETS] * spread + self.shift, today, memory

    def recentre(self, noise, today):
        """Its mean is what a test says."""


@pytest.fixture
def scaled():
    random = torch.Generator().manual_seed(1)
    return torch.randn(N_DAYS, N_ASSETS, generator=random)


def validation_of(scaled):
    ones = torch.ones(len(scaled) + 1, N_ASSETS)
    leverage, states = torch.zeros(len(ones), 2, N_ASSETS), torch.zeros(len(ones), N_FEATURES)
    history = Today(ones, ones, leverage, ones[:, :0], states)
    return Validation.of(
        scaled,
        history,
        DAYS,
        torch.full((N_ASSETS,), math.sqrt(CONFIG.horizon)),
        CONFIG,
        N_NOISE,
    )


def checked(validation, generator):
    start = validation.sums(ScaledNoise())
    return validation.score(validation.sums(generator), start)


def test_the_start_gains_nothing_on_itself_and_its_error_is_none(scaled):
    found = checked(validation_of(scaled), ScaledNoise())
    assert found["gain"] == 0
    assert found["gain_error"] == 0
    assert not is_worth_it(found)


def test_a_gain_is_worth_it_beyond_its_error_day_by_day(scaled):
    validation = validation_of(2 * scaled)
    better, hardly = (checked(validation, ScaledNoise(scale)) for scale in (1.8, 1.001))
    assert better["gain"] > 2 * better["gain_error"] > 0
    assert is_worth_it(better)
    assert hardly["gain"] < better["gain"] / 50
    worse = checked(validation_of(scaled), ScaledNoise(1.8))
    assert worse["gain"] < 0
    assert not is_worth_it(worse)


def test_the_score_is_the_energy_score_of_summed_returns(scaled):
    validation = validation_of(scaled)
    unit = math.sqrt(CONFIG.horizon)
    sums = validation.noise[..., :N_ASSETS].sum(0).unflatten(0, (-1, CONFIG.n_paths)) / unit
    outcome = torch.stack([scaled[day : day + CONFIG.horizon].sum(0) for day in DAYS]) / unit
    expected = float(energy_score(sums, outcome).mean())
    found = checked(validation, ScaledNoise())
    assert found["validation_score"] == pytest.approx(expected, rel=1e-5)


def test_a_check_of_the_same_weights_gives_the_same_figures(scaled):
    once, twice = (checked(validation_of(scaled), ScaledNoise(1.1)) for _ in range(2))
    assert once == twice


def test_the_start_itself_is_no_collapse(scaled):
    scores = checked(validation_of(scaled), ScaledNoise())
    assert scores["spread_ratio"] == pytest.approx(1)
    assert scores["distinct_ratio"] == pytest.approx(1)
    assert collapse(scores) is None


def test_the_true_law_scores_better_than_a_wrong_one(scaled):
    validation = validation_of(scaled)
    right = checked(validation, ScaledNoise())["validation_score"]
    for wrong in (ScaledNoise(0.3), ScaledNoise(3.0), ScaledNoise(1.0, 0.5)):
        assert checked(validation, wrong)["validation_score"] > right


def test_a_constant_generator_is_a_collapse(scaled):
    scores = checked(validation_of(scaled), ScaledNoise(0.0, 0.4))
    assert scores["distinct_ratio"] == pytest.approx(0, abs=1e-6)
    assert "must differ" in (collapse(scores) or "") or "spread" in (collapse(scores) or "")


def test_paths_that_resemble_each_other_are_a_collapse(scaled):
    """The right spread, but from a shift that all paths share."""
    scores = checked(validation_of(scaled), ScaledNoise(0.2, math.sqrt(0.96 / 5)))
    assert scores["spread_ratio"] < MAX_SPREAD_RATIO
    assert scores["distinct_ratio"] < MIN_DISTINCT_RATIO
    assert "must differ" in (collapse(scores) or "")


@pytest.mark.parametrize("scale", [10, 1e18, math.inf, math.nan])
def test_an_exploding_generator_is_a_collapse(scaled, scale):
    assert collapse(checked(validation_of(scaled), ScaledNoise(scale))) is not None


def test_one_dead_asset_among_many_is_a_collapse(scaled):
    generator = ScaledNoise(torch.tensor([1.0, 1.0, 1e-4]))
    warning = collapse(checked(validation_of(scaled), generator))
    assert warning is not None
    assert "spread" in warning


def test_what_was_not_observed_counts_on_neither_side(scaled):
    gap = scaled.clone()
    gap[2, 0] = torch.nan  # within the first window
    validation = validation_of(gap)
    sums = validation.sums(ScaledNoise())
    assert (sums[0, :, 0] == 0).all()
    assert (sums[1:] != 0).all()
    assert validation.outcome[0, 0] == 0
    assert validation.outcome.isfinite().all()


def test_an_asset_that_ended_before_the_span_is_no_collapse(scaled):
    ended = scaled.clone()
    ended[:, 1] = torch.nan
    scores = checked(validation_of(ended), ScaledNoise(1.1))
    assert collapse(scores) is None
    assert scores["spread_ratio"] == pytest.approx(1.1, rel=1e-3)

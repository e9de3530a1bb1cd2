"""Quantiles at many levels at once are those that each level gives alone."""

from dataclasses import astuple

import pytest
import torch

from fingan.risk.estimates import estimated_each
from fingan.risk.fan import fan
from fingan.risk.influences import at_level, quantile

LEVELS = (0.001, 0.05, 0.5, 0.99)


@pytest.fixture(scope="module")
def values():
    random = torch.Generator().manual_seed(5)
    drawn = torch.randn(2_003, 6, generator=random, dtype=torch.float64)
    drawn[:, 4] = drawn[:, 4].round()  # many paths of one value
    drawn[:, 5] = 1.0
    return drawn + torch.arange(2_003).unsqueeze(1) % 3 * 0.2


@pytest.mark.parametrize("n_generators", [None, 1, 3, 100])  # of 100 each draws too few
def test_a_fan_has_the_figures_and_errors_of_each_level_alone(values, n_generators):
    members = None if n_generators is None else torch.arange(len(values)) % n_generators
    for level, found in zip(LEVELS, fan(values, LEVELS, members), strict=True):
        alone = estimated_each(at_level(quantile, level), values, None, members)
        assert len(found) == len(alone) == 6
        for one, other in zip(found, alone, strict=True):
            for figure, expected in zip(astuple(one), astuple(other), strict=True):
                is_text = expected is None or isinstance(expected, str)
                close = expected if is_text else pytest.approx(expected, rel=1e-9, abs=1e-14)
                assert figure == close


def test_a_level_outside_is_refused(values):
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got 1"):
        fan(values, (0.5, 1.0))

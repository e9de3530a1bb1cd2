import math

import pytest
import torch

from fingan.errors import RequestError, UnknownAssetError
from fingan.risk.views import View, parse_view, pooled

RANDOM = torch.Generator().manual_seed(2)
N, RHO = 20_000, 0.6
FIRST = torch.randn(N, dtype=torch.float64, generator=RANDOM)
SECOND = RHO * FIRST + math.sqrt(1 - RHO**2) * torch.randn(N, dtype=torch.float64, generator=RANDOM)
RETURNS = torch.stack([0.05 * FIRST, 0.10 * SECOND], 1)
ASSETS = ("ABLE", "BA|KER (x)")  # a name is not part of an equation


def moments(weights):
    mean = weights @ RETURNS
    apart = RETURNS - mean
    return mean, (weights.unsqueeze(1) * apart).T @ apart


def test_a_mean_view_on_a_gaussian_shifts_it_and_leaves_its_covariance():
    """Meucci (2008): mu + Sigma q (q' Sigma q)^-1 (v - q' mu), covariance unchanged."""
    found = pooled(RETURNS, ASSETS, [View(kind="mean", assets=("ABLE",), value=0.02)])
    mean, covariance = moments(found.weights)
    prior_mean, prior = moments(torch.full((N,), 1 / N, dtype=torch.float64))
    expected = prior_mean + prior[:, 0] / prior[0, 0] * (0.02 - prior_mean[0])
    torch.testing.assert_close(mean, expected, rtol=0, atol=1e-3)
    torch.testing.assert_close(covariance, prior, rtol=0.04, atol=0)
    assert found.relative_entropy == pytest.approx(0.5 * (0.02 / 0.05) ** 2, rel=0.05)
    assert found.ess == pytest.approx(N * math.exp(-((0.02 / 0.05) ** 2)), rel=0.05)


@pytest.mark.parametrize(
    "text",
    ["volatility ABLE=0.06", "correlation ABLE,BA|KER (x)=0.9", "es ABLE=15%", "mean ABLE>=0.01"],
)
def test_each_kind_of_view_holds_afterwards(text):
    view = parse_view(text)
    found = pooled(RETURNS, ASSETS, [view])
    assert found.reached[0] == pytest.approx(view.value, rel=0.02)
    assert float(found.weights.sum()) == pytest.approx(1)
    assert found.relative_entropy > 0


def test_a_view_that_already_holds_changes_nothing():
    found = pooled(RETURNS, ASSETS, [parse_view("mean ABLE<=0.05")])
    assert found.relative_entropy == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    "texts",
    [
        ["mean ABLE=0.02", "mean ABLE=-0.02"],
        ["mean ABLE=3"],
    ],
)
def test_views_that_cannot_hold_together_are_refused(texts):
    with pytest.raises(RequestError, match="must hold together on the scenarios, got '"):
        pooled(RETURNS, ASSETS, [parse_view(text) for text in texts])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("AAPL up", "a view must be as 'mean AAPL=0.05'"),
        ("median AAPL=1", "a view must be as"),
        ("correlation ABLE=0.5", "must name 2 assets, got ABLE"),
        ("correlation ABLE,CHAR=-0.5", r"must lie in \[0, 1\), got -0.5"),
        ("volatility ABLE=-0.1", "must be positive"),
        ("es ABLE>=0.1", "must be an equality"),
        ("mean ABLE=0.1.2", "view 'mean ABLE=0.1.2'"),
    ],
)
def test_what_is_no_view_is_said_in_a_sentence(text, reason):
    with pytest.raises(RequestError, match=reason):
        parse_view(text)


def test_an_unknown_asset_is_named():
    with pytest.raises(UnknownAssetError, match="'ABEL' is not in it; it has ABLE"):
        pooled(RETURNS, ASSETS, [parse_view("mean ABEL=0.1")])

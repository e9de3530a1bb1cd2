import json

import pytest

from fingan.errors import InsufficientSupportError
from fingan.risk.portfolio import equal_weights
from fingan.risk.views import View, parse_view
from fingan.scenarios.baselines import baseline
from fingan.stress.viewed import ViewRequest, viewed


@pytest.fixture
def sampler(garch_prices):
    return baseline("gaussian", garch_prices)


def request(*views, **settings):
    return ViewRequest(views=views, horizon=5, n_paths=4_000, **settings)


def test_a_view_on_one_asset_moves_those_that_move_with_it(sampler, garch_prices):
    first = sampler.assets[0]
    view = View(kind="mean", assets=(first,), value=-0.02)
    found = viewed(sampler, garch_prices, equal_weights(sampler.assets), request(view))
    assert found.assets[first][1].estimate == pytest.approx(-0.02, abs=1e-4)
    assert all(under.estimate < before.estimate for before, under in found.assets.values())
    before, under = found.portfolio["mean"]
    assert under.estimate < before.estimate - 4 * before.mc_se
    assert 200 < found.found.ess < 4_000
    assert under.ess == pytest.approx(found.found.ess)
    json.dumps(found.record(), allow_nan=False)


def test_views_that_leave_too_few_paths_are_refused(sampler, garch_prices):
    view = parse_view(f"mean {sampler.assets[0]}=-0.04")
    with pytest.raises(InsufficientSupportError, match="at least 3900 effective paths"):
        viewed(sampler, garch_prices, equal_weights(sampler.assets), request(view, min_ess=3_900))

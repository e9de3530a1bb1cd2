import json

import pytest
import torch
from controls import garch_market, known, thin_tailed

from fingan.errors import InsufficientSupportError, RequestError, UnknownAssetError
from fingan.risk.portfolio import Portfolio, equal_weights
from fingan.scenarios.samplers import BLOCK_SIZE
from fingan.stress.reverse import reverse_stress
from fingan.stress.reverse_request import ReverseRequest

HORIZON = 5


@pytest.fixture(scope="module")
def market():
    return garch_market(600, 4, 3)


@pytest.fixture(scope="module")
def planted(market):
    """Two blocks of two assets; one falls in a day, twice as often as the other slides."""

    def blocks(start):
        shape = (BLOCK_SIZE, start.horizon, 4)
        paths = 0.003 * torch.randn(shape, generator=start.random, dtype=torch.float64)
        crash, slide = torch.rand(2, BLOCK_SIZE, generator=start.random, dtype=torch.float64)
        days = torch.randint(start.horizon, (BLOCK_SIZE,), generator=start.random)
        paths[torch.arange(BLOCK_SIZE), days, :2] -= 0.4 * (crash < 0.04).double().unsqueeze(1)
        paths[:, :, 2:] -= 0.09 * (slide < 0.02).double()[:, None, None]
        return paths

    return known(market, blocks)


def request(loss, **settings):
    return ReverseRequest(loss=loss, **{"horizon": HORIZON, "comparators": (), **settings})


@pytest.fixture(scope="module")
def found(planted, market):
    return reverse_stress(planted, market, equal_weights(planted.assets), request(0.12))


def test_two_planted_modes_are_found_with_their_probabilities(found):
    assert found.is_distinct
    first, second = found.modes
    assert abs(found.probability.estimate - 0.0592) < 4 * found.probability.mc_se
    assert abs(first.share.estimate - 2 / 3) < 4 * first.share.mc_se
    assert first.share.estimate + second.share.estimate == pytest.approx(1)
    assert first.probability.estimate == pytest.approx(
        found.probability.estimate * first.share.estimate
    )


def test_each_planted_mode_is_named_by_what_drives_it(found):
    first, second = found.modes
    assert {"A00", "A01"} == set(list(first.drivers.contributions)[:2])
    assert {"A02", "A03"} == set(list(second.drivers.contributions)[:2])
    assert "A00" in first.name
    assert "A02" not in first.name
    assert first.name.endswith("sudden")
    assert second.name.endswith("gradual")
    assert second.drivers.worst_step.estimate < 0.4 < 0.9 < first.drivers.worst_step.estimate


def test_contributions_add_up_to_the_loss_and_the_central_path_is_of_its_mode(found):
    for mode, block in zip(found.modes, (["A00", "A01"], ["A02", "A03"]), strict=True):
        parts = [part.estimate for part in mode.drivers.contributions.values()]
        assert sum(parts) == pytest.approx(mode.drivers.loss.estimate)
        assert mode.drivers.loss.estimate > 0.12
        assert all(mode.moves[asset] < -0.2 for asset in block)
        assert mode.course[-1] == pytest.approx(1 + sum(mode.moves.values()) / 4)
        assert all(mode.drivers.contributions[asset].mc_se > 0 for asset in block)


def test_the_record_is_json_and_the_paths_carry_weights(found):
    record = json.loads(json.dumps(found.record(), allow_nan=False))
    assert [mode["name"] for mode in record["modes"]] == [mode.name for mode in found.modes]
    assert float(found.scenarios.weights.sum()) == pytest.approx(1)
    assert len(found.labels) == found.scenarios.n_paths == record["n_paths"]
    assert record["elsewhere"][-1]["name"] == "windows of history"


def test_one_cloud_is_cut_into_parts_that_are_not_called_distinct(market):
    law = thin_tailed(market)
    portfolio = equal_weights(law.assets)
    cut = reverse_stress(law, market, portfolio, request(0.04))
    assert not cut.is_distinct
    assert len(cut.modes) == 3
    assert "one cloud" in cut.notes[0]
    whole = reverse_stress(law, market, portfolio, request(0.04, n_parts=1))
    assert len(whole.modes) == 1
    assert whole.is_distinct
    assert whole.notes == ()
    mode = whole.modes[0]
    assert mode.drivers.common.estimate > 0.9  # equally correlated assets fall together
    assert "common" in mode.name
    assert mode.share.estimate == pytest.approx(1)


def test_history_says_how_often_it_lost_so_much(market):
    law = thin_tailed(market)
    found = reverse_stress(law, market, equal_weights(law.assets), request(0.03))
    (history,) = found.elsewhere
    returns = (market.shift(-HORIZON) / market - 1).dropna().mean(axis=1)
    assert history.probability.estimate == pytest.approx(float((returns <= -0.03).mean()))
    worst = returns.idxmin()
    after = market.index[market.index.get_loc(worst) + 1]
    assert history.probability.mc_se is None
    assert "overlap" in history.probability.note
    assert history.windows[0] == f"{after:%Y-%m-%d}"


def test_one_position_in_one_step_is_one_way_to_lose(market):
    law = thin_tailed(market)
    portfolio = Portfolio(("A02",), torch.ones(1, dtype=torch.float64))
    found = reverse_stress(law, market, portfolio, request(0.02, horizon=1))
    (mode,) = found.modes
    assert found.is_distinct
    assert found.notes == ()
    assert mode.name.startswith("A02 100 %; ")
    assert found.elsewhere[0].probability.mc_se > 0  # windows of one step do not overlap


def test_a_short_position_may_be_what_loses(market):
    law = thin_tailed(market)
    assets = ("A00", "A01")
    portfolio = Portfolio(assets, torch.tensor([1.4, -0.4], dtype=torch.float64))
    found = reverse_stress(law, market, portfolio, request(0.05, n_parts=1))
    assert list(found.modes[0].drivers.contributions) == list(assets)
    assert found.modes[0].drivers.contributions["A01"].estimate < 0


def test_the_same_request_gives_the_same_answer_on_any_number_of_threads(planted, market):
    portfolio = equal_weights(planted.assets)
    one, two = (
        reverse_stress(planted, market, portfolio, request(0.12), n_threads=n) for n in (1, 2)
    )
    assert one.record() == two.record()


def test_a_loss_without_support_is_refused_with_what_was_reached(market):
    law = thin_tailed(market)
    with pytest.raises(
        InsufficientSupportError, match=r"a loss of 60 % .* at least 200 .* got 0 of .* the worst"
    ):
        reverse_stress(law, market, equal_weights(law.assets), request(0.6, n_pool=12_000))


def test_more_than_everything_cannot_be_lost_and_positions_must_be_known(market):
    law = thin_tailed(market)
    with pytest.raises(RequestError, match=r"must lie below what is invested, 100 % .* 1500 %"):
        reverse_stress(law, market, equal_weights(law.assets), request(15.0))
    unknown = Portfolio(("NOPE",), torch.ones(1, dtype=torch.float64))
    with pytest.raises(UnknownAssetError, match="'NOPE'"):
        reverse_stress(law, market, unknown, request(0.1))

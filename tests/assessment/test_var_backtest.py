import json
import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch

from fingan.assessment import var_forecasts
from fingan.assessment.var_backtest import Design, backtest
from fingan.assessment.var_verdicts import Row, Verdict, adjust
from fingan.data.returns import log_returns
from fingan.errors import RequestError, UnknownAssetError
from fingan.risk.measures import expected_shortfall, value_at_risk
from fingan.risk.portfolio import Portfolio, equal_weights
from fingan.scenarios.baselines import baseline
from fingan.scenarios.forecasts import forecasts

CHEAP = Design(levels=(0.9, 0.95), baselines=("historical",), n_paths=100, refit=40, window=150)
BOTH = replace(CHEAP, baselines=("fhs-gjr", "historical"))
FIRST, LAST, N_DAYS = "2016-06-01", "2016-08-31", 66
SIGMA, TRAINED_UNTIL = 0.01, pd.Timestamp("2014-12-31")


@dataclass(frozen=True)
class NormalSampler:
    """Independent normal log-returns of one deviation: right for a market that does the same."""

    sigma: float = SIGMA
    assets: tuple[str, ...] = ("ABLE",)
    kind: str = "price"
    fitted_until: pd.Timestamp = TRAINED_UNTIL
    reference: str = "normal@1"

    def stream(self, *_arguments, **_options):
        raise NotImplementedError

    sample = stream

    def continuations(self, returns):
        def continued(_row, request):
            def draw(first, n_blocks=1):
                return torch.cat([one_block(first + number) for number in range(n_blocks)])

            def one_block(block):
                random = torch.Generator().manual_seed((request.seed + block) % 2**63)
                shape = (512, request.horizon, len(returns.assets))
                return self.sigma * torch.randn(shape, generator=random)

            return draw

        return continued


@pytest.fixture(scope="module")
def normal_prices():
    """Eight years of one asset whose log-returns are independent and normal."""
    moves = SIGMA * np.random.default_rng(5).standard_normal(2000)
    dates = pd.bdate_range("2015-01-01", periods=2000, name="date")
    table = pd.DataFrame({"ABLE": 100 * np.exp(moves.cumsum())}, index=dates)
    table.attrs = {"kind": "price", "source": "normal"}
    return table


@pytest.fixture(scope="module")
def small(garch_prices):
    """Two baselines, sixty-six days, four assets held in equal shares."""
    return backtest(None, garch_prices, first=FIRST, last=LAST, design=BOTH)


def changed(prices, after, factor=1.7):
    """The table with every price after a day changed."""
    table = prices.copy()
    table.attrs = dict(prices.attrs)
    later = table.index > after
    table.loc[later] *= factor * np.linspace(1, 3, later.sum())[:, None]
    return table


def test_no_forecast_knows_a_price_of_its_day_or_after(garch_prices, small):
    day = 45
    last_known = small.days.dates[day - 1]
    model = baseline("fhs-gjr", garch_prices[:"2016-03-31"])
    other = changed(garch_prices, last_known)
    before, after = (
        backtest(model, table, first=FIRST, last=LAST, design=BOTH)
        for table in (garch_prices, other)
    )
    for name in ("model", "fhs-gjr", "historical"):
        old, new = before.forecasts[name], after.forecasts[name]
        assert torch.equal(old.value_at_risk[: day + 1], new.value_at_risk[: day + 1])
        assert torch.equal(old.expected_shortfall[: day + 1], new.expected_shortfall[: day + 1])
        assert torch.equal(old.draws[: day + 1], new.draws[: day + 1])
        if name != "historical":  # it has no memory, and is not fitted again
            assert not torch.equal(old.value_at_risk[day + 1 :], new.value_at_risk[day + 1 :])


def test_losses_are_those_of_the_day_after_the_last_row_known(garch_prices, small):
    simple = garch_prices.pct_change().loc[FIRST:LAST]
    np.testing.assert_allclose(small.days.losses, -simple.mean(axis=1))
    assert list(small.days.dates) == list(simple.index)


def test_a_forecast_is_what_the_baseline_fitted_on_its_window_draws(garch_prices, small):
    day = 43  # of the second fit, which saw the rows up to the one before day 40
    row = garch_prices.index.get_loc(small.days.dates[40]) - 1
    past = garch_prices.iloc[row - 149 : row + 1]
    known = garch_prices.iloc[row - 149 : row + 4]
    (cube,) = forecasts(baseline("fhs-gjr", past), known, [known.index[-1]], 1, 100)
    losses = -cube.double().sum(1).expm1().mean(1)
    said = small.forecasts["fhs-gjr"]
    for number, level in enumerate(BOTH.levels):
        assert said.value_at_risk[day, number] == pytest.approx(value_at_risk(losses, level))
        assert said.expected_shortfall[day, number] == pytest.approx(
            expected_shortfall(losses, level)
        )
    share = (losses > small.days.losses[day]).double().mean()
    assert said.transform[day] == pytest.approx(float(share), abs=1 / 100)


def test_rows_before_the_window_change_nothing(garch_prices, small):
    row = garch_prices.index.get_loc(small.days.dates[0]) - 1
    table = garch_prices.copy()
    table.attrs = dict(garch_prices.attrs)
    table.iloc[: row - 149] *= 3
    again = backtest(None, table, first=FIRST, last=LAST, design=BOTH)
    for name, said in small.forecasts.items():
        assert torch.equal(said.value_at_risk, again.forecasts[name].value_at_risk)


def test_two_processes_say_what_one_says(garch_prices, small, monkeypatch):
    monkeypatch.setattr(var_forecasts, "WORTH_A_PROCESS", 0)
    told = []
    again = backtest(
        None,
        garch_prices,
        first=FIRST,
        last=LAST,
        design=BOTH,
        n_processes=2,
        progress=lambda done, total: told.append((done, total)),
    )
    assert again.record() == small.record()
    assert told[-1] == (2 * N_DAYS, 2 * N_DAYS)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_the_seed_determines_the_result(garch_prices, small):
    other = backtest(None, garch_prices, first=FIRST, last=LAST, design=replace(CHEAP, seed=1))
    said, again = small.forecasts["historical"], other.forecasts["historical"]
    assert not torch.equal(said.value_at_risk, again.value_at_risk)


def test_the_record_is_json_that_holds_every_forecaster_at_every_level(small):
    record = json.loads(json.dumps(small.record(), allow_nan=False))
    assert record["kind"] == "backtest"
    assert record["span"] == {"first": FIRST, "last": LAST, "n_days": N_DAYS}
    assert [(row["sampler"], row["level"]) for row in record["rows"]] == [
        (name, level) for name in ("fhs-gjr", "historical") for level in (0.9, 0.95)
    ]
    series = record["series"]["historical"]["0.95"]
    losses = np.array(record["losses"])
    row = record["rows"][3]
    assert row["violations"] == (losses > series["value_at_risk"]).sum()
    assert row["expected"] == pytest.approx(N_DAYS * 0.05)
    assert sum(record["pit"]["fhs-gjr"]["counts"]) == N_DAYS
    assert record["rows"][0]["dm_t"] is None  # of the reference with itself
    assert "no portfolio was given: equal weights" in record["notes"]


def test_fz0_is_the_score_by_hand_of_losses_in_percent(small):
    row = small.rows[1]
    said = small.forecasts["fhs-gjr"]
    threshold, shortfall = 100 * said.value_at_risk[:, 1], 100 * said.expected_shortfall[:, 1]
    lost = 100 * small.days.losses
    beyond = (lost - threshold).clamp(min=0)
    by_hand = beyond / (0.05 * shortfall) + threshold / shortfall + shortfall.log() - 1
    assert row.fz0 == pytest.approx(float(by_hand.mean()))


def test_a_true_model_passes_and_one_of_two_thirds_of_the_risk_fails(normal_prices):
    design = replace(CHEAP, levels=(0.9, 0.95), n_paths=500, window=500, refit=500)
    true, timid = (
        backtest(NormalSampler(sigma), normal_prices, first="2021-07-01", design=design)
        for sigma in (SIGMA, 0.67 * SIGMA)
    )
    assert not any(verdict.failed for row in true.rows[:2] for verdict in row.tests.values())
    assert true.record()["pit"]["model"]["p"] > 0.05
    for row in timid.rows[:2]:
        assert row.tests["kupiec"].failed
        assert row.tests["acerbi_szekely_z2"].failed
        assert row.traffic_light in ("amber", "red")
        assert row.in_mcs is False
    assert timid.record()["pit"]["model"]["p"] < 0.001
    assert all(a.fz0 < b.fz0 for a, b in zip(true.rows[:2], timid.rows[:2], strict=True))


def test_the_score_of_the_better_model_is_below_that_of_the_reference(garch_prices):
    design = replace(BOTH, baselines=("fhs-gjr",), levels=(0.9,))
    wild = NormalSampler(0.05, assets=tuple(garch_prices.columns))
    found = backtest(wild, garch_prices, first=FIRST, last=LAST, design=design)
    model, reference = found.rows
    assert model.fz0 > reference.fz0
    assert model.dm_t > 2
    assert model.in_mcs is False
    assert reference.in_mcs is True


def test_a_model_is_not_judged_on_days_that_it_was_trained_on(garch_prices):
    model = NormalSampler(fitted_until=pd.Timestamp("2016-07-01"), assets=tuple(garch_prices))
    with pytest.raises(RequestError, match="'normal@1' was trained on rows up to 2016-07-01"):
        backtest(model, garch_prices, first=FIRST, last=LAST, design=CHEAP)
    seen = backtest(model, garch_prices, first=FIRST, last=LAST, design=CHEAP, in_sample=True)
    assert seen.record()["in_sample"] is True
    assert any(note.startswith("in-sample") for note in seen.notes)
    after = backtest(model, garch_prices, last=LAST, design=CHEAP, in_sample=True)
    assert str(after.days.dates[0].date()) == "2016-07-04"  # the first day after training
    assert after.record()["in_sample"] is False


def test_a_day_that_an_asset_of_the_portfolio_misses_is_left_out_and_counted(garch_prices, small):
    table = garch_prices.copy()
    table.attrs = dict(garch_prices.attrs)
    table.loc["2016-08-10", "BAKER"] = np.nan
    found = backtest(None, table, first=FIRST, last=LAST, design=CHEAP)
    gone = set(small.days.dates) - set(found.days.dates)
    assert sorted(str(date.date()) for date in gone) == ["2016-08-10", "2016-08-11"]
    assert any(note.startswith("2 days left out") and "2016-08-10" in note for note in found.notes)
    rest = Portfolio(("ABLE", "DOG"), torch.tensor([0.5, 0.5], dtype=torch.float64))
    assert not backtest(None, table, rest, first=FIRST, last=LAST, design=CHEAP).days.left_out


def test_ten_days_are_compounded_and_tested_where_they_do_not_overlap(garch_prices):
    design = replace(CHEAP, horizon=10, levels=(0.95,))
    found = backtest(None, garch_prices, first=FIRST, last=LAST, design=design)
    prices = garch_prices.loc[:LAST]
    ten = (prices / prices.shift(10) - 1).mean(axis=1)
    np.testing.assert_allclose(found.days.losses, -ten.loc[found.days.dates[0] :])
    assert found.days.dates[0] == garch_prices.loc[FIRST:].index[9]
    row = found.rows[0]
    assert (row.n_scored, row.n_days) == (57, 6)
    assert row.expected == pytest.approx(0.3)
    assert row.tests["kupiec"].p is None
    assert row.traffic_light is None
    assert any("horizons overlap" in note for note in found.notes)
    assert "n/a at 95 %: all tests: less than one violation is expected" in found.notes


def test_holm_counts_all_tests_of_a_forecaster_at_all_levels(small):
    family = [v for row in small.rows[:2] for v in row.tests.values() if v.p is not None]
    assert len(family) > 6
    least = min(family, key=lambda verdict: verdict.p)
    assert least.adjusted_p == pytest.approx(min(1, len(family) * least.p))
    rows = [
        replace(small.rows[0], tests={"kupiec": Verdict(p), "dq": Verdict()}) for p in (0.01, 0.04)
    ]
    adjust(rows)
    assert [row.tests["kupiec"].adjusted_p for row in rows] == pytest.approx([0.02, 0.04])
    assert all(row.tests["kupiec"].failed for row in rows)
    assert all(isinstance(row, Row) and row.tests["dq"].adjusted_p is None for row in rows)


def test_a_score_that_hangs_on_a_few_violations_is_compared_with_nothing(small):
    enough, few = small.rows[2:]  # 6.6 and 3.3 violations expected
    assert None not in (enough.fz0_se, enough.dm_t, enough.dm_p, enough.in_mcs)
    assert (few.fz0_se, few.dm_t, few.dm_p, few.in_mcs) == (None,) * 4
    assert few.fz0 is not None
    said = "n/a at 95 %: s.e., DM and confidence set of FZ0: fewer than 5 violations are expected"
    assert said in small.notes


def test_a_portfolio_of_some_assets_is_held_alone(garch_prices):
    portfolio = Portfolio(("DOG",), torch.ones(1, dtype=torch.float64))
    found = backtest(None, garch_prices, portfolio, first=FIRST, last=LAST, design=CHEAP)
    moves = log_returns(garch_prices[["DOG"]]).between(FIRST, LAST).values[:, 0]
    torch.testing.assert_close(found.days.losses, -moves.expm1())


def test_losses_of_one_asset_may_be_counted_as_log_returns(garch_prices):
    asset = garch_prices[["DOG"]]
    logs, simple = (
        backtest(None, asset, first=FIRST, last=LAST, design=replace(CHEAP, log_losses=counted))
        for counted in (True, False)
    )
    torch.testing.assert_close(logs.days.losses, -torch.log1p(-simple.days.losses))
    said, other = logs.forecasts["historical"], simple.forecasts["historical"]
    torch.testing.assert_close(said.value_at_risk, -torch.log1p(-other.value_at_risk))
    assert torch.equal(said.transform, other.transform)
    with pytest.raises(RequestError, match=r"log-returns for one asset alone, .* got 4"):
        backtest(None, garch_prices, first=FIRST, design=replace(CHEAP, log_losses=True))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"last": "2016-06-10"}, RequestError, "needs at least 30 rows, got 8 from 2016-06-01 to"),
        ({"first": "2030-01-01", "last": None}, RequestError, "got 0 from 2030-01-01 to"),
        ({"first": "soon"}, RequestError, "must be two dates such as 2020-03-16, got 'soon'"),
        ({"first": "2015-06-01"}, RequestError, "need 150 rows before the first day, 2015-06-01"),
        ({"first": None}, RequestError, "a backtest without a model needs its first day"),
        ({"portfolio": equal_weights(("ABLE", "EASY"))}, UnknownAssetError, "asset 'EASY' is not"),
    ],
)
def test_a_request_that_cannot_be_met_is_one_sentence(garch_prices, arguments, error, says):
    given = {"first": FIRST, "last": LAST, "design": CHEAP, **arguments}
    with pytest.raises(error) as caught:
        backtest(None, garch_prices, **given)
    assert says in str(caught.value)


def test_levels_of_the_table_are_no_returns(garch_prices):
    table = garch_prices.copy()
    table.attrs = {"kind": "level"}
    with pytest.raises(RequestError, match="needs prices or returns, but the table holds levels"):
        backtest(None, table, first=FIRST, last=LAST, design=CHEAP)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"levels": (0.01,)}, "levels must lie between 0.5 and 1, got 0.01"),
        ({"levels": ()}, "levels must name at least one"),
        ({"levels": (0.99, 0.99)}, "levels must differ, got 0.99, 0.99"),
        ({"levels": (0.9999,), "n_paths": 5000}, "n_paths must be at least 10000 for level 0.9999"),
        ({"horizon": 0}, "horizon must be at least 1, got 0"),
        ({"refit": 0}, "refit must be at least 1, got 0"),
        ({"window": 99}, "window must be at least 100, got 99"),
        ({"baselines": ("fhs-gjr", "magic")}, "baseline must be one of .*, got 'magic'"),
        ({"baselines": ("fhs-gjr", "fhs-gjr")}, "baselines must differ"),
    ],
)
def test_a_design_that_cannot_be_carried_out_is_one_sentence(wrong, says):
    with pytest.raises(RequestError, match=says):
        Design(**wrong)


def test_a_hundredth_of_a_hundred_paths_is_one_path():
    assert Design(levels=(0.99,), n_paths=100).n_paths == 100
    assert math.isclose(100 * (1 - 0.99), 1)

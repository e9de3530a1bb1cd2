import json

import pandas as pd
import pytest
import torch
from replays import Replay, garch_returns, return_table
from training_runs import make_run

from fingan.assessment.membership import AuditBlocks
from fingan.assessment.privacy import PrivacyAudit, audit, training_period
from fingan.data.returns import ReturnTable
from fingan.errors import PriceDataError
from fingan.pipeline import load_model
from fingan.scenarios.store import ModelStore
from fingan.training.config import TrainConfig


@pytest.fixture(scope="module")
def published(tiny_model):
    return ModelStore(tiny_model.store).resolve(tiny_model.reference)


@pytest.fixture(scope="module")
def sampler(tiny_model):
    return load_model(tiny_model.reference, tiny_model.store)


@pytest.fixture(scope="module")
def audited(sampler, published, garch_prices):
    audited = audit(sampler, published, garch_prices, seed=3, steps=20)
    steps = [progress.step for progress in audited]
    assert steps[-1] == 20
    return audited


@pytest.fixture(scope="module")
def record(audited):
    return audited.record()


def test_the_record_is_json_and_holds_every_finding(record):
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert (record["kind"], record["model"], record["seed"]) == ("privacy", "tiny@1", 3)
    membership = record["membership"]
    assert membership["n_members"] == membership["n_held_out"] == 16
    assert (membership["steps"], membership["model_steps"]) == (20, 60)
    for figures in membership["attacks"].values():
        assert 0 <= figures["auc_low"] <= figures["auc"] <= figures["auc_high"] <= 1
        assert figures["tpr_at_1pct_fpr"] is None
    text = " ".join(record["notes"])
    assert "synthetic is not anonymous" in text
    assert "20 steps, the model for 60" in text
    assert "16 windows are held out" in text
    assert "the model has 2 that differ in the seed alone" in text


def test_a_model_of_a_garch_market_copies_nothing(record):
    assert not record["copies"]["is_copy"]
    assert record["copies"]["assets_copied"] == []


def test_the_same_audit_gives_the_same_record(sampler, published, garch_prices, record):
    again = audit(sampler, published, garch_prices, seed=3, steps=20)
    assert [progress.step for progress in again][-1] == 20
    assert again.record() == record


def test_the_shadow_never_sees_the_hidden_days(audited):
    blocks, table = audited.blocks, audited.returns
    values = table.values.clone()
    for row in blocks.held_out:
        values[row : row + 10] = 0.5  # had they been read, the weights would be others
    changed = ReturnTable(table.assets, table.dates, values)
    other = PrivacyAudit(audited.sampler, changed, audited.config, 60)
    assert other.blocks == blocks
    *_, _ = other
    ours, theirs = (each.shadow.state.best.state_dict() for each in (audited, other))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_shadow_trains_on_the_windows_around_the_hidden_days(audited):
    windows = audited.shadow.training_set.windows
    n_training = audited.shadow.training_set.split.training.end
    assert len(windows) == n_training - windows.window + 1


def test_rows_after_the_training_period_change_nothing(published, garch_prices):
    rows = training_period(published, garch_prices)
    assert f"{rows.index[-1]:%Y-%m-%d}" == "2017-12-29" < f"{garch_prices.index[-1]:%Y-%m-%d}"
    later = garch_prices.copy()
    later.iloc[-1] *= 2
    assert training_period(published, later).equals(rows)


def test_assets_that_the_model_does_not_have_change_nothing(published, garch_prices):
    more = garch_prices.assign(ELSE=1.0)[["ELSE", *garch_prices.columns[::-1]]]
    more.attrs = dict(garch_prices.attrs)
    expected = training_period(published, garch_prices)
    assert training_period(published, more).equals(expected)


def test_rows_before_the_training_period_change_nothing(published, garch_prices):
    before = garch_prices.iloc[:5].copy()
    before.index = garch_prices.index[0] - pd.to_timedelta(range(9, 4, -1), unit="D")
    longer = pd.concat([before, garch_prices])
    longer.attrs = dict(garch_prices.attrs)
    rows = training_period(published, longer)
    assert rows.equals(training_period(published, garch_prices))


def test_the_training_period_of_bars_ends_at_the_last_bar(garch_prices, tmp_path):
    bars = garch_prices.iloc[:784].copy()
    days = pd.bdate_range("2019-01-01", periods=112)
    bars.index = pd.DatetimeIndex(
        [day + pd.Timedelta(hours=10 + h) for day in days for h in range(7)]
    )
    past = bars.iloc[:780]  # to the third bar of a day
    past.attrs = dict(bars.attrs)
    list(make_run(past, tmp_path, steps=10))
    published = ModelStore(tmp_path).resolve("tiny")
    assert training_period(published, bars).equals(past)


@pytest.mark.parametrize("change", ["a price", "a row", "an asset", "the kind"])
def test_other_prices_than_the_training_data_are_refused(published, garch_prices, change):
    other = garch_prices.copy()
    match change:
        case "a price":
            other.iloc[5, 1] *= 1.0001
        case "a row":
            other = other.drop(other.index[5])
        case "an asset":
            other = other.drop(columns="DOG")
        case "the kind":
            other.attrs["kind"] = "level"
    with pytest.raises(PriceDataError, match="must be the training data of 'tiny@1', garch up to"):
        training_period(published, other)


def test_a_model_that_replays_its_training_days_is_a_leak(garch_prices, audited):
    replaying = PrivacyAudit(
        Replay(audited.returns), audited.returns, audited.config, 60, membership=False
    )
    assert list(replaying) == []
    record = replaying.record()
    assert record["copies"]["is_copy"]
    assert record["copies"]["assets_copied"] == list(garch_prices.columns)
    assert record["verdict"].startswith("leak: it copies runs of training days")
    assert record["membership"] is None
    assert "membership inference: not asked for" in record["notes"]


def test_a_history_too_short_for_an_audit_of_membership_says_so(sampler, audited):
    rows = audited.returns.until("2016-12-30")
    short = PrivacyAudit(sampler, rows, audited.config, 60)
    assert len(AuditBlocks.of(rows, 400)) == len(short.blocks) < 12
    assert list(short) == []
    record = short.record()
    assert record["membership"] is None
    assert "not applicable, the training span holds 10 blocks" in " ".join(record["notes"])


def test_a_history_too_short_for_a_copy_search_is_refused(sampler):
    table = return_table(garch_returns(0, 150, 4))
    short = PrivacyAudit(sampler, table, TrainConfig(), 1, membership=False)
    with pytest.raises(PriceDataError, match="at least 160 returns, got 150"):
        short.record()

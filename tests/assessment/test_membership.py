from itertools import pairwise

import pytest
import torch
from replays import Replay, garch_returns, return_table

from fingan.assessment.membership import (
    MIN_BLOCKS,
    WINDOW,
    AuditBlocks,
    area_under_curve,
    attack,
    true_positive_rate,
)

N_DAYS = 1600


@pytest.fixture(scope="module")
def table():
    return return_table(garch_returns(0, N_DAYS, 4))


@pytest.fixture(scope="module")
def blocks(table):
    return AuditBlocks.of(table, N_DAYS)


@pytest.fixture(scope="module")
def reference(table):
    """Days of another history of the same market: neither members nor held-out windows."""
    return Replay(return_table(garch_returns(50, 4000, 4)), mean_block=1).continuations(table)


def test_members_and_hidden_blocks_interleave_and_never_touch(blocks):
    starts = sorted([*blocks.members, *blocks.held_out])
    assert starts[::2] == list(blocks.members)
    assert starts[1::2] == list(blocks.held_out)
    assert min(b - a for a, b in pairwise(starts)) >= WINDOW + 5
    assert len(blocks) == N_DAYS // 40


def test_hidden_days_are_gone_and_all_others_stay(table, blocks):
    hidden = blocks.hide(table)
    is_hidden = torch.zeros(N_DAYS, dtype=torch.bool)
    for row in blocks.held_out:
        is_hidden[row : row + WINDOW] = True
    assert hidden.values[is_hidden].isnan().all()
    assert torch.equal(hidden.values[~is_hidden], table.values[~is_hidden])
    assert not table.values.isnan().any()


def test_pairs_lie_within_the_training_span_and_where_enough_is_observed(table):
    values = table.values.clone()
    values[:400, :3] = torch.nan
    blocks = AuditBlocks.of(return_table(values), 1200)
    assert min(blocks.members) >= 400
    assert max(blocks.held_out) + WINDOW <= 1200


def test_a_generator_that_replays_what_it_has_seen_is_caught_by_both_attacks(
    table, blocks, reference
):
    replay = Replay(blocks.hide(table)).continuations(table)
    found = attack(replay, reference, table, blocks)
    assert found["nearest_path"]["auc"] > 0.95
    assert found["nearest_path"]["auc_low"] > 0.9
    assert found["path_density"]["auc_low"] > 0.5


def test_a_generator_that_has_seen_another_history_tells_nothing(table, blocks, reference):
    other = Replay(return_table(garch_returns(51, N_DAYS, 4))).continuations(table)
    for figures in attack(other, reference, table, blocks).values():
        assert figures["auc_low"] < 0.5 < figures["auc_high"]


def test_a_generator_that_has_seen_both_alike_tells_nothing(table, blocks, reference):
    both = Replay(table).continuations(table)
    for figures in attack(both, reference, table, blocks).values():
        assert figures["auc_low"] < 0.5 < figures["auc_high"]


@pytest.mark.slow
def test_the_interval_of_an_auc_that_is_one_half_lies_above_it_one_time_in_forty():
    missed = {"nearest_path": 0, "path_density": 0}
    n_histories = 40
    for seed in range(n_histories):
        table = return_table(garch_returns(1000 + seed, 1000, 3))
        other, third = (
            Replay(return_table(garch_returns(start + seed, 2000, 3)), block).continuations(table)
            for start, block in ((2000, 20), (3000, 1))
        )
        found = attack(other, third, table, AuditBlocks.of(table, 1000), seed)
        for name, figures in found.items():
            missed[name] += figures["auc_low"] > 0.5
    assert max(missed.values()) <= 4, missed  # at 2.5 %, more has odds of 1 in 300


def test_the_same_seed_gives_the_same_figures(table, blocks, reference):
    few = AuditBlocks(blocks.members[:MIN_BLOCKS], blocks.held_out[:MIN_BLOCKS])
    replay = Replay(blocks.hide(table)).continuations(table)
    first, second, third = (attack(replay, reference, table, few, seed) for seed in (1, 1, 2))
    assert first == second != third


def test_area_under_the_curve_is_the_share_of_pairs_won():
    members, held_out = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.0, 2.0])
    assert area_under_curve(members, held_out) == pytest.approx(4.5 / 6)
    assert area_under_curve(held_out, held_out) == 0.5


def test_true_positives_are_counted_above_what_one_percent_of_the_held_out_exceed():
    held_out = torch.arange(200.0)  # two of them may be exceeded: the threshold is 197
    members = torch.tensor([196.5, 197.0, 197.5, 300.0])
    assert true_positive_rate(members, held_out) == pytest.approx(2 / 4)


def test_a_rate_of_one_percent_needs_a_hundred_held_out_windows(table, blocks, reference):
    assert true_positive_rate(torch.ones(99), torch.zeros(99)) is None
    replay = Replay(blocks.hide(table)).continuations(table)
    figures = attack(replay, reference, table, blocks)["nearest_path"]
    assert (figures["tpr_at_1pct_fpr"], figures["low"], figures["high"]) == (None, None, None)

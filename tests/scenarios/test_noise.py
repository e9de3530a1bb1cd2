import math

import numpy as np
import pytest
import torch
from scipy import stats

from fingan.scenarios.noise import (
    EVENTS,
    NORMALS,
    ROWS,
    path_events,
    path_normals,
    path_rows,
    random_bits,
)

SEEDS = (0, 7, 2**63, 2**64 - 1)


@pytest.fixture(scope="module")
def million():
    return path_normals(7, 0, 0, 250, 500 - 500 % 8, 8).flatten().double().numpy()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("sizes", [(1,) * 12, (5, 7), (11, 1), (3, 4, 5)])
def test_a_stretch_drawn_alone_is_that_of_the_whole(seed, sizes):
    whole = path_normals(seed, 3, 0, 12, 16, 5)
    firsts = np.cumsum((0, *sizes[:-1])).tolist()
    parts = [
        path_normals(seed, 3, first, size, 16, 5) for first, size in zip(firsts, sizes, strict=True)
    ]
    assert torch.equal(torch.cat(parts), whole)


@pytest.mark.parametrize("n_noise", [1, 5, 24])
def test_the_first_paths_of_a_block_have_the_bits_that_they_have_in_the_whole(n_noise):
    whole = path_normals(7, 3, 2, 9, 512, n_noise)
    for n_first in (*range(1, 64), 100, 255, 256, 257, 511, 512):
        few = path_normals(7, 3, 2, 9, 512, n_noise, n_first=n_first)
        assert n_first <= few.shape[1] <= 512
        assert torch.equal(few[:, :n_first], whole[:, :n_first])


def test_normals_have_the_moments_and_the_law_of_normals(million):
    n = len(million)
    assert n > 990_000
    assert abs(million.mean()) < 4 / math.sqrt(n)
    assert abs(million.var() - 1) < 4 * math.sqrt(2 / n)
    assert abs(stats.skew(million)) < 4 * math.sqrt(6 / n)
    assert abs(stats.kurtosis(million)) < 4 * math.sqrt(24 / n)
    assert stats.kstest(million, "norm").pvalue > 1e-3


def test_normals_reach_into_the_tails_and_are_all_finite(million):
    assert np.isfinite(million).all()
    for level in (3.0, 4.0):
        expected = len(million) * 2 * stats.norm.sf(level)
        assert abs((np.abs(million) > level).sum() - expected) < 4 * math.sqrt(expected) + 1


def test_neighbours_in_time_and_place_are_uncorrelated():
    normals = path_normals(1, 0, 0, 400, 64, 4).double()
    n = normals[1:].numel()
    pairs = {
        "steps": (normals[1:], normals[:-1]),
        "paths": (normals[:, 1:], normals[:, :-1]),
        "places": (normals[..., 1:], normals[..., :-1]),
        "halves": (normals[:, :32], normals[:, 32:]),  # cosine and sine of one pair
    }
    for name, (one, other) in pairs.items():
        for f in (lambda x: x, torch.square):
            both = torch.stack([f(one).flatten(), f(other).flatten()])
            assert abs(float(torch.corrcoef(both)[0, 1])) < 5 / math.sqrt(n / 2), name


def test_blocks_seeds_steps_and_streams_never_meet():
    keys = [
        (seed, stream, block, first)
        for seed in SEEDS
        for stream in (NORMALS, ROWS, EVENTS)
        for block in (0, 1, 2**31)
        for first in (0, 1, 1000)
    ]
    drawn = {random_bits(*key, 1, 16).numpy().tobytes() for key in keys}
    assert len(drawn) == len(keys)


def test_blocks_are_independent():
    blocks = torch.stack([path_normals(5, block, 0, 50, 64, 4).flatten() for block in range(8)])
    correlation = torch.corrcoef(blocks.double()).fill_diagonal_(0)
    assert correlation.abs().max() < 5 / math.sqrt(blocks.shape[1])


def test_the_bits_are_those_of_philox_at_the_counter_of_block_and_step():
    bits = np.random.Philox(key=np.array([9, NORMALS], np.uint64), counter=[6, 4, 0, 0])
    words = torch.from_numpy(bits.random_raw(8).view(np.int32)).view(1, 16)
    assert torch.equal(random_bits(9, NORMALS, 4, 3, 1, 16), words)


@pytest.mark.parametrize("n_rows", [2, 3, 1000])
def test_rows_are_uniform(n_rows):
    rows = path_rows(2, 0, 100, 512, n_rows)
    assert rows.min() >= 0
    assert rows.max() == n_rows - 1
    counts = torch.bincount(rows.flatten(), minlength=n_rows)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


def test_rows_of_a_shorter_horizon_are_the_first_of_a_longer():
    assert torch.equal(path_rows(2, 1, 5, 64, 77), path_rows(2, 1, 20, 64, 77)[:5])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n_steps", [1, 3])
def test_blocks_drawn_at_once_are_those_drawn_alone(seed, n_steps):
    draws = (
        lambda block, n: path_normals(seed, block, 5, n_steps, 64, 3, n),
        lambda block, n: path_rows(seed, block, n_steps, 64, 1_000, n),
        lambda block, n: path_events(seed, block, n_steps, 64, 0.3, n),
    )
    for draw in draws:
        alone = torch.cat([draw(block, 1) for block in range(7, 12)], dim=1)
        assert torch.equal(draw(7, 5), alone)


@pytest.mark.parametrize("probability", [0.0, 0.013, 0.5, 1.0])
def test_events_happen_as_often_as_they_should(probability):
    events = path_events(3, 0, 100, 512, probability, 4).double()
    error = math.sqrt(probability * (1 - probability) / events.numel())
    assert abs(float(events.mean()) - probability) <= 4 * error

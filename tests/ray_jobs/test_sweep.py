"""What a sweep tries; no Ray."""

import json
import math
import random
from pathlib import Path

import pytest

from fingan.config import load_config
from fingan.errors import ConfigError, RequestError
from ray_jobs.population import members, perturbed, schedule_in, take_over
from ray_jobs.sweep import Dimension, SweepJob

SHIPPED = Path(__file__).parents[2] / "ray_jobs" / "configs" / "sweep.toml"
RATE = "adversarial.learning_rate"


@pytest.fixture(scope="module")
def job():
    return load_config(SweepJob, SHIPPED)


def test_the_shipped_sweep_begins_with_the_job_as_it_is(job):
    assert job.drawn(0) == {}
    assert job.configured({}) == job.train


def test_draws_are_a_function_of_seed_and_number_and_fit_the_space(job):
    drawn = [job.drawn(number) for number in range(1, 60)]
    assert drawn == [job.drawn(number) for number in range(1, 60)]
    other = job.model_copy(update={"seed": 1})
    assert [other.drawn(number) for number in range(1, 60)] != drawn
    low, high = job.space[RATE].bounds
    for values in drawn:
        assert values.keys() == job.space.keys()
        assert low <= values[RATE] <= high
        config = job.configured(values)
        assert config.adversarial.learning_rate == values[RATE]
        assert config.generator.width == values["generator.width"]
    halves = [values[RATE] < math.sqrt(low * high) for values in drawn]
    assert 15 < sum(halves) < 45  # even in logarithms
    assert {values["batch_size"] for values in drawn} == set(job.space["batch_size"].choices)


def test_whole_numbers_are_whole_and_reach_both_ends():
    dimension = Dimension(low=2, high=5, integer=True)
    drawn = {dimension.draw(random.Random(number)) for number in range(200)}
    assert drawn == {2, 3, 4, 5}
    assert all(type(value) is int for value in drawn)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('space={"adversarial.rate"={low=1.0,high=2.0}}', "adversarial.rate = 1.0 does not fit"),
        ('space={"seed"={choices=[1,2]}}', "must not hold 'seed'"),
        ('space={"selection.every"={choices=[1,2]}}', "must not hold 'selection.every'"),
        ('space={"batch_size"={choices=[]}}', "either 'choices' or 'low' and 'high'"),
        ('space={"batch_size"={low=1.0}}', "either 'choices' or 'low' and 'high'"),
        (f'space={{"{RATE}"={{low=2.0,high=1.0}}}}', "must rise, got 2 to 1"),
        (f'space={{"{RATE}"={{low=0.0,high=1.0,log=true}}}}', "must begin above 0, got 0"),
        (f'space={{"{RATE}"={{low=-1.0,high=1.0}}}}', "= -1.0 does not fit"),
        ("space={}", "'space'"),
        ("n_trials=0", "'n_trials' must be greater than 0"),
        ("searcher='grid'", "'searcher'"),
        ("reduction=1", "'reduction' must be greater than or equal to 2"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_in_words(setting, words):
    with pytest.raises(ConfigError) as refused:
        load_config(SweepJob, SHIPPED, [setting])
    assert words in str(refused.value)


def test_the_longest_trial_counts_the_checks(job):
    assert job.n_checks == job.train.steps // job.train.selection.every
    longer = {**job.space, "steps": Dimension(choices=(100, 1200))}
    assert job.model_copy(update={"space": longer}).n_checks == 1200 // job.train.selection.every


@pytest.fixture
def population(job):
    """The shipped sweep without what cannot change while networks train."""
    space = {key: one for key, one in job.space.items() if not key.startswith("generator.")}
    return job.model_copy(update={"space": space, "scheduler": "pbt"})


def test_a_move_stays_within_the_space_and_goes_both_ways(population):
    start = {RATE: 5e-4, "batch_size": 64}
    moved = [perturbed(start, population, random.Random(number)) for number in range(200)]
    low, high = population.space[RATE].bounds
    assert all(low <= values[RATE] <= high for values in moved)
    near = [values[RATE] for values in moved if values[RATE] in (4e-4, 6e-4)]
    assert set(near) == {4e-4, 6e-4}
    assert 100 < len(near) < 190  # the others are drawn anew
    assert {values["batch_size"] for values in moved} == {32, 64, 128}
    edge = [perturbed({RATE: high, "batch_size": 128}, population, random.Random(number))
            for number in range(50)]  # fmt: skip
    assert max(values[RATE] for values in edge) == high


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "rates and penalties of 'adversarial' or 'batch_size', got 'generator.width'"),
        ({"workers": 2}, "must have workers = 1 and searcher 'random', got 2 and 'random'"),
        ({"searcher": "optuna"}, "must have workers = 1 and searcher 'random', got 1 and 'optuna'"),
    ],
)
def test_a_population_trains_what_may_change_on_its_way(job, changes, words):
    document = job.model_dump(mode="json", exclude_none=True) | {"scheduler": "pbt"} | changes
    with pytest.raises(ValueError, match=words):
        SweepJob.model_validate(document)


def test_members_go_on_with_the_values_they_had(population, tmp_path):
    job = population.model_copy(update={"n_trials": 4})
    (tmp_path / "member-2").mkdir()
    schedule = [{"step": 0, "values": job.drawn(2)}, {"step": 50, "values": {RATE: 2e-4}}]
    (tmp_path / "member-2" / "schedule.json").write_text(json.dumps(schedule))
    assert members(job, [1], tmp_path) == [
        {"member": 2, "values": {RATE: 2e-4}},
        {"member": 3, "values": job.drawn(3)},
    ]


def test_what_is_taken_over_stands_in_the_place_of_ones_own(tmp_path):
    taken, own = tmp_path / "taken", tmp_path / "own"
    for directory, step, score in ((taken, 50, "better"), (own, 100, "worse")):
        directory.mkdir()
        (directory / f"step-{step:09d}.safetensors").write_text(score)
        (directory / "schedule.json").write_text(json.dumps([{"step": 0, "values": score}]))
    (own / "tensorboard").mkdir()
    take_over(taken, own)
    assert {path.name for path in own.iterdir()} == {
        "step-000000050.safetensors", "schedule.json", "tensorboard",
    }  # fmt: skip
    assert (own / "step-000000050.safetensors").read_text() == "better"
    assert schedule_in(own) == [{"step": 0, "values": "better"}]


def small(job, space, **given):
    document = job.model_dump(mode="json", exclude_none=True) | {"space": space} | given
    return SweepJob.model_validate(document)


def test_no_two_trials_are_alike_nor_like_the_job_itself(job):
    few = small(job, {"batch_size": {"choices": [32, 64, 128]}})
    assert few.train.batch_size == 64
    drawn = few.draws(3)
    assert drawn[0] == {}
    assert sorted(values["batch_size"] for values in drawn[1:]) == [32, 128]
    with pytest.raises(RequestError, match=r"at least 4 configurations .* but 3 were found"):
        few.draws(4)


def test_values_that_do_not_fit_together_are_not_drawn(job):
    space = {"window": {"choices": [32, 64]}, "critic.n_patches": {"choices": [1, 8]}}
    drawn = small(job, space).draws(4)  # (64, 4) is the job's own; (32, 8) does not fit
    assert {"window": 32, "critic.n_patches": 8} not in drawn
    with pytest.raises(RequestError, match="but 4 were found"):
        small(job, space).draws(5)


def test_a_batch_smaller_than_the_workers_is_no_part_of_a_space(job):
    with pytest.raises(ValueError, match="batch_size must be at least workers, 2, got 1"):
        small(job, {"batch_size": {"choices": [1, 64]}}, workers=2)


def test_a_trial_of_more_generators_may_live_as_long_as_it_needs(job):
    many = small(job, {"ensemble": {"choices": [1, 5]}})
    assert many.n_checks == 5 * job.n_checks

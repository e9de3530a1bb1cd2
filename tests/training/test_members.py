import torch

from fingan.models.generators import FilteredGenerator, GeneratorConfig
from fingan.models.market_filter import MarketFilter
from fingan.models.states import N_FEATURES
from fingan.training.members import Member, member_config, published_members

RANDOM = torch.Generator().manual_seed(1)
LAW = MarketFilter.fit(torch.randn(300, 1, generator=RANDOM, dtype=torch.float64))


def member(scores, best_step=0):
    return Member(
        generator=FilteredGenerator(GeneratorConfig(), LAW, N_FEATURES),
        n_steps=10,
        best_step=best_step,
        best_scores=scores,
        curve=[],
    )


def test_the_first_member_is_the_model_that_it_would_be_alone(make_config):
    assert member_config(make_config(ensemble=5, seed=3), 0) == make_config(ensemble=1, seed=3)


def test_members_of_all_seeds_have_seeds_of_their_own(make_config):
    seeds = {
        member_config(make_config(ensemble=5, seed=seed), number).seed
        for seed in range(20)
        for number in range(5)
    }
    assert len(seeds) == 100


def test_a_member_differs_from_the_ensemble_in_its_seed_alone(make_config):
    config = make_config(ensemble=5)
    own = member_config(config, 3)
    assert own.model_copy(update={"seed": config.seed, "ensemble": 5}) == config


def test_a_member_without_a_healthy_check_is_left_out():
    sound, collapsed = member({"validation_score": 1.0}), member({})
    assert published_members([collapsed, sound, collapsed]) == [sound]


def test_where_no_member_is_healthy_the_first_is_published_for_what_it_is():
    first, second = member({}), member({})
    (published,) = published_members([first, second])
    assert published is first


def test_generators_that_all_stay_at_the_start_are_one_model():
    first, second = member({"validation_score": 1.0}), member({"validation_score": 1.0})
    (published,) = published_members([first, second])
    assert published is first


def test_a_start_is_a_member_beside_a_network():
    members = [member({"validation_score": 1.0}), member({"validation_score": 0.9}, best_step=5)]
    assert published_members(members) == members

from typing import get_args

from benchmarks.family import MEMBERS, parse
from benchmarks.stored_models import configuration
from fingan.models.generators import Family
from fingan.training.config import TrainConfig
from fingan.training.objectives import ObjectiveName


def configured(name):
    return configuration(parse([]), 0, MEMBERS[name])


def test_the_first_member_is_the_default():
    assert configured("default") == TrainConfig()


def test_every_member_is_another_configuration():
    found = [configured(name).model_dump_json() for name in MEMBERS]
    assert len(set(found)) == len(MEMBERS)


def test_every_family_and_every_objective_stands_in_the_table():
    configs = [configured(name) for name in MEMBERS]
    assert {config.generator.family for config in configs} == set(get_args(Family))
    assert {config.adversarial.objective for config in configs} == set(get_args(ObjectiveName))
    assert any(config.adversarial.feature_matching for config in configs)
    assert any(config.grow for config in configs)


def test_a_quick_look_is_at_an_earlier_span_with_one_generator():
    options = parse(["--quick", "--family", "mlp,tcn"])
    assert (options.members, options.steps) == (1, 20)
    assert options.until < options.start < "2015"
    assert options.family == ["mlp", "tcn"]

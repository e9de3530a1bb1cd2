import pytest

from fingan.config import load_config
from fingan.errors import ConfigError
from fingan.training.config import TrainConfig


def test_the_defaults_are_a_valid_configuration():
    config = TrainConfig()
    assert TrainConfig.model_validate(config.model_dump(mode="json")) == config


def test_a_window_that_the_critic_cannot_read_is_refused_before_training():
    with pytest.raises(ConfigError, match=r"window must hold the 32 steps .*, got 16"):
        load_config(TrainConfig, overrides=["window=16", "critic.patch=8", "critic.n_patches=4"])


@pytest.mark.parametrize("setting", ["steps=0", "batch_size=-1", "selection.share=0.5", "seed=-1"])
def test_a_value_out_of_range_is_named(setting):
    name = setting.partition("=")[0]
    with pytest.raises(ConfigError, match=f"'{name}' must be"):
        load_config(TrainConfig, overrides=[setting])


@pytest.mark.parametrize("grow", ["[32,16]", "[16,16]", "[16,64]"])
def test_windows_that_do_not_grow_are_refused(grow):
    with pytest.raises(ConfigError, match="grow must rise and stay below the window of 64"):
        load_config(TrainConfig, overrides=[f"grow={grow}"])


@pytest.mark.parametrize("setting", ["generator.family", "adversarial.objective"])
def test_a_word_that_is_no_member_of_the_family_is_refused(setting):
    with pytest.raises(ConfigError, match=f"'{setting}' must be"):
        load_config(TrainConfig, overrides=[f"{setting}=transformer"])

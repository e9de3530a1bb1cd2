from pathlib import Path

import pytest
from pydantic import ValidationError

from fingan.config import load_config
from fingan.errors import ConfigError
from fingan.screening.specification import Figure, ScreenSpec

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "screen.toml"


def test_the_example_of_the_docs_is_a_screen():
    spec = load_config(ScreenSpec, EXAMPLE)
    assert spec.drift_policy == "neutral"
    assert ScreenSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_a_metric_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(ConfigError, match=r"'rank_by.metric' must be 'p_gt'.*got 'p_g'"):
        load_config(ScreenSpec, None, ["rank_by.metric=p_g"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metric": "es", "hurdle": 0.1}, "es has no parameter 'hurdle'; it takes level"),
        ({"metric": "skew", "x": 0.1}, "skew has no parameter 'x'; it takes none"),
        ({"metric": "p_drawdown_gt", "x": -0.1}, "must be above 0"),
        ({"metric": "p_touch", "x": 0.0}, "must not be 0"),
    ],
)
def test_a_parameter_of_another_metric_is_refused_and_not_dropped(given, message):
    with pytest.raises(ValidationError, match=message):
        Figure.model_validate(given)


def test_views_and_their_policy_come_together():
    with pytest.raises(ValidationError, match="must be given together"):
        ScreenSpec.model_validate({"views": ["mean AAPL=0.1"]})
    with pytest.raises(ValidationError, match="must be given together"):
        ScreenSpec.model_validate({"drift_policy": "views"})


def test_date_seed_and_size_make_no_other_screen_but_a_threshold_does():
    plain = ScreenSpec()
    same = ScreenSpec(as_of="2020-03-16", seed=5, n_scenarios=1_000, criterion="article")
    other = plain.model_copy(update={"criteria": plain.criteria[:1]})
    assert plain.digest() == same.digest()
    assert plain.digest() != other.digest()


def test_a_stop_ranks_low_first_and_a_target_high_first():
    stop, target = (Figure(metric="p_touch", x=x) for x in (-0.1, 0.1))
    assert stop.less_is_better
    assert not target.less_is_better

import math

import pandas as pd
import pytest
import torch

from fingan.assessment.figures import label, numbers
from fingan.assessment.figures_of_backtest import exceedances, probability_integral_transform
from fingan.assessment.figures_of_fidelity import (
    correlation_map,
    direction_variances,
    lag_curves,
    quantile_quantile,
    survival,
)
from fingan.assessment.figures_of_scenarios import fan, nearest_windows
from fingan.assessment.figures_of_training import (
    price_history,
    training_losses,
    validation_scores,
)


def draws(*shape, seed=3):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def trace(figure, name):
    (found,) = [entry for entry in figure.data if (entry.name or "").startswith(name)]
    return found


def test_numbers_are_short_and_what_is_none_is_null():
    assert numbers([1.23456789, float("nan"), float("inf"), 0.0]) == [1.235, None, None, 0.0]


def test_names_lose_their_power_as_html():
    assert (
        label('<a href="javascript:alert(1)">') == "&lt;a href=&quot;javascript:alert(1)&quot;&gt;"
    )


def test_quantiles_of_the_same_law_lie_on_the_diagonal():
    figure = quantile_quantile(draws(2_000), {"model": draws(2_000, 60, seed=4)})
    (dots,) = [entry for entry in figure.data if entry.mode == "markers"]
    gaps = [abs(x - y) for x, y in zip(dots.x, dots.y, strict=True) if abs(x) < 150]
    assert len(gaps) > 50
    assert max(gaps) < 15  # per cent of a standard deviation


def test_too_narrow_a_generator_bends_the_quantiles_away():
    figure = quantile_quantile(draws(2_000), {"model": draws(2_000, 60, seed=4) / 2})
    (dots,) = [entry for entry in figure.data if entry.mode == "markers"]
    ratios = [y / x for x, y in zip(dots.x, dots.y, strict=True) if abs(x) > 50]
    assert min(ratios) > 1.5


def test_the_slope_in_the_legend_is_that_of_the_power_law():
    uniform = torch.rand(20_000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    pareto = uniform.pow(-1 / 3)
    figure = survival(pareto, {"model": pareto.unsqueeze(1)})
    slope = float(trace(figure, "market")["name"].removeprefix("market, slope "))
    assert slope == pytest.approx(3, abs=0.25)


def test_survival_shares_fall_and_stay_within_the_largest_fifth():
    dots = trace(survival(draws(1_000), {"model": draws(1_000, 20, seed=5)}), "market")
    assert list(dots.y) == sorted(dots.y)
    assert max(dots.y) <= 20
    assert min(dots.x) > 0


def test_a_curve_by_lag_starts_at_lag_one():
    figure = lag_curves(torch.tensor([0.5, 0.25]), {"model": draws(30, 2)}, "ACF")
    market = trace(figure, "market")
    assert (list(market.x), list(market.y)) == ([1, 2], [0.5, 0.25])


def test_a_correlation_map_reads_from_top_left():
    matrix = torch.tensor([[1.0, 0.25], [0.25, 1.0]], dtype=torch.float64)
    figure = correlation_map(matrix, ("2330", "<X>"))
    assert [list(row) for row in figure.data[0].z] == [[1.0, 0.25], [0.25, 1.0]]
    assert figure.layout.yaxis.autorange == "reversed"
    assert list(figure.layout.xaxis.ticktext) == ["2330", "&lt;X&gt;"]


def test_direction_variances_show_the_models_own_histories():
    ratios = {"model": torch.tensor([2.0, 1.0]), "fhs-gjr": torch.tensor([1.5, 1.0])}
    figure = direction_variances(ratios, torch.full((9, 2), 1.1))
    assert list(trace(figure, "fhs-gjr")["y"]) == [1.5, 1.0]
    assert {round(y, 4) for y in figure.data[0].y} == {1.1}


def test_the_fan_starts_where_history_ends_and_holds_the_median():
    paths = torch.linspace(-1, 1, 201, dtype=torch.float64)[:, None].expand(201, 3)
    figure = fan(
        torch.tensor([5.0, 7.0]).double(), paths, torch.tensor([1.0, 2.0, 3.0]).double(), "x"
    )
    assert list(trace(figure, "median")["y"]) == pytest.approx([7.0, 0.0, 0.0, 0.0], abs=1e-9)
    assert list(trace(figure, "what happened")["y"]) == [7.0, 1.0, 2.0, 3.0]
    assert list(trace(figure, "before")["x"]) == [-1, 0]


def test_nearest_windows_start_together():
    figure = nearest_windows(draws(3), draws(2, 3), ("2000-01-03", "2008-10-01"), "%")
    assert len(figure.data) == 3
    assert all(entry.y[0] == 0 for entry in figure.data)
    assert figure.data[-1].name == "scenario"


def test_crosses_mark_the_days_on_which_the_models_var_was_exceeded():
    losses = torch.tensor([0.01, 0.03, -0.02, 0.05]).double()
    dates = ("2020-01-01", "2020-01-02", "2020-01-03", "2020-01-06")
    limit = {"model": torch.full((4,), 0.025).double(), "other": torch.full((4,), 0.001).double()}
    figure = exceedances(dates, losses, limit)
    crosses = trace(figure, "exceedance")
    assert list(crosses.x) == ["2020-01-02", "2020-01-06"]
    assert list(crosses.y) == [3.0, 5.0]


def test_the_transform_of_a_right_model_is_flat_at_one():
    figure = probability_integral_transform(torch.full((20,), 50))
    assert set(figure.data[0].y) == {1.0}
    heights = sorted(shape.y0 for shape in figure.layout.shapes)
    assert heights[0] == pytest.approx(1 - 1.96 * math.sqrt(0.95 / 50))


def test_history_marks_the_end_of_training_only_where_days_follow():
    dates, levels = pd.bdate_range("2020-01-01", periods=9), torch.linspace(1, 2, 9).double()
    marked = price_history(dates, levels, dates[4], "value")
    assert marked.layout.shapes[0].x0 == f"{dates[4]:%Y-%m-%d}"
    assert not price_history(dates, levels, dates[-1], "value").layout.shapes


def test_training_curves_skip_the_check_before_the_first_step():
    curve = [
        {"step": 0.0, "validation_score": 2.0},
        {"step": 20.0, "validation_score": 1.9, "critic_loss": 0.6, "generator_loss": 0.7},
    ]
    assert list(trace(training_losses([curve]), "critic")["x"]) == [20.0]
    scores = validation_scores([curve], [20])
    assert list(scores.data[0].y) == [2.0, 1.9]
    assert "20" in scores.layout.annotations[0].text


def test_each_generator_has_its_curve_and_its_chosen_step():
    curves = [
        [{"step": float(step), "validation_score": score} for step, score in enumerate(scores)]
        for scores in ((3.0, 1.0, 2.0), (3.0, 2.5, 0.5))
    ]
    figure = validation_scores(curves, [1, 2])
    assert [list(drawn.y) for drawn in figure.data[:2]] == [[3.0, 1.0, 2.0], [3.0, 2.5, 0.5]]
    chosen = trace(figure, "chosen")
    assert (list(chosen["x"]), list(chosen["y"])) == ([1.0, 2.0], [1.0, 0.5])

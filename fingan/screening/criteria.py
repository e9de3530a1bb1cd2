"""The figures of a screen: functionals of candidates' paths with their influence functions.

They are of net simple returns over the horizon; nothing is annualised.
"""

from jaxtyping import Float
from torch import Tensor

from fingan.risk import influences
from fingan.risk.estimates import Measured, difference, ratio
from fingan.screening.candidates import CandidatePaths
from fingan.screening.specification import Figure

TAIL = 0.05  # of the tail ratio


def measured(figure: Figure, paths: CandidatePaths) -> Measured:
    """A figure of every candidate.

    - ``p_gt``, ``p_gt_benchmark``: probability of a net return above the hurdle, the benchmark.
    - ``mean_excess``: mean net return less the benchmark's.
    - ``es``: expected shortfall of the loss.
    - ``omega``: mean gain above the hurdle over mean shortfall below it.
    - ``sharpe``, ``sortino``: mean over the standard deviation; less the hurdle, over the root of
      the second lower partial moment.
    - ``calmar``: mean over the mean of the paths' deepest drawdowns.
    - ``p_drawdown_gt``: probability of a drawdown deeper than x at any step.
    - ``p_touch``: probability that the return reaches x after any step.
    - ``tail_ratio``: 95 % quantile over the negative of the 5 % quantile.
    - ``skew``: skewness.

    Source: Keating & Shadwick (2002), A universal performance measure, for omega; Sharpe (1994),
        The Sharpe ratio; Sortino & van der Meer (1991), Downside risk; Young (1991), Calmar ratio,
        of each path's own drawdown where he has one history's.
    """
    net, weights = paths.net, paths.weights
    match figure.metric:
        case "p_gt":
            return influences.probability(net > figure.parameter("hurdle"), weights)
        case "p_gt_benchmark":
            return influences.probability(net > paths.benchmark.unsqueeze(1), weights)
        case "mean_excess":
            return influences.mean(net - paths.benchmark.unsqueeze(1), weights)
        case "es":
            return influences.expected_shortfall(-net, figure.parameter("level"), weights)
        case "omega":
            apart = net - figure.parameter("hurdle")
            gain = influences.mean(apart.clamp(min=0), weights)
            return ratio(gain, influences.mean((-apart).clamp(min=0), weights))
        case "sharpe":
            return ratio(influences.mean(net, weights), influences.volatility(net, weights))
        case "sortino":
            hurdle = figure.parameter("hurdle")
            short = influences.lower_partial_moment(net, hurdle, 2, weights)
            return ratio(influences.mean(net - hurdle, weights), _root(short))
        case "calmar":
            deepest = influences.mean(paths.max_drawdown, weights)
            return ratio(influences.mean(net, weights), deepest)
        case "p_drawdown_gt":
            return influences.probability(paths.max_drawdown > figure.parameter("x"), weights)
        case "p_touch":
            x = figure.parameter("x")
            touched = paths.highest >= x if x > 0 else paths.lowest <= x
            return influences.probability(touched, weights)
        case "tail_ratio":
            upper = influences.quantile(net, 1 - TAIL, weights)
            return ratio(upper, _negative(influences.quantile(net, TAIL, weights)))
        case "skew":
            return influences.skewness(net, weights)


def better(figure: Figure, values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The same values with the best one largest."""
    return -values if figure.less_is_better else values


def apart(one: Measured, first: int, second: int) -> Measured:
    """A candidate's figure less another's: on the same paths, so their errors are paired."""
    return difference(
        Measured(one.value[first], one.influence[:, first]),
        Measured(one.value[second], one.influence[:, second]),
    )


def _root(square: Measured) -> Measured:
    value = square.value.sqrt()
    return Measured(value, square.influence / (2 * value))


def _negative(one: Measured) -> Measured:
    return Measured(-one.value, -one.influence)

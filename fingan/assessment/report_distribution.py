"""Section of a report on the law of returns: quantiles by day and by month, and the tails."""

from jaxtyping import Float, Float64
from torch import Tensor

from fingan.assessment.figures_of_fidelity import quantile_quantile, survival
from fingan.assessment.report_document import Picture, Section
from fingan.assessment.report_draws import MAX_VIEWS, MIN_DAYS, Draws, Weights, series

MONTH = 20  # days


def distribution_section(draws: Draws, weights: Weights | None) -> Section:
    """Quantiles and tails, asset by asset."""
    section = Section("distribution", "Distribution and tails")
    section.text.append(_basis(draws))
    qq, losses, gains = {}, {}, {}
    for name, real, drawn in series(draws, weights):
        seen = real.isfinite()
        if int(seen.sum()) < MIN_DAYS:
            continue
        kept = {sampler: cube[seen] for sampler, cube in drawn.items()}
        qq[name] = quantile_quantile(real[seen], kept)
        mirrored = {sampler: -cube for sampler, cube in kept.items()}
        losses[name] = survival(-real[seen], mirrored)
        gains[name] = survival(real[seen], kept, "gain")
    if not qq:
        section.not_applicable = f"no asset has {MIN_DAYS} days"
        return section
    section.pictures += [
        Picture(
            "qq",
            "Quantiles of daily returns",
            qq,
            "Each dot is one order statistic: the market's against the median one of the"
            " generator's histories of as many days. On the dotted line both are equal; outside"
            " the band, which holds 90 % of the model's histories, the market is unlike them.",
            "half",
        ),
        *_month_picture(draws, weights),
        Picture(
            "tail-losses",
            "Tail of losses",
            losses,
            "Both axes logarithmic; the band holds 90 % of the model's histories. Slope: Hill's"
            " index over the largest twentieth of the days; the smaller, the heavier the tail.",
            "half",
        ),
        Picture("tail-gains", "Tail of gains", gains, "As for losses.", "half"),
    ]
    return section


def _month_picture(draws: Draws, weights: Weights | None) -> list[Picture]:
    """Quantiles of returns over a month, from paths that run freely."""
    views = {}
    for name, real, drawn in series(draws, weights, long=True):
        if len(real) < 2 * MIN_DAYS or real.isnan().any():
            continue
        sums = {sampler: _sums(path.T) for sampler, path in drawn.items()}
        views[name] = quantile_quantile(_sums(real.unsqueeze(1)).squeeze(1), sums)
    caption = (
        "Sums over every stretch of the span, and of free paths from its first day. Stretches"
        " overlap; the band is made of stretches that overlap as much."
    )
    title = f"Quantiles of {MONTH}-day returns"
    return [Picture("qq-month", title, views, caption, "half")] if views else []


def _sums(daily: Float[Tensor, "n_days n_paths"]) -> Float64[Tensor, "n_sums n_paths"]:
    return daily.double().unfold(0, MONTH, 1).sum(-1)


def _basis(draws: Draws) -> str:
    n_paths = next(iter(draws.steps.values())).shape[1]
    shown = (
        f" The first {MAX_VIEWS} of {len(draws.assets):,} assets are shown."
        if len(draws.assets) > MAX_VIEWS
        else ""
    )
    return (
        f"{len(draws.dates):,} days, {draws.dates[0]:%Y-%m-%d} to {draws.dates[-1]:%Y-%m-%d};"
        f" {n_paths} draws for each day, given the rows before it.{shown}"
    )

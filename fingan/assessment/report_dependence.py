"""Section of a report on dependence: correlation, calm and stressed, and its directions."""

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from fingan.assessment.figures_of_fidelity import correlation_map, direction_variances
from fingan.assessment.report_document import Picture, Section
from fingan.assessment.report_draws import MIN_DAYS, Draws
from fingan.metrics.dependence import eigen_variance_ratios

MAX_MAPPED = 60  # assets of a correlation map
N_HISTORIES = 40  # of the band along directions


def dependence_section(draws: Draws) -> Section:
    """Correlation on calm and on stressed days, and the variance along its directions."""
    section = Section("dependence", "Dependence")
    if len(draws.assets) < 2:
        section.not_applicable = "the model has one asset"
        return section
    joint = ~draws.real.isnan().any(1)
    stressed, calm = joint & draws.is_stressed, joint & ~draws.is_stressed
    if min(int(stressed.sum()), int(calm.sum())) < max(MIN_DAYS // 2, len(draws.assets)):
        section.not_applicable = "too few days on which every asset was observed"
        return section
    model = next(iter(draws.steps))
    section.text.append(
        "Stressed days are the fifth of the days that followed the most volatile three weeks,"
        " known beforehand; calm days are the others. The model's forecasts for the very same"
        " days are pooled." + (f" {_mapped_note(draws)}" if len(draws.assets) > MAX_MAPPED else "")
    )
    names = draws.assets[:MAX_MAPPED]
    for word, days in (("calm", calm), ("stressed", stressed)):
        real = _correlation(draws.real[days][:, : len(names)])
        drawn = _correlation(draws.steps[model][days][..., : len(names)].flatten(0, 1).double())
        gap = drawn - real
        limit = max(0.2, float(gap.abs().max()))
        off = gap[~torch.eye(len(names), dtype=torch.bool)]
        note = (
            f"{int(days.sum()):,} days. Mean absolute difference {off.abs().mean():.3f},"
            f" mean difference {off.mean():+.3f}."
        )
        section.pictures += [
            Picture(
                f"correlation-{word}-real",
                f"Market, {word}",
                {"": correlation_map(real, names)},
                "",
                "third",
            ),
            Picture(
                f"correlation-{word}-model",
                f"Model, {word}",
                {"": correlation_map(drawn, names)},
                "",
                "third",
            ),
            Picture(
                f"correlation-{word}-difference",
                f"Model less market, {word}",
                {"": correlation_map(gap, names, limit)},
                note,
                "third",
            ),
        ]
    section.pictures.append(_directions(draws, joint))
    return section


def _directions(draws: Draws, joint: Bool[Tensor, " n_days"]) -> Picture:
    """Variance along eigenvectors of the market, and of the model's histories in its place."""
    pooled = {name: c[joint].flatten(0, 1).double() for name, c in draws.steps.items()}
    ratios = {name: eigen_variance_ratios(draws.real[joint], p) for name, p in pooled.items()}
    model = next(iter(draws.steps))
    histories = draws.steps[model][joint].unbind(1)[:N_HISTORIES]
    own = [eigen_variance_ratios(one.double(), pooled[model]) for one in histories]
    return Picture(
        "directions",
        "Variance along the market's own directions",
        {"": direction_variances(ratios, torch.stack(own))},
        "Eigenvectors of the market's correlation, from the one that moves least (spreads and"
        " hedges) to the one that moves most (the whole market). 1 is right. The band is the model"
        " against histories of its own, as long as the market's: the quietest directions of any"
        " sample look too quiet. Below the band, hedged portfolios seem safer than they are.",
    )


def _mapped_note(draws: Draws) -> str:
    return f"The first {MAX_MAPPED} of {len(draws.assets):,} assets are mapped."


def _correlation(
    returns: Float[Tensor, "n n_assets"],
) -> Float64[Tensor, "n_assets n_assets"]:
    return returns.double().T.corrcoef()

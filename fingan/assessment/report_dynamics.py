"""Section of a report on dynamics: autocorrelation of returns and of their size, leverage."""

from fingan.assessment.figures_of_fidelity import lag_curves
from fingan.assessment.report_document import Picture, Section
from fingan.assessment.report_draws import MIN_DAYS, Draws, Weights, series
from fingan.metrics.stylised_facts import autocorrelation, leverage_effect

N_LAGS, N_LEVERAGE_LAGS = 100, 50


def dynamics_section(draws: Draws, weights: Weights | None) -> Section:
    """Autocorrelation of returns and of their size, and the leverage effect."""
    section = Section("dynamics", "Dynamics")
    n_days = len(draws.dates)
    if n_days < 2 * MIN_DAYS:
        section.not_applicable = f"needs {2 * MIN_DAYS} days, the span has {n_days}"
        return section
    section.text.append(
        f"Free-running paths of {n_days:,} days from {draws.dates[0]:%Y-%m-%d}, compared with the"
        " one path that happened. The band holds 90 % of the model's paths: one history of this"
        " length, the market's too, wanders as much."
    )
    lags, leverage_lags = min(N_LAGS, n_days // 4), min(N_LEVERAGE_LAGS, n_days // 4)
    plain, size, leverage = {}, {}, {}
    for name, real, drawn in series(draws, weights, long=True):
        if real.isnan().any():
            continue
        paths = {sampler: path.double() for sampler, path in drawn.items()}
        plain[name] = lag_curves(
            autocorrelation(real, lags),
            {sampler: autocorrelation(path, lags) for sampler, path in paths.items()},
            "autocorrelation of r",
        )
        size[name] = lag_curves(
            autocorrelation(real.abs(), lags),
            {sampler: autocorrelation(path.abs(), lags) for sampler, path in paths.items()},
            "autocorrelation of |r|",
        )
        leverage[name] = lag_curves(
            leverage_effect(real, leverage_lags),
            {sampler: leverage_effect(path, leverage_lags) for sampler, path in paths.items()},
            "leverage effect",
        )
    if not plain:
        section.not_applicable = "no asset was observed on every day of the span"
        return section
    section.pictures += [
        Picture("acf", "Autocorrelation of r", plain, "", "half"),
        Picture(
            "acf-absolute",
            "Autocorrelation of |r|",
            size,
            "Volatility clusters: the market's curve falls slowly.",
            "half",
        ),
        Picture(
            "leverage",
            "Leverage effect",
            leverage,
            "How a return today goes with squared returns later: below zero, losses are followed"
            " by larger moves than gains are.",
        ),
    ]
    return section

"""Sections of a report on the backtest: exceedances, tests, scores, probability transform."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from fingan.assessment.figures_of_backtest import exceedances, probability_integral_transform
from fingan.assessment.report_document import Column, Picture, Section, Table

Record = Mapping[str, Any]

TESTS = {
    "kupiec": "Kupiec",
    "christoffersen_independence": "independence",
    "conditional_coverage": "conditional coverage",
    "dq": "DQ",
    "acerbi_szekely_z2": "Acerbi-Szekely Z2",
}
SHORT = {
    "kupiec": "Kupiec",
    "christoffersen_independence": "indep.",
    "conditional_coverage": "cond. cov.",
    "dq": "DQ",
    "acerbi_szekely_z2": "Z2",
}
NOTE = (
    "p-values adjusted by Holm over the family; ✗ rejected at 5 %. indep., cond. cov.:"
    " Christoffersen; Z2: Acerbi-Szekely; DM: Diebold-Mariano of FZ0 against the reference,"
    " negative is better; MCS: model confidence set of FZ0."
)


def backtest_section(backtest: Record) -> Section:
    """Value at risk and expected shortfall of every day against what happened."""
    section = Section("backtest", "Backtest")
    span, portfolio = backtest["span"], backtest["portfolio"]
    section.text += [
        f"{backtest['horizon']}-day value at risk (VaR) and expected shortfall (ES) of a portfolio"
        f" of {_assets(portfolio)}, {span['first']} to {span['last']},"
        f" {span['n_days']:,} days, {backtest['n_paths']:,} paths a day, seed {backtest['seed']}."
        " Every forecast knows the rows before its day alone."
        f" Baselines are refitted every {backtest['refit']} days on the"
        f" {backtest['window']:,} days before; the model is not refitted.",
        "Coverage alone proves little: read the power first. It is the chance that Kupiec's test"
        " rejects a model with twice the allowed exceedances. p-values are adjusted for the family"
        " of tests (Holm). FZ0 scores VaR and ES jointly, lower is better.",
    ]
    rows, levels = backtest["rows"], list(dict.fromkeys(row["level"] for row in backtest["rows"]))
    tests = [name for name in TESTS if any(name in row["tests"] for row in rows)]
    tests += [n for n in dict.fromkeys(n for row in rows for n in row["tests"]) if n not in TESTS]
    lines: list[list[Any]] = []
    for level in levels:
        found = [_line(row, tests) for row in rows if row["level"] == level]
        lines += [[_heading(level, rows)], *found]
    section.tables.append(Table("", _columns(tests), lines, NOTE))
    section.add_notes(backtest.get("notes", []))
    section.pictures += _pictures(backtest)
    return section


def _heading(level: float, rows: Sequence[Record]) -> str:
    """A level, with what does not differ between samplers."""
    row = next(row for row in rows if row["level"] == level)
    power = row.get("power_2x")
    heard = "" if power is None else f", power {100 * power:.3g} %"
    return (
        f"VaR and ES at {100 * level:g} %: {row['expected']:.1f} losses above VaR expected on"
        f" {row['n_days']:,} days{heard}"
    )


def _assets(portfolio: Record) -> str:
    n_held = sum(weight != 0 for weight in portfolio["weights"])
    return "one asset" if n_held == 1 else f"{n_held:,} assets"


def _columns(tests: list[str]) -> list[Column]:
    return [
        Column("sampler"),
        Column("losses above VaR", "count"),
        *(Column(f"{SHORT.get(name, name.replace('_', ' '))} p", "test") for name in tests),
        Column("traffic light", "text", "the supervisor's zone of the last 250 days"),
        Column("FZ0", "estimate", "joint score of VaR and ES, lower is better"),
        Column("DM t", "t", "Diebold-Mariano statistic of FZ0 against fhs-gjr; negative: better"),
        Column("DM p", "p_value"),
        Column("in MCS", "text", "whether the model confidence set of FZ0 holds it"),
    ]


def _line(row: Record, tests: list[str]) -> list[Any]:
    held = row.get("in_mcs")
    return [
        row["sampler"],
        row["violations"],
        *(row["tests"].get(name) for name in tests),
        row.get("traffic_light"),
        {"estimate": row.get("fz0"), "standard_error": row.get("fz0_se"), "note": None},
        row.get("dm_t"),
        row.get("dm_p"),
        None if held is None else ("yes" if held else "no"),
    ]


def _pictures(backtest: Record) -> list[Picture]:
    names = list(backtest["series"])
    shown = [names[0], *(["fhs-gjr"] if "fhs-gjr" in names[1:] else names[1:2])]
    losses = torch.tensor(backtest["losses"], dtype=torch.float64)
    views = {}
    for level in reversed(backtest["series"][names[0]]):
        forecast = {
            name: torch.tensor(
                backtest["series"][name][level]["value_at_risk"], dtype=torch.float64
            )
            for name in shown
        }
        views[f"VaR {100 * float(level):g} %"] = exceedances(backtest["dates"], losses, forecast)
    pit = {
        name: probability_integral_transform(torch.tensor(entry["counts"]))
        for name, entry in backtest.get("pit", {}).items()
        if entry and sum(entry["counts"])
    }
    pictures = [
        Picture(
            "exceedances",
            "Losses and value at risk",
            views,
            "Crosses: days on which the loss exceeded the model's value at risk. They should be"
            " as many as the level says, and not come in clusters. Large gains are cut off.",
        )
    ]
    if pit:
        uniform = ", ".join(
            f"{name} {'< 0.001' if entry['p'] < 0.001 else format(entry['p'], '.3f')}"
            for name, entry in backtest["pit"].items()
            if entry and entry.get("p") is not None
        )
        caption = "Flat where every forecast probability was right; the dotted lines hold 95 % of"
        caption += " the bins of a right model. Too many at the ends: tails too thin."
        pictures.append(
            Picture(
                "pit",
                "Probability integral transform",
                pit,
                caption + (f" p-values of Berkowitz's test: {uniform}." if uniform else ""),
            )
        )
    return pictures

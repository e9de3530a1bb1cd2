"""Section of a report with the table of the evaluation: the model beside baselines and floor."""

from collections.abc import Mapping
from typing import Any

from fingan.assessment.report_document import Column, Section, Table

Record = Mapping[str, Any]

NOTE = (
    "± standard error; t: difference from the reference over its error. ↓ lower is better, ↑ higher"
    " is better; bold: the best estimate, which need not be better by more than chance."
)


def fidelity_section(evaluation: Record) -> Section:
    """The table of the evaluation: metrics down, samplers across, floor and real at the end."""
    section = Section("fidelity", "Fidelity beside baselines")
    rows, span = evaluation["rows"], evaluation["span"]
    section.text.append(
        f"Scored on {span['n_days']:,} days, {span['first']} to {span['last']}, with"
        f" {evaluation['n_paths']:,} paths; seed {evaluation['seed']}. The sampling floor is what"
        f" a known process ({_floor(evaluation).get('process', 'none')}) scores against one path"
        " of its own: below it nothing can be told apart with this many days."
    )
    if evaluation["in_sample"]:
        section.text.insert(0, "In-sample: the model was trained on these days. Not a test.")
    columns = [Column("metric")]
    columns += [Column(_titled(row), "estimate") for row in rows]
    columns += [Column("sampling floor", "text"), Column("real against real", "number")]
    known = [metric for metric in evaluation["metrics"] if not _reasons(metric, evaluation)]
    groups = dict.fromkeys(metric["group"] for metric in known)
    lines: list[list[Any]] = []
    for group in groups:
        metrics = [metric for metric in known if metric["group"] == group]
        lines += [[group], *(_metric_line(metric, evaluation) for metric in metrics)]
    section.tables.append(Table("", columns, lines, NOTE))
    absent = [
        f"{_capital(metric['title'])}: {'; '.join(reasons)}"
        for metric in evaluation["metrics"]
        if (reasons := _reasons(metric, evaluation))
    ]
    section.add_notes([*evaluation.get("notes", []), *absent])
    return section


def _reasons(metric: Record, evaluation: Record) -> list[str]:
    """Why no sampler has a number; nothing where one has."""
    values = [row["values"].get(metric["name"]) or {} for row in evaluation["rows"]]
    if any(value.get("estimate") is not None for value in values):
        return []
    return list(dict.fromkeys(value.get("note") or "not applicable" for value in values))


def _floor(evaluation: Record) -> Record:
    return evaluation.get("floor") or {}


def _titled(row: Record) -> str:
    return f"{row['sampler']} (in-sample)" if row.get("in_sample") else str(row["sampler"])


def _metric_line(metric: Record, evaluation: Record) -> list[Any]:
    name = metric["name"]
    values = [row["values"].get(name) for row in evaluation["rows"]]
    known = [value["estimate"] for value in values if value and value["estimate"] is not None]
    best = {"lower": min, "higher": max}.get(metric["better"])
    champion = best(known) if best and len(known) > 1 else None
    cells = [
        None if value is None else {**value, "best": value["estimate"] == champion is not None}
        for value in values
    ]
    floor = _floor(evaluation).get("values", {}).get(name)
    real = (evaluation.get("real_against_real") or {}).get("values", {}).get(name)
    spread = None if not floor else f"{floor['p10']:.3g} to {floor['p90']:.3g}"
    arrow = {"lower": " ↓", "higher": " ↑"}.get(metric["better"], "")
    unit = f", {metric['unit']}" if metric.get("unit") else ""
    return [f"{_capital(metric['title'])}{unit}{arrow}", *cells, spread, real]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

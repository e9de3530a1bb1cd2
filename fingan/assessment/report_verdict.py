"""The verdict of a report in plain words: what passed, what failed, where the model loses.

Every sentence is derived from a record; none is written by hand, and none says more than its
numbers: a difference within its error is called none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fingan.assessment.report_backtest import TESTS
from fingan.assessment.report_document import Outcome, Statement

Record = Mapping[str, Any]

FAILED, ANSWERED = ("failed",), ("failed", "passed")
NOTABLE = 1.96  # absolute t of a difference that chance makes in one of twenty


def gate_statements(gates: Record) -> list[Statement]:
    """One sentence per gate of a card."""
    results = gates.get("results")
    if results is None:
        failed = [Statement("failed", f"Gate: {name}") for name in gates.get("failed", [])]
        return failed + [Statement("passed", f"Gate: {name}") for name in gates.get("passed", [])]
    outcomes: dict[bool | None, Outcome] = {True: "passed", False: "failed", None: "open"}
    return [
        Statement(outcomes[gate["passed"]], f"Gate {_words(gate['name'])}: {_answer(gate)}")
        for gate in results
    ]


def _answer(gate: Record) -> str:
    if gate["passed"] is None:
        return f"not applicable, {gate['note']}"
    found = "no value" if gate["value"] is None else f"{gate['value']:.4g}"
    return f"{found}, asked for {gate['threshold']}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def fidelity_statements(evaluation: Record) -> list[Statement]:
    """Scores beside the reference, and distances beside the sampling floor."""
    ours = evaluation["rows"][0]["values"]
    titles = {metric["name"]: metric for metric in evaluation["metrics"]}
    statements = [
        _score_statement(titles[name], value, evaluation["reference"])
        for name, value in ours.items()
        if value and value.get("t") is not None
    ]
    return statements + list(_rank_statements(evaluation)) + list(_floor_statements(evaluation))


def _score_statement(metric: Record, value: Record, reference: str) -> Statement:
    sign = -1 if metric["better"] == "higher" else 1
    worse = sign * value["t"]
    title = _capital(metric["title"])
    numbers = (
        f"{value['estimate']:.4g}, difference {value['difference']:+.2g}, t = {value['t']:+.1f}"
    )
    if worse > NOTABLE:
        return Statement("loses", f"{title}: worse than {reference} ({numbers})")
    if worse < -NOTABLE:
        return Statement("wins", f"{title}: better than {reference} ({numbers})")
    return Statement(
        "open", f"{title}: no difference from {reference} beyond the error ({numbers})"
    )


def _rank_statements(evaluation: Record) -> Iterator[Statement]:
    """Metrics without an error of their own on which a baseline is clearly nearer to the market.

    Clearly: by more than the standard deviation of the sampling floor, where there is one.
    """
    ours, *others = evaluation["rows"]
    for metric in evaluation["metrics"]:
        name, value = metric["name"], ours["values"].get(metric["name"])
        if metric["group"] == "copies" or not value or value["estimate"] is None:
            continue
        if value.get("t") is not None or _within_floor(evaluation, name, value["estimate"]):
            continue
        sign = -1 if metric["better"] == "higher" else 1
        margin = (_floor(evaluation).get(name) or {"std": 0.0})["std"]
        rivals = {
            row["sampler"]: row["values"][name]["estimate"]
            for row in others
            if (row["values"].get(name) or {}).get("estimate") is not None
        }
        ahead = {n: e for n, e in rivals.items() if sign * (value["estimate"] - e) > margin}
        if ahead:
            best = min(ahead, key=lambda rival: sign * ahead[rival])
            yield Statement(
                "loses",
                f"{_capital(metric['title'])}: {value['estimate']:.3g}; {len(ahead)} of"
                f" {len(rivals)} baselines clearly nearer to the market, {best} the nearest"
                f" ({ahead[best]:.3g})",
            )


def _floor_statements(evaluation: Record) -> Iterator[Statement]:
    ours = evaluation["rows"][0]["values"]
    titles = {metric["name"]: metric["title"] for metric in evaluation["metrics"]}
    known = [
        name for name in _floor(evaluation) if (ours.get(name) or {}).get("estimate") is not None
    ]
    within = [n for n in known if _within_floor(evaluation, n, ours[n]["estimate"])]
    if within:
        yield Statement(
            "passed",
            "Within the sampling floor, where a true model is too: "
            + "; ".join(titles[name] for name in within),
        )
    beyond = [name for name in known if name not in within]
    if beyond:
        yield Statement(
            "differs",
            "Beyond the sampling floor, so the model is not the market: "
            + "; ".join(titles[name] for name in beyond),
        )


def _floor(evaluation: Record) -> Record:
    """Bands of the sampling floor by metric."""
    bands: Record = (evaluation.get("floor") or {}).get("values", {})
    return bands


def _within_floor(evaluation: Record, name: str, estimate: float) -> bool:
    floor = _floor(evaluation).get(name)
    metric = next(m for m in evaluation["metrics"] if m["name"] == name)
    if not floor:
        return False
    match metric["better"]:
        case "lower":
            return bool(estimate <= floor["p90"])
        case "higher":
            return bool(estimate >= floor["p10"])
    return bool(floor["p10"] <= estimate <= floor["p90"])


def backtest_statements(backtest: Record) -> list[Statement]:
    """Coverage at each level with its power, and the joint score beside the baselines'."""
    rows = [row for row in backtest["rows"] if row["sampler"] == "model"]
    statements = []
    for row in rows:
        level = f"VaR {100 * row['level']:g} %"
        counted = f"{row['violations']:,} exceedances, {row['expected']:.1f} expected"
        failed = [TESTS.get(n, n) for n, test in row["tests"].items() if test and test["failed"]]
        applied = [n for n, test in row["tests"].items() if test and test["p"] is not None]
        if failed:
            statements.append(Statement("failed", f"{level}: {counted}; fails {', '.join(failed)}"))
        elif applied:
            power = row.get("power_2x")
            heard = (
                ""
                if power is None
                else f"; twice the rate would be noticed with probability {power:.2f}"
            )
            statements.append(
                Statement(
                    "passed", f"{level}: {counted}; none of {len(applied)} tests fails{heard}"
                )
            )
        else:
            statements.append(Statement("open", f"{level}: {counted}; too few days for a test"))
        if row.get("in_mcs") is False:
            statements.append(
                Statement(
                    "loses", f"{level} and ES: FZ0 leaves the model outside the confidence set"
                )
            )
    return statements


def headline(
    statements: Sequence[Statement], gates: Sequence[Statement], span: Record | None, name: str
) -> str:
    """The verdict in a few short sentences.

    Args:
        statements: All of them but the gates'.
        gates: One per gate.
        span: First and last day compared, their number, and whether training knew them; None
            where there were none.
        name: Of the model.
    """
    first = _gate_sentence(gates, name)
    if span is None:
        return f"{first} It was not tested: no day lies after its training."
    counts = {kind: sum(s.outcome == kind for s in statements) for kind in ("wins", "loses")}
    failed = sum(s.outcome == "failed" and s.text.startswith("VaR") for s in statements)
    levels = failed + sum(s.outcome == "passed" and s.text.startswith("VaR") for s in statements)
    seen = " It was trained on these days: this is no test." if span["in_sample"] else ""
    coverage = (
        ""
        if not levels
        else (f" Its value at risk passes the tests at {levels - failed} of {levels} levels.")
    )
    return (
        f"{first} Compared on {span['n_days']:,} days, {span['first']} to {span['last']}.{seen}"
        f" It loses to a baseline on {_measures(counts['loses'])} and beats the reference by more"
        f" than chance on {_measures(counts['wins'])}.{coverage}"
    )


def _gate_sentence(gates: Sequence[Statement], name: str) -> str:
    failed, asked = (sum(g.outcome in kinds for g in gates) for kinds in (FAILED, ANSWERED))
    if not asked:
        return f"No gate was asked of {name}."
    if failed:
        return f"{name} fails {failed} of {asked} gates: it is a candidate, not for use as it is."
    return f"{name} passes {asked} of {asked} gates."


def _measures(count: int) -> str:
    return "no measure" if not count else f"{count} measure" + "s" * (count > 1)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

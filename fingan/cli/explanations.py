"""Explanations of single paths: asked for by number, shown as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import typer

from fingan.cli.console import emit_rows, note
from fingan.errors import RequestError
from fingan.scenarios.samplers import Sampler
from fingan.scenarios.scenario_set import ScenarioStream

N_ASSETS = 3  # shown beside the portfolio: those that move most


def check_paths(numbers: Sequence[int], n_paths: int) -> list[int]:
    """The numbers of paths to explain, refused before anything long begins."""
    for number in numbers:
        if not 0 <= number < n_paths:
            raise RequestError(
                f"--explain must be the number of a path, 0 to {n_paths - 1}, got {number}"
            )
    return list(numbers)


def explained(
    sampler: Sampler, stream: ScenarioStream, prices: pd.DataFrame, numbers: Sequence[int]
) -> list[dict[str, Any]]:
    """The explanation of each path, as JSON."""
    from fingan.assessment.explanation import explain

    return [explain(sampler, stream, prices, number) for number in numbers]


def show(explanations: Sequence[Mapping[str, Any]]) -> None:
    """Tables for people."""
    for record in explanations:
        returns = record["terminal_returns"]
        moved = sorted(set(returns) - {"portfolio"}, key=lambda asset: -abs(returns[asset]))
        columns = ["portfolio", *moved[:N_ASSETS]]
        typer.echo(
            f"\npath {record['path']}: {_percentages(returns, columns)} over"
            f" {record['horizon']} steps"
        )
        if record["nearest"] is not None:
            typer.echo("real windows most like it")
            emit_rows("nearest windows", record["nearest"], as_json=False)
        if record["factors"] is not None:
            share = record["factors"]["residual_share"]
            typer.echo(f"factors of its move (all others: {share:.1%} of it)")
            factors = [
                {
                    "factor": row["factor"],
                    "move": f"{row['move']:+.2f} sd",
                    "share": f"{row['share']:.1%}",
                    "loadings": ", ".join(f"{k} {v:+.2f}" for k, v in row["loadings"].items()),
                }
                for row in record["factors"]["factors"]
            ]
            emit_rows("factors", factors, as_json=False)
        if record["states"] is not None:
            typer.echo("what today's state adds to it, beside a typical day's")
            states = [
                {**row, "effect": _percentages(row["effect"], columns)} for row in record["states"]
            ]
            emit_rows("states", states, as_json=False)
        for text in record["notes"]:
            note(text)


def _percentages(values: Mapping[str, float], columns: Sequence[str]) -> str:
    return ", ".join(f"{name} {values[name]:+.2%}" for name in columns)

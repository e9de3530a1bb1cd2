"""The page of a sweep: which configurations were tried, how far each came, what mattered.

Scores are of the validation span, which chose among them: the best is the luckiest too, and only
later days judge it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fingan.files import whole_file

Trial = Mapping[str, Any]

N_SHOWN = 20
LEAST_TRIALS = 8  # below which no importance is told


def write_sweep_page(path: Path, *, name: str, model: str, trials: Sequence[Trial]) -> Path:
    """Write the page, one file that opens without a network.

    Args:
        path: Where.
        name: Of the sweep.
        model: Reference of what was published.
        trials: ``values``, ``state``, ``score``, ``publishes`` and ``checks`` of each; the one
            without values is the job's own configuration.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=PackageLoader("fingan.assessment", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ranked = sorted(trials, key=lambda one: (one["state"] != "finished", one["score"]))
    figure = _coordinates(trials)
    page = environment.get_template("sweep.html").render(
        name=name,
        model=model,
        trials=ranked[:N_SHOWN],
        n_trials=len(trials),
        keys=_keys(trials),
        importance=_importance(trials),
        plotly=Markup(get_plotlyjs()),
        figure=None if figure is None else Markup(figure.replace("</", "<\\/")),
    )
    with whole_file(path) as file:
        file.write(page.encode())
    return path


def _keys(trials: Sequence[Trial]) -> list[str]:
    return sorted({key for one in trials for key in one["values"]})


def _table(trials: Sequence[Trial]) -> pd.DataFrame:
    """Finished trials with values: a column for each key, and the score."""
    rows = [
        {**one["values"], "score": one["score"]}
        for one in trials
        if one["values"] and one["state"] == "finished"
    ]
    return pd.DataFrame(rows)


def _coordinates(trials: Sequence[Trial]) -> str | None:
    """Parallel coordinates of the finished trials, as Plotly's JSON."""
    import plotly.graph_objects as go

    table = _table(trials)
    if len(table) < 2:
        return None
    dimensions = [_axis(key, table[key]) for key in [*_keys(trials), "score"]]
    line = {"color": table["score"], "colorscale": "Viridis", "showscale": True}
    figure = go.Figure(go.Parcoords(dimensions=dimensions, line=line))
    figure.update_layout(height=420, margin={"l": 90, "r": 60, "t": 60, "b": 30})
    text: str = figure.to_json()
    return text


def _axis(name: str, values: pd.Series) -> dict[str, Any]:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return {"label": name, "values": values}
    kinds = sorted(map(str, values.unique()))
    places = values.astype(str).map(kinds.index)
    return {"label": name, "values": places, "tickvals": list(range(len(kinds))), "ticktext": kinds}


def _importance(trials: Sequence[Trial]) -> list[tuple[str, float, float]] | None:
    """How much worse a forest of trees tells the scores when one key is shuffled, with its spread.

    Source: Breiman (2001), Random forests, section 10.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    table = _table(trials)
    if len(table) < LEAST_TRIALS:
        return None
    inputs = table.drop(columns="score").apply(
        lambda column: column if column.dtype.kind in "if" else pd.factorize(column)[0]
    )
    forest = RandomForestRegressor(200, random_state=0, min_samples_leaf=2)
    forest.fit(inputs, table["score"])
    found = permutation_importance(forest, inputs, table["score"], n_repeats=20, random_state=0)
    rows = zip(inputs.columns, found.importances_mean, found.importances_std, strict=True)
    return sorted(
        [(str(key), float(mean), float(spread)) for key, mean, spread in rows],
        key=lambda row: -row[1],
    )

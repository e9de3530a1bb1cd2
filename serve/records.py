"""What JSON answers hold, as JSON schemas: the fields that are always there, and their types."""

from collections.abc import Mapping
from typing import Any

from serve.backend import Kind

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
ANYTHING: Schema = {"type": "object"}


def record(about: str, **fields: Schema) -> Schema:
    """An object with fields that are always there; others may be."""
    return {
        "type": "object",
        "description": about,
        "properties": fields,
        "required": list(fields),
    }


def rows(of: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": of}


def by_name(of: Schema) -> Schema:
    """An object whose keys are names of assets or portfolios."""
    return {"type": "object", "additionalProperties": of}


def maybe(of: Schema) -> Schema:
    """A value or null."""
    return {"anyOf": [of, {"type": "null"}]}


ESTIMATE = record(
    "A figure with the error of so few paths and, of an ensemble, the error of training.",
    estimate=maybe(NUMBER),
    mc_se=maybe(NUMBER),
    model_se=maybe(NUMBER),
)
FIGURE: Schema = {"$ref": "#/components/schemas/Estimate"}
PRICES = by_name(rows(maybe(NUMBER)))

PROBLEM = record(
    "A request that was not answered, and why (RFC 9457).",
    type={"type": "string", "pattern": "^urn:fingan:problem:[a-z-]+$"},
    title=TEXT,
    status={"type": "integer", "minimum": 400, "maximum": 599},
    detail={"type": "string", "description": "What must hold, what was given, the mend."},
    instance=TEXT,
    errors=rows(record("One mistake and its place in the request.", pointer=TEXT, detail=TEXT)),
    request_id=TEXT,
)

LISTED_JOB = record(
    "Long work and how it stands.",
    id={"type": "string", "pattern": "^job_[0-9a-f]{16}$"},
    kind=TEXT,
    model=TEXT,
    reference=maybe(TEXT),
    state={"enum": ["queued", "running", "succeeded", "failed", "cancelled"]},
    progress=maybe(ANYTHING),
    created=TEXT,
    started=maybe(TEXT),
    ended=maybe(TEXT),
    problem=maybe(ANYTHING),
    result=maybe(TEXT),
    media_type=maybe(TEXT),
    bytes=maybe(COUNT),
)
JOB = record(
    "Long work, what was asked and how it stands.",
    **LISTED_JOB["properties"],
    request=ANYTHING,
)

MODEL = record(
    "One version of a trained model; one with a problem is never served.",
    model=TEXT,
    name=TEXT,
    version=COUNT,
    digest=maybe(TEXT),
    published=maybe(TEXT),
    is_newest=FLAG,
    is_served=FLAG,
    assets=rows(TEXT),
    fitted_until=maybe(TEXT),
    problem=maybe(TEXT),
)

ANSWERED: Mapping[Kind, Schema] = {
    "models": record(
        "Every version of every model, and the baselines.",
        models=rows(MODEL),
        baselines=rows(record("A classical generator.", model=TEXT, kind=TEXT)),
        store_problem=maybe(TEXT),
    ),
    "model": record(
        "The card of a model: what it was trained on, its scores, gates and limits of use.",
        model=TEXT,
        digest=TEXT,
        published=TEXT,
        card=ANYTHING,
        config=ANYTHING,
    ),
    "history": record(
        "The last prices that a model knows.", model=TEXT, dates=rows(TEXT), prices=PRICES
    ),
    "prices": record(
        "Price sources that a request may name.", prices=rows(record("One of them.", name=TEXT))
    ),
    "summary": record(
        "What scenarios look like, each figure with its errors.",
        model=TEXT,
        as_of=TEXT,
        seed=COUNT,
        n_paths=COUNT,
        horizon=COUNT,
        quantile_levels=rows(NUMBER),
        fan=by_name(rows(record("The return since as_of at a step.", step=COUNT, mean=FIGURE))),
        moments=by_name(by_name(FIGURE)),
        correlations=ANYTHING,
        drawdowns=by_name(rows(FIGURE)),
        paths=ANYTHING,
    ),
    "risk": record(
        "Measures and contributions by generator: the model first, then the baselines.",
        model=TEXT,
        as_of=TEXT,
        request=ANYTHING,
        portfolio=by_name(NUMBER),
        results=rows(
            record(
                "What one generator says.",
                sampler=TEXT,
                measures=rows(FIGURE),
                contributions=ANYTHING,
                notes=rows(TEXT),
            )
        ),
    ),
    "stress": record(
        "A shock: figures with and without it, plausibility, effective paths; a replay or a view"
        " has fields of its own.",
        model=TEXT,
        notes=rows(TEXT),
    ),
    "reverse": record(
        "The ways to lose so much, how probable each is, and where it was seen.",
        model=TEXT,
        as_of=TEXT,
        n_paths=COUNT,
        ess=maybe(NUMBER),
        probability=FIGURE,
        modes=rows(ANYTHING),
        elsewhere=rows(ANYTHING),
        notes=rows(TEXT),
    ),
    "screen": record(
        "Ranked candidates with verdicts, and what the record of this screen says.",
        model=TEXT,
        as_of=TEXT,
        screen_run=TEXT,
        screen_digest=TEXT,
        n_candidates=COUNT,
        n_tests=COUNT,
        trials=ANYTHING,
        results=rows(ANYTHING),
        listed=rows(TEXT),
        warnings=rows(TEXT),
        not_advice=TEXT,
    ),
    "optimize": record(
        "Weights and the objective, beside other portfolios.",
        model=TEXT,
        as_of=TEXT,
        request=ANYTHING,
        weights=rows(FIGURE),
        objective=FIGURE,
        turnover=NUMBER,
        alternatives=rows(ANYTHING),
        figures=rows(FIGURE),
        frontier=rows(ANYTHING),
        notes=rows(TEXT),
    ),
    "anomalies": record(
        "Windows by oddness, with what drives them.",
        model=TEXT,
        window=COUNT,
        fdr=NUMBER,
        n_flagged=COUNT,
        windows=rows(ANYTHING),
        notes=rows(TEXT),
    ),
    "explain": record(
        "One path: the real windows nearest to it, factors, what today's state adds.",
        model=TEXT,
        path=COUNT,
        as_of=TEXT,
        horizon=COUNT,
        terminal_returns=by_name(NUMBER),
        nearest=rows(ANYTHING),
        notes=rows(TEXT),
    ),
}

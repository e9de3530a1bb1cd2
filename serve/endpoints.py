"""The endpoints: each reads a question, asks the backend, and answers in the form that is taken."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from fingan import __version__
from fingan.config import Config
from fingan.stress.windows import NAMED
from serve.answers import ANSWERS
from serve.backend import Asked, Backend, Kind, Part
from serve.meters import CONTENT_TYPE, Meters
from serve.model_shelf import REFERENCE
from serve.negotiation import MEDIA_TYPES, SUFFIXES, check_takes_json, format_for
from serve.problems import Problem
from serve.questions import CubeResponse, asked, response
from serve.schemas import ModelQuery, NoQuery, ScenarioQuery
from serve.settings import ServiceSettings

POSTED: tuple[tuple[str, Kind, str], ...] = (
    ("/v1/scenarios/summary", "summary", "Fan, moments, correlations and drawdowns with errors"),
    ("/v1/risk", "risk", "Risk measures of a portfolio with errors and contributions"),
    ("/v1/stress", "stress", "What goes with a shock, a crisis once more, or a view"),
    ("/v1/stress/reverse", "reverse", "The ways to lose so much"),
    ("/v1/screens", "screen", "Ranked candidates with verdicts"),
    ("/v1/optimize", "optimize", "Weights, through skfolio"),
    ("/v1/anomalies", "anomalies", "Windows unlike the market learnt"),
    ("/v1/explain", "explain", "One path: nearest real windows, factors, states"),
)
Offset = Annotated[int, Query(ge=0, description="First path of the page.")]
Limit = Annotated[int | None, Query(ge=1, description="Paths of the page; all if not given.")]
Ref = Annotated[str, Path(description="'name' or 'name@version'.", examples=["demo"])]
Named = Annotated[str | None, Query(alias="format", description="json, arrow, parquet or csv.")]


def service_routes(backend: Backend, settings: ServiceSettings, meters: Meters) -> APIRouter:
    """What an operator asks: alive, ready, how much, how fast."""
    routes = APIRouter(tags=["service"])

    @routes.get("/healthz", summary="Alive")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz", summary="Ready: a model can answer")
    async def readyz() -> dict[str, str]:
        readiness = await backend.readiness()
        if not readiness.is_ready:
            raise Problem(503, "not-ready", readiness.detail, retry_after=5)
        return {"status": "ready", "detail": readiness.detail}

    @routes.get("/version", summary="Version of the software")
    async def version() -> dict[str, str]:
        return {"software": "fingan", "version": __version__}

    @routes.get("/metrics", summary="Meters for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(meters.page(), media_type=CONTENT_TYPE)

    @routes.get("/v1/limits", summary="What a request may ask for")
    async def limits() -> dict[str, Any]:
        return {
            "limits": settings.limits.model_dump(),
            "rates": settings.rates.model_dump(),
            "needs_keys": settings.needs_keys,
            "windows": [
                {"name": one.name, "first": one.first, "last": one.last, "title": one.title}
                for one in NAMED.values()
            ],
        }

    return routes


def market_routes(backend: Backend, settings: ServiceSettings, meters: Meters) -> APIRouter:
    """Models and what they say of a market."""
    routes = APIRouter(tags=["market"])

    @routes.get("/v1/models", summary="Every version of every model, and the baselines")
    async def models(request: Request) -> Response:
        return await _told(backend, "models", NoQuery(), request)

    @routes.get("/v1/prices", summary="Price sources that a request may name")
    async def prices(request: Request) -> Response:
        return await _told(backend, "prices", NoQuery(), request)

    @routes.get("/v1/models/{ref}", summary="The card of a model")
    async def model(ref: Ref, request: Request) -> Response:
        return await _told(backend, "model", ModelQuery(model=_checked(ref)), request)

    @routes.get("/v1/models/{ref}/history", summary="The last prices that a model knows")
    async def history(
        ref: Ref, request: Request, rows: Annotated[int, Query(ge=1, le=1_500)] = 250
    ) -> Response:
        query = ModelQuery(model=_checked(ref), rows=rows)
        return await _told(backend, "history", query, request, "rows")

    @routes.post("/v1/scenarios", summary="A cube of joint scenarios, streamed")
    async def scenarios(
        request: Request, offset: Offset = 0, limit: Limit = None, named: Named = None
    ) -> Response:
        check_parameters(request, "offset", "limit", "format")
        chosen = format_for(request.headers.get("accept"), named)
        query, question = await asked(request, ScenarioQuery)
        _check_cube(query, settings)
        streamed = await backend.scenarios(question, Part(chosen, offset, limit))
        meters.values.inc(query.n_paths * query.horizon)
        name = f"scenarios{SUFFIXES[chosen]}"
        head = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}
        return CubeResponse(streamed, MEDIA_TYPES[chosen], head)

    for path, kind, summary in POSTED:
        routes.add_api_route(
            path,
            _posted(backend, kind, meters),
            methods=["POST"],
            summary=summary,
            name=kind,
            response_class=Response,
        )
    return routes


def _posted(backend: Backend, kind: Kind, meters: Meters) -> Callable[[Request], Any]:
    """An endpoint that answers with JSON."""
    how = ANSWERS[kind]

    async def answer(request: Request) -> Response:
        check_parameters(request)
        check_takes_json(request.headers.get("accept"))
        query, question = await asked(request, how.schema)
        found = await backend.answer(kind, question)
        meters.values.inc(how.held(query))
        return response(found)

    return answer


async def _told(
    backend: Backend, kind: Kind, query: Config, request: Request, *parameters: str
) -> Response:
    check_parameters(request, *parameters)
    check_takes_json(request.headers.get("accept"))
    return response(await backend.answer(kind, Asked(query.model_dump_json().encode())))


def check_parameters(request: Request, *known: str) -> None:
    """Refuse parameters that mean nothing here: a slip of the pen would ask for everything."""
    for name in request.query_params:
        if name not in known:
            there = f"there are {', '.join(known)}" if known else "there are none here"
            raise Problem(
                422, "request-invalid", f"parameter '{name[:50]}' must not be given: {there}"
            )


def _checked(ref: str) -> str:
    """A reference of the right form; it is looked up, never made into a path."""
    if REFERENCE.fullmatch(ref) is None:
        raise Problem(
            404,
            "model-not-found",
            f"a model must be given as 'name' or 'name@version', got '{ref[:100]}'",
        )
    return ref


def _check_cube(query: ScenarioQuery, settings: ServiceSettings) -> None:
    """Refuse what is too large whatever the model, before anybody is asked."""
    limits = settings.limits
    for name, size, most in (
        ("n_paths", query.n_paths, limits.max_paths),
        ("horizon", query.horizon, limits.max_horizon),
        ("n_paths x horizon", query.n_paths * query.horizon, limits.max_values),
    ):
        if size > most:
            raise Problem(422, "too-large", f"{name} must be at most {most:,}, got {size:,}")

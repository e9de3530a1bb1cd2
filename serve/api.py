"""The HTTP interface: FastAPI over a backend, without Ray; tested in-process."""

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Match

from fingan import __version__
from serve import problems
from serve.backend import Backend
from serve.endpoints import market_routes, service_routes
from serve.guards import add_guards
from serve.meters import Meters
from serve.openapi import described
from serve.problems import Problem
from serve.settings import ServiceSettings

if TYPE_CHECKING:
    from fingan.audit import AuditTrail
    from fingan.keys import KeyRing
    from serve.jobs import JobDesk

HERE = Path(__file__).parent
EXPLORER, SWAGGER = HERE / "explorer" / "dist", HERE / "swagger"
READING = ["GET", "HEAD"]
PROBES = ("/healthz", "/readyz")
METHODS = ("GET", "HEAD", "POST", "DELETE")
FOREVER = "public, max-age=31536000, immutable"
NO_PAGE = (
    "<!doctype html><title>fingan</title><p>The explorer page is not built: run <code>make"
    ' explorer</code>. The interface is described at <a href="docs">/docs</a>.'
)


def create_api(
    backend: Backend,
    settings: ServiceSettings | None = None,
    jobs: "JobDesk | None" = None,
    keys: "KeyRing | None" = None,
    audit: "AuditTrail | None" = None,
) -> FastAPI:
    """The whole HTTP interface.

    Args:
        backend: Who answers.
        settings: Of the service; default those of a laptop.
        jobs: Long work; without it ``/v1/jobs`` is not there.
        keys: Bearer keys; needed where the settings ask for them.
        audit: Where admin acts are written down.
    """
    settings = settings or ServiceSettings()
    meters = Meters()
    api = FastAPI(
        title="fingan",
        version=__version__,
        summary="Joint Monte Carlo scenarios of a market, and what follows from them.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        generate_unique_id_function=_operation,
    )
    api.include_router(_with_probes(service_routes(backend, settings, meters)))
    api.include_router(market_routes(backend, settings, meters))
    if jobs is not None:
        from serve.job_routes import job_routes

        api.include_router(job_routes(jobs, settings.limits))
    _add_pages(api)
    _add_handlers(api)
    add_guards(api, settings, keys=keys, meters=meters, audit=audit)
    described(api, has_jobs=jobs is not None, needs_keys=settings.needs_keys)
    return api


def _operation(route: APIRoute) -> str:
    """The name of an operation, for clients that are generated."""
    return f"{route.name}_job" if "jobs" in route.tags else route.name


def _with_probes(routes: APIRouter) -> APIRouter:
    """Probes may ask with HEAD too: answered as GET, without the body."""
    for route in list(routes.routes):
        if isinstance(route, APIRoute) and route.path in PROBES:
            routes.add_api_route(
                route.path, route.endpoint, methods=["HEAD"], include_in_schema=False
            )
    return routes


def _add_pages(api: FastAPI) -> None:
    """The explorer and the documentation, from files beside this one."""

    @api.api_route("/", methods=READING, include_in_schema=False)
    async def explorer() -> Response:
        page = EXPLORER / "index.html"
        if not page.exists():
            return Response(NO_PAGE, media_type="text/html")
        return FileResponse(page, headers={"Cache-Control": "no-cache"})

    @api.api_route("/assets/{name}", methods=READING, include_in_schema=False)
    async def asset(name: str) -> Response:
        return _file(EXPLORER / "assets", name, FOREVER)

    @api.api_route("/docs", methods=READING, include_in_schema=False)
    async def docs() -> Response:
        return FileResponse(SWAGGER / "index.html")

    @api.api_route("/docs/{name}", methods=READING, include_in_schema=False)
    async def docs_asset(name: str) -> Response:
        return _file(SWAGGER, name, "public, max-age=3600")


def _file(directory: Path, name: str, cached: str) -> Response:
    """A file of a directory, found by comparing names: none becomes part of a path."""
    known = {path.name: path for path in directory.iterdir()} if directory.is_dir() else {}
    if name not in known:
        raise HTTPException(404)
    return FileResponse(known[name], headers={"Cache-Control": cached})


def _add_handlers(api: FastAPI) -> None:
    """Everything that goes wrong becomes a problem document."""

    @api.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> Response:
        return problem_response(request, problem)

    @api.exception_handler(RequestValidationError)
    async def on_parameter(request: Request, invalid: RequestValidationError) -> Response:
        errors = [
            {"pointer": "/".join(map(str, error["loc"])), "detail": str(error["msg"])}
            for error in invalid.errors()
        ]
        detail = f"{errors[0]['pointer']}: {errors[0]['detail']}"
        return problem_response(request, Problem(422, "request-invalid", detail, errors))

    @api.exception_handler(ValidationError)
    async def on_field(request: Request, invalid: ValidationError) -> Response:
        detail, errors = problems.mistakes(invalid)
        return problem_response(request, Problem(422, "request-invalid", detail, errors))

    @api.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http")
        path = request.url.path[:200]
        detail = {
            404: f"there is nothing at '{path}'; /docs lists what there is",
            405: f"'{request.method}' is not for '{path}'; /docs says what is",
        }.get(error.status_code, str(error.detail))
        answer = problem_response(request, Problem(error.status_code, code, detail))
        answer.headers.update(error.headers or {})
        if error.status_code == 405:
            answer.headers["Allow"] = ", ".join(_allowed(request))
        return answer


def _allowed(request: Request) -> list[str]:
    """The methods of a path, whichever routes they stand in."""
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    routes = request.app.routes
    return [
        method
        for method, scope in scopes.items()
        if any(route.matches(dict(scope))[0] is Match.FULL for route in routes)
    ]


def problem_response(request: Request, problem: Problem) -> JSONResponse:
    """A problem as an answer."""
    request_id = request.scope.get("state", {}).get("request_id") or uuid.uuid4().hex
    document = problem.document(request.url.path, request_id)
    head = {"Cache-Control": "no-store"}
    if problem.retry_after is not None:
        head["Retry-After"] = str(problem.retry_after)
    return JSONResponse(document, problem.status, head, problems.MEDIA_TYPE)

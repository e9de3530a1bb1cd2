"""The endpoints of jobs: take in, list, look, cancel, fetch the result."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse

from serve.cubes import check_job
from serve.endpoints import check_parameters
from serve.job_work import WORK
from serve.jobs import JobDesk
from serve.problems import Problem
from serve.questions import asked, read_plain
from serve.schemas import JobQuery
from serve.settings import Limits

MOST_KEY = 128  # characters of a key of idempotency


def job_routes(jobs: JobDesk, limits: Limits) -> APIRouter:
    """Long work over HTTP."""
    routes = APIRouter(tags=["jobs"])

    @routes.post("/v1/jobs", status_code=202, summary="Start long work")
    async def submit(request: Request, response: Response) -> dict[str, Any]:
        check_parameters(request)
        query, question = await asked(request, JobQuery)
        schema, _ = WORK[query.kind]
        check_job(read_plain(schema, query.request), 1, limits)  # mistakes show now
        key = request.headers.get("idempotency-key")
        if key is not None and not 0 < len(key) <= MOST_KEY:
            raise Problem(
                422,
                "request-invalid",
                f"Idempotency-Key must have 1 to {MOST_KEY} characters, got {len(key)}",
            )
        owner = request.scope["state"]["caller"]
        job = await run_in_threadpool(jobs.submit, query, question.table, key, owner)
        response.headers["Location"] = f"/v1/jobs/{job['id']}"
        return job

    @routes.get("/v1/jobs", summary="Every job, the newest first, without requests")
    async def every(request: Request) -> dict[str, Any]:
        check_parameters(request)
        return {"jobs": await run_in_threadpool(jobs.every, _owner(request))}

    @routes.get("/v1/jobs/{identity}", summary="How a job stands")
    async def one(identity: str, request: Request) -> dict[str, Any]:
        return await run_in_threadpool(jobs.get, identity, _owner(request))

    @routes.delete("/v1/jobs/{identity}", summary="Cancel a job")
    async def cancel(identity: str, request: Request) -> dict[str, Any]:
        return await run_in_threadpool(jobs.cancel, identity, _owner(request))

    @routes.get("/v1/jobs/{identity}/result", summary="What came out", response_class=FileResponse)
    async def result(identity: str, request: Request) -> Response:
        path, media_type, name = await run_in_threadpool(jobs.result, identity, _owner(request))
        return FileResponse(path, media_type=media_type, filename=name)

    return routes


def _owner(request: Request) -> str | None:
    """Whose jobs the caller may see: its own, or with the scope ``admin`` everybody's."""
    state = request.scope["state"]
    return None if state["sees_all"] else str(state["caller"])

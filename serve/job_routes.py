"""The endpoints of jobs: take in, list, look, cancel, fetch the result."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse

from serve.cubes import check_job
from serve.job_work import WORK
from serve.jobs import JobDesk
from serve.problems import Problem
from serve.questions import asked, read
from serve.schemas import JobQuery
from serve.settings import Limits

MOST_KEY = 128  # characters of a key of idempotency


def job_routes(jobs: JobDesk, limits: Limits) -> APIRouter:
    """Long work over HTTP."""
    routes = APIRouter(tags=["jobs"])

    @routes.post("/v1/jobs", status_code=202, summary="Start long work")
    async def submit(request: Request, response: Response) -> dict[str, Any]:
        query, question = await asked(request, JobQuery)
        schema, _ = WORK[query.kind]
        check_job(read(schema, _json(query.request)), 1, limits)  # mistakes show now
        key = request.headers.get("idempotency-key")
        if key is not None and not 0 < len(key) <= MOST_KEY:
            raise Problem(
                422,
                "request-invalid",
                f"Idempotency-Key must have 1 to {MOST_KEY} characters, got {len(key)}",
            )
        owner = request.scope.get("state", {}).get("caller", "")
        job = await run_in_threadpool(jobs.submit, query, question.table, key, owner)
        response.headers["Location"] = f"/v1/jobs/{job['id']}"
        return job

    @routes.get("/v1/jobs", summary="Every job, the newest first")
    async def every() -> dict[str, Any]:
        return {"jobs": await run_in_threadpool(jobs.every)}

    @routes.get("/v1/jobs/{identity}", summary="How a job stands")
    async def one(identity: str) -> dict[str, Any]:
        return await run_in_threadpool(jobs.get, identity)

    @routes.delete("/v1/jobs/{identity}", summary="Cancel a job")
    async def cancel(identity: str) -> dict[str, Any]:
        return await run_in_threadpool(jobs.cancel, identity)

    @routes.get("/v1/jobs/{identity}/result", summary="What came out", response_class=FileResponse)
    async def result(identity: str) -> Response:
        path, media_type, name = await run_in_threadpool(jobs.result, identity)
        return FileResponse(path, media_type=media_type, filename=name)

    return routes


def _json(document: Any) -> bytes:
    import json

    return json.dumps(document).encode()

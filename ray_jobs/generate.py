"""Bulk scenarios: ``python -m ray_jobs.generate --config generate.toml``.

Each task draws some of the paths and writes them as one Parquet file; path i has the numbers that
``fingan generate`` gives it, however many workers there are and however the paths are cut into
files. A file takes its name when it is whole, and the manifest is written last: a job that was
killed goes on with ``--resume`` where files are missing.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pandas as pd

from fingan import __version__
from fingan.config import load_config
from fingan.data.prices import read_prices
from fingan.data.quality import data_digest
from fingan.errors import RequestError
from fingan.files import filesystem_of, whole_file
from fingan.pipeline import default_store, load_model
from fingan.scenarios.samplers import TrainedSampler
from fingan.scenarios.scenario_set import ScenarioStream
from ray_jobs.bulk import GenerateJob, described, name_of, stream_of, write_part
from ray_jobs.command import exit_code, job_parser, overrides, place, say, show
from ray_jobs.tasks import told_in_order

Outcome = dict[str, Any]
PART = re.compile(r"part-\d{12}\.parquet")
REQUEST, MANIFEST = "request.json", "manifest.json"


def generate(job: GenerateJob, *, resume: bool = False) -> Outcome:
    """Draw and write all paths.

    Raises:
        FinganError: If the caller can mend it.
        WorkersLostError: If a worker died too often.
    """
    store = place(job.store or default_store(), "--store")
    sampler = load_model(job.model, store)
    prices = None
    if job.prices is not None:
        prices = read_prices(job.prices, **job.reading.model_dump(exclude_unset=True))
    stream = stream_of(job, sampler, prices)  # mistakes show now
    directory = place(job.out, "--out")
    request = _request(job, sampler, stream, prices)
    known = _known(directory, request, resume=resume)
    parts = [
        (first, min(job.paths_per_file, job.n_paths - first))
        for first in range(0, job.n_paths, job.paths_per_file)
    ]
    files = [entry for entry in known if entry["name"] in {name_of(first) for first, _ in parts}]
    missing = [part for part in parts if name_of(part[0]) not in {one["name"] for one in files}]
    for number, entry in enumerate(
        _written(job, missing, prices, sampler.reference, store, directory), 1
    ):
        files.append(entry)
        say(f"{len(files)} of {len(parts)} files, {number} in this run")
    manifest = {**request, "files": sorted(files, key=lambda one: one["first_path"])}
    _write_json(f"{directory}/{MANIFEST}", manifest)
    return {
        "out": directory,
        "model": sampler.reference,
        "paths": job.n_paths,
        "files": len(files),
        "bytes": sum(one["bytes"] for one in files),
        "manifest": f"{directory}/{MANIFEST}",
    }


def _request(
    job: GenerateJob, sampler: TrainedSampler, stream: ScenarioStream, prices: pd.DataFrame | None
) -> dict[str, Any]:
    """What determines the files: two jobs that agree in it write the same ones."""
    asked = job.model_dump(
        mode="json", include={"n_paths", "values", "layout", "paths_per_file", "horizon", "seed"}
    )
    return {
        "fingan": __version__,
        **asked,
        **stream.header.metadata,
        "assets": list(stream.header.assets),
        "model": sampler.reference,
        "model_digest": sampler.digest,
        "prices_digest": None if prices is None else data_digest(prices),
    }


def _known(directory: str, request: dict[str, Any], *, resume: bool) -> list[dict[str, Any]]:
    """Files that stand already, each read and its digest taken; the request is written down.

    Raises:
        RequestError: If the directory holds another data set, or there is nothing to resume.
    """
    import fsspec

    found = filesystem_of(directory)
    files, root = found or (fsspec.filesystem("file"), directory)
    files.makedirs(root, exist_ok=True)
    names = {path.rsplit("/", 1)[-1]: path for path in files.ls(root, detail=False)}
    if REQUEST not in names:
        if resume:
            raise RequestError(f"{directory}: there is nothing to resume; start without --resume")
        if strange := sorted(name for name in names if not name.startswith(".")):
            raise RequestError(f"out must be an empty directory, but {directory} has {strange[0]}")
        _write_json(f"{directory}/{REQUEST}", request)
        return []
    try:
        before = dict(json.loads(files.cat_file(names[REQUEST])))
    except ValueError:
        raise RequestError(
            f"{directory}/{REQUEST} must be as this job wrote it, but is damaged; name another"
            " 'out', or delete the directory"
        ) from None
    if before != json.loads(json.dumps(request)):
        keys = [key for key in request if before.get(key) != json.loads(json.dumps(request[key]))]
        raise RequestError(
            f"{directory} must hold files of the same request, but it differs in"
            f" {', '.join(keys) or 'its keys'}; name another 'out'"
        )
    if not resume:
        raise RequestError(f"{directory} holds this data set, or a part of it; go on with --resume")
    known = [name for name in names if PART.fullmatch(name)]
    return [described(name, files.cat_file(names[name]), request) for name in known]


def _written(
    job: GenerateJob,
    parts: Sequence[tuple[int, int]],
    prices: pd.DataFrame | None,
    reference: str,
    store: str,
    directory: str,
) -> Iterator[dict[str, Any]]:
    """Write the files on a cluster; each is told when it stands."""
    if not parts:
        return
    exact = job.model_copy(update={"model": reference, "store": store, "out": directory})
    yield from told_in_order(partial(write_part, exact), prices, parts, job)


def _write_json(location: str, document: dict[str, Any]) -> None:
    with whole_file(location) as file:
        file.write(json.dumps(document, indent=2).encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: What stands after ``python -m ray_jobs.generate``; None for the process's own.
    """
    parser = job_parser(
        "generate",
        "Write many scenarios of a published model as a directory of Parquet files.",
        "python -m ray_jobs.generate --config ray_jobs/configs/generate.toml --out scenarios",
    )
    parser.add_argument("--out", metavar="PLACE", help="replaces the job's directory")
    given = parser.parse_args(arguments)

    def work() -> None:
        job = load_config(GenerateJob, given.config, overrides(given, "store", "out"))
        show(generate(job, resume=given.resume), as_json=given.json)

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())

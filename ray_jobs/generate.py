"""Bulk scenarios: ``python -m ray_jobs.generate --config generate.toml``.

Each task draws some of the paths and writes them as one Parquet file; path i has the numbers that
``fingan generate`` gives it, however many workers there are and however the paths are cut into
files. A file takes its name when it is whole, and the manifest is written last: a job that was
killed goes on with ``--resume`` where files are missing.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

import pandas as pd
from pydantic import Field, PositiveInt

from fingan import __version__
from fingan.config import load_config
from fingan.data.prices import read_prices
from fingan.data.quality import data_digest
from fingan.errors import RequestError
from fingan.files import filesystem_of, whole_file
from fingan.pipeline import default_store, load_model
from fingan.scenarios.header import Layout, Values
from fingan.scenarios.samplers import BLOCK_SIZE, MAX_SEED, TrainedSampler
from fingan.scenarios.scenario_set import ScenarioStream
from ray_jobs.command import exit_code, job_parser, overrides, place, say, show
from ray_jobs.job import ReadingConfig
from ray_jobs.tasks import Tasks, told_in_order

Outcome = dict[str, Any]
REQUEST, MANIFEST = "request.json", "manifest.json"


class GenerateJob(Tasks):
    """Many scenarios of one model, as a directory of Parquet files."""

    model: str
    """``name`` for the newest version when the job starts, or ``name@version``."""

    out: str
    """Directory or URL of the data set (a directory must be the same on every node)."""

    store: str | None = None
    """Of the model; ``FINGAN_STORE``, else ``./models``."""

    prices: str | None = None
    """Prices to continue, a path or URL; the model's own history if not given."""

    as_of: str | None = None
    """Last date of the history to use; its last row if not given."""

    horizon: PositiveInt = 20
    """Steps of each path."""

    n_paths: PositiveInt = 1_000_000
    """Paths in all."""

    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    """Path i depends on it and on i alone."""

    assets: tuple[str, ...] | None = None
    """Those of the files, in this order; all of the model if not given."""

    values: Values = "simple_return"
    """What the numbers are."""

    layout: Layout = "wide"
    """How rows and columns are laid out."""

    paths_per_file: PositiveInt = 20 * BLOCK_SIZE
    """Paths of a file; a multiple of 512 draws none twice."""

    reading: ReadingConfig = ReadingConfig()
    """How the price file is to be read."""


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
    stream = _stream(job, sampler, prices)  # mistakes show now
    directory = place(job.out, "out")
    request = _request(job, sampler, stream, prices)
    known = _known(directory, request, resume=resume)
    parts = [
        (first, min(job.paths_per_file, job.n_paths - first))
        for first in range(0, job.n_paths, job.paths_per_file)
    ]
    files = [entry for entry in known if entry["name"] in {_name(first) for first, _ in parts}]
    missing = [part for part in parts if _name(part[0]) not in {one["name"] for one in files}]
    for number, entry in enumerate(_written(job, missing, prices, sampler.reference, store), 1):
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
    before = json.loads(files.cat_file(names[REQUEST]))
    if before != json.loads(json.dumps(request)):
        keys = [key for key in request if before.get(key) != json.loads(json.dumps(request[key]))]
        raise RequestError(
            f"{directory} must hold files of the same request, but it differs in"
            f" {', '.join(keys) or 'its keys'}; name another 'out'"
        )
    if not resume:
        raise RequestError(f"{directory} holds this data set, or a part of it; go on with --resume")
    known = [name for name in names if name.startswith("part-") and name.endswith(".parquet")]
    return [_described(name, files.cat_file(names[name]), request) for name in known]


def _described(name: str, content: bytes, request: dict[str, Any]) -> dict[str, Any]:
    first = int(name[5:-8])
    return {
        "name": name,
        "first_path": first,
        "paths": min(request["paths_per_file"], request["n_paths"] - first),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _written(
    job: GenerateJob,
    parts: Sequence[tuple[int, int]],
    prices: pd.DataFrame | None,
    reference: str,
    store: str,
) -> Iterator[dict[str, Any]]:
    """Write the files on a cluster; each is told when it stands."""
    if not parts:
        return
    exact = job.model_copy(
        update={"model": reference, "store": store, "out": place(job.out, "out")}
    )
    yield from told_in_order(partial(_write, exact), prices, parts, job)


def _write(job: GenerateJob, prices: pd.DataFrame | None, part: tuple[int, int]) -> dict[str, Any]:
    """Draw and write one file, in a worker."""
    import fsspec

    first, n_paths = part
    sampler, location = _loaded(job.model, job.store or ""), f"{job.out}/{_name(first)}"
    page = _stream(job, sampler, prices).page(first, n_paths)
    page.save(location, values=job.values, layout=job.layout)

    with fsspec.open(location, "rb") as file:
        asked = {"paths_per_file": job.paths_per_file, "n_paths": job.n_paths}
        return _described(_name(first), file.read(), asked)


@lru_cache(maxsize=1)
def _loaded(reference: str, store: str) -> TrainedSampler:
    return load_model(reference, store)


def _stream(
    job: GenerateJob, sampler: TrainedSampler, prices: pd.DataFrame | None
) -> ScenarioStream:
    whole = sampler.stream(prices, job.horizon, job.n_paths, seed=job.seed, as_of=job.as_of)
    return whole if job.assets is None else whole.select(job.assets)


def _name(first: int) -> str:
    return f"part-{first:012d}.parquet"


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

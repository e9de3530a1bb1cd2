"""A data set of scenarios, and how one of its files is written, in a worker."""

import hashlib
from functools import lru_cache
from typing import Any

import fsspec
import pandas as pd
from pydantic import Field, PositiveInt

from fingan.pipeline import load_model
from fingan.scenarios.header import Layout, Values
from fingan.scenarios.samplers import BLOCK_SIZE, MAX_SEED, TrainedSampler
from fingan.scenarios.scenario_set import ScenarioStream
from ray_jobs.job import ReadingConfig
from ray_jobs.tasks import Tasks

Entry = dict[str, Any]
"""Of a file in the manifest: name, first path, paths, bytes, SHA-256."""


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


def write_part(job: GenerateJob, prices: pd.DataFrame | None, part: tuple[int, int]) -> Entry:
    """Draw and write one file, in a worker."""
    first, n_paths = part
    sampler, location = _loaded(job.model, job.store or ""), f"{job.out}/{name_of(first)}"
    page = stream_of(job, sampler, prices).page(first, n_paths)
    page.save(location, values=job.values, layout=job.layout)
    with fsspec.open(location, "rb") as file:
        asked = {"paths_per_file": job.paths_per_file, "n_paths": job.n_paths}
        return described(name_of(first), file.read(), asked)


def described(name: str, content: bytes, request: dict[str, Any]) -> Entry:
    """A file that stands, as the manifest names it."""
    first = int(name[5:-8])
    return {
        "name": name,
        "first_path": first,
        "paths": min(request["paths_per_file"], request["n_paths"] - first),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def stream_of(
    job: GenerateJob, sampler: TrainedSampler, prices: pd.DataFrame | None
) -> ScenarioStream:
    """All paths of the job; nothing is drawn yet.

    Raises:
        FinganError: If the job does not fit the model or the prices.
    """
    whole = sampler.stream(prices, job.horizon, job.n_paths, seed=job.seed, as_of=job.as_of)
    return whole if job.assets is None else whole.select(job.assets)


def name_of(first: int) -> str:
    """The file that begins with a path."""
    return f"part-{first:012d}.parquet"


@lru_cache(maxsize=1)
def _loaded(reference: str, store: str) -> TrainedSampler:
    return load_model(reference, store)

"""The library's training run of a job, opened once on the driver or pulled by a worker."""

from dataclasses import replace

from fingan.data.options import check_options
from fingan.data.prices import read_prices
from fingan.errors import RequestError
from fingan.pipeline import TrainingRun, default_store, train
from ray_jobs.command import place
from ray_jobs.job import TrainJob


def prepared_run(job: TrainJob, *, resume: bool) -> TrainingRun:
    """Read the prices, once for all workers; every mistake of the job shows here."""
    reading = job.reading.model_dump(exclude_unset=True)
    try:
        check_options(reading)
    except ValueError as contradiction:
        raise RequestError(f"[reading]: {contradiction}") from None
    run = train(
        read_prices(job.prices, **reading),
        job.train,
        name=job.name,
        store=place(job.store or default_store(), "--store"),
        until=job.until,
        resume=resume,
    )
    directory = run.directory.absolute()  # workers stand elsewhere
    return replace(run, directory=directory, mlflow=job.mlflow)

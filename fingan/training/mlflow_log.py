"""Metrics of a run in MLflow, beside TensorBoard's; training goes on whatever MLflow does.

The experiment is the one that ``MLFLOW_EXPERIMENT_NAME`` names, else ``fingan``; who may write is
MLflow's own matter (``MLFLOW_TRACKING_USERNAME`` and its like).
"""

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from fingan.errors import RequestError
from fingan.files import Folder

RUN = "mlflow-run"  # file in a run's directory that holds MLflow's name of it
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


class MlflowLog:
    """Writes what a run is and its metrics; a run that is resumed goes on in the same place.

    Args:
        uri: Of the tracking server or database; None writes nothing.
        directory: Of the run.
        name: That MLflow shows.
        parameters: Of the run; tables within tables become dotted keys.
    """

    def __init__(
        self, uri: str | None, directory: Folder, name: str, parameters: Mapping[str, Any]
    ) -> None:
        self._client: Any = None
        self._run = ""
        if uri is not None:
            self._attempt(lambda: self._open(uri, directory, name, parameters))

    def add(self, step: int, metrics: dict[str, float]) -> None:
        """Record the metrics of a step."""
        if self._client is not None:
            self._attempt(lambda: self._write(step, metrics))

    def _open(self, uri: str, directory: Folder, name: str, parameters: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        client, path = _client(uri), directory / RUN
        if path.exists():
            self._run = path.read_text(encoding="utf-8")
            client.update_run(self._run, status="RUNNING")
        else:
            run = client.create_run(_experiment(client), run_name=name)
            self._run = run.info.run_id
            params = [Param(key, str(value)) for key, value in _dotted(parameters)]
            client.log_batch(self._run, params=params)
            path.write_text(self._run, encoding="utf-8")
        self._client = client

    def _write(self, step: int, metrics: dict[str, float]) -> None:
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        values = [Metric(name, value, now, step) for name, value in metrics.items()]
        self._client.log_batch(self._run, metrics=values)

    def _attempt(self, write: Callable[[], None]) -> None:
        """Write, or say once that nothing is written any more."""
        try:
            write()
        except Exception as failure:
            self._client = None
            warnings.warn(
                f"MLflow is not written any more: {_first_line(failure)}; training goes on",
                stacklevel=3,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            state = "FINISHED" if kind is None else "FAILED"
            self._attempt(lambda: self._client.set_terminated(self._run, state))


def check_mlflow(uri: str) -> None:
    """Fail before training rather than write nothing during it.

    Raises:
        RequestError: If MLflow is not installed, or does not answer there.
    """
    try:
        _experiment(_client(uri))
    except ImportError:
        raise RequestError(
            f"metrics for MLflow at '{uri}' need a package: pip install 'fingan[mlflow]'"
        ) from None
    except Exception as failure:
        raise RequestError(
            f"mlflow must be a server that answers: {_first_line(failure)}"
        ) from None


def _client(uri: str) -> Any:
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _experiment(client: Any) -> str:
    """The experiment's number; made if need be."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "fingan")
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found is not None else client.create_experiment(name))


def _dotted(parameters: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in parameters.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _first_line(failure: Exception) -> str:
    return (str(failure).strip().splitlines() or [type(failure).__name__])[0].rstrip(".")

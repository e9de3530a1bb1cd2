"""From prices to a published model: train, score beside a baseline, publish, load.

The one place where the wing that learns meets the wing that samples. A run keeps its checkpoints
and TensorBoard events in ``<store>/.runs/<name>-<key>``; the key is a digest of everything the
result is a function of, so that ``resume`` finds the run again and no two runs share a directory.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from fingan import __version__
from fingan.assessment.card import Provenance, model_card
from fingan.data.prices import read_prices
from fingan.data.quality import data_digest
from fingan.data.returns import Date, ReturnTable, end_of, log_returns
from fingan.errors import CheckpointError, PriceDataError, RequestError, StoreError
from fingan.files import Folder, folder, remove_folder, whole_file
from fingan.models.market import History, MarketModel, MarketShape
from fingan.scenarios.baselines import Baseline, baseline
from fingan.scenarios.present import present
from fingan.scenarios.samplers import TrainedSampler
from fingan.scenarios.store import ModelStore
from fingan.training.config import TrainConfig
from fingan.training.distributed import from_first_worker, rank, world_size
from fingan.training.event_log import EventLog
from fingan.training.fitting import fit_market
from fingan.training.loop import Progress
from fingan.training.loop import fit as fit_steps
from fingan.training.members import published_members
from fingan.training.mlflow_log import MlflowLog, check_mlflow
from fingan.training.state import latest_step

__all__ = [
    "Baseline",
    "TrainingRun",
    "baseline",
    "default_store",
    "fit",
    "load_model",
    "refit",
    "returns_of",
    "train",
]

HISTORY_ROWS = 1_500  # of the training period, kept with the model
PUBLISHED = "published"  # file in a run's directory that names the model which it became
RETURNS = "returns.safetensors"  # file in a run's directory on disk that its workers map


@dataclass
class TrainingRun:
    """One run, in this process or as one of several workers.

    Iterate over it to train: each item is a ``Progress``. After the last one the model is
    published, and ``reference`` names it. Who starts workers opens the run once, before them, and
    lets each pull ``steps``; so a worker that is started again goes on where the run stands.
    """

    prices: pd.DataFrame
    """The training period, nothing after it."""
    returns: ReturnTable
    config: TrainConfig
    name: str
    store: str
    directory: Folder
    resume: bool = False
    device: str = "cpu"
    reference: str | None = None
    """Of the published model; None before the end, and on workers other than the first."""
    n_trials: int = 1
    """Configurations among which this one was chosen, this one included; the card says so."""
    population: str | None = None
    """Runs that exchange checkpoints share this name; their configurations may then differ."""
    schedule: tuple[dict[str, Any], ...] = ()
    """Of a member of a population: from which ``step`` on it trained with which ``values``."""
    mlflow: str | None = None
    """URI of an MLflow server or database that gets the metrics too."""

    @property
    def identity(self) -> dict[str, str]:
        """What the result is a function of."""
        return {
            "data": data_digest(self.prices),
            "configuration": self.population or _digest(self.config.model_dump(mode="json")),
        }

    @property
    def card(self) -> dict[str, Any]:
        """The card of the published model."""
        assert self.reference is not None, "the run has not ended"
        card: dict[str, Any] = ModelStore(self.store).show(self.reference)["card"]
        return card

    def __iter__(self) -> Iterator[Progress]:
        """Open the run and train."""
        from_first_worker(self._opened, self.device)
        yield from self.steps()

    def check(self) -> None:
        """Fail now rather than after training.

        Raises:
            RequestError: If the model's name is not allowed, or MLflow does not answer.
            StoreError: If the store cannot be written.
        """
        ModelStore(self.store).check_writable(self.name)
        if self.mlflow is not None:
            check_mlflow(self.mlflow)

    def open(self) -> None:
        """Make the run's directory ready: empty, or with something to resume.

        Raises:
            CheckpointError: If the run is to be resumed and there is nothing to resume.
            RequestError: If the model's name is not allowed, or MLflow does not answer.
            StoreError: If the store or the directory cannot be written.
        """
        self.check()
        try:
            if self.resume:
                self._check_resumable()
            else:
                remove_folder(self.directory)
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise StoreError(f"{self.directory}: cannot be written: {failure.strerror}") from None

    def share_returns(self) -> None:
        """Put the returns where every worker of this machine maps the same memory."""
        if isinstance(self.directory, Path) and not self._published():
            self.returns.save(self.directory / RETURNS)

    def steps(self, *, publish: bool = True) -> Iterator[Progress]:
        """Train from the directory's newest checkpoint on, publish at the end.

        A checkpoint is saved at every check. Nothing is left to do where the model is published.

        Args:
            publish: False leaves the last checkpoint, from which another call publishes.
        """
        self.reference = from_first_worker(self._published, self.device).decode() or None
        if self.reference is not None:
            return
        identity, is_first = self.identity, rank() == 0
        events = EventLog(self.directory / "tensorboard" if is_first else None)
        server = self.mlflow if is_first else None
        document = self.config.model_dump(mode="json")
        with events, MlflowLog(server, self.directory, self.directory.name, document) as tracked:
            for progress in fit_steps(
                self.returns,
                self.config,
                device=self.device,
                resume=lambda state: state.restore(self.directory, identity),
            ):
                for log in (events, tracked):
                    log.add(progress.step, progress.metrics)
                if progress.is_check:
                    self._save(progress, identity)
                yield progress
        if is_first and publish:
            self._publish(progress)

    def model(self, progress: Progress) -> MarketModel:
        """The model with the weights that the selection rule chose so far; healthy members only."""
        training_set = progress.training_set
        members = published_members(progress.state.members)
        return MarketModel(
            shape=MarketShape(
                assets=self.returns.assets,
                kind=self.returns.kind,
                generator=self.config.generator,
                n_generators=len(members),
            ),
            generators=tuple(member.generator.cpu().float().eval() for member in members),
            mean=training_set.scaler.mean,
            std=training_set.scaler.std,
            law=training_set.law,
            time_of_day=training_set.time_of_day,
            history=_history(self.prices),
        )

    def _opened(self) -> bytes:
        self.open()
        return b""

    def _check_resumable(self) -> None:
        if latest_step(self.directory) is None and not self._published():
            raise CheckpointError(
                f"{self.directory}: there is no checkpoint to resume from: no run with these"
                " prices, this configuration and this name was started; start without --resume"
            )

    def _published(self) -> bytes:
        """The reference of the model that the run became; nothing before."""
        path = self.directory / PUBLISHED
        return path.read_bytes() if path.exists() else b""

    def _save(self, progress: Progress, identity: dict[str, str]) -> None:
        """Let the first worker save a checkpoint; if it cannot, every worker stops."""

        def save() -> bytes:
            progress.state.save(self.directory, identity)
            return b""

        from_first_worker(save, self.device)

    def _publish(self, progress: Progress) -> None:
        """Publish the model; only then forget the checkpoints."""
        self.reference = ModelStore(self.store).publish(self.name, self._writer(progress))
        with whole_file(str(self.directory / PUBLISHED)) as file:
            file.write(self.reference.encode())
        for path in [*self.directory.glob("step-*"), self.directory / RETURNS]:
            path.unlink(missing_ok=True)

    def _writer(self, progress: Progress) -> Callable[[Path], None]:
        """What fills the directory of the published model."""
        model, identity = self.model(progress), self.identity
        provenance = Provenance(
            prices=self.prices,
            source=str(self.prices.attrs.get("source", "table")),
            data_digest=identity["data"],
            seconds=progress.seconds,
            n_workers=world_size(),
            n_trials=self.n_trials,
            schedule=self.schedule,
        )
        card = model_card(TrainedSampler(model), progress, provenance)
        document = {
            "train": self.config.model_dump(mode="json"),
            "data_digest": identity["data"],
            "kind": self.returns.kind,
            "assets": self.returns.assets,
            "until": _last_row(self.prices),
            "seed": self.config.seed,
            "software": f"fingan {__version__}, torch {torch.__version__}",
        }

        published = _refitted(model, self.prices)

        def write(directory: Path) -> None:
            published.save(directory)
            _write_json(directory / "config.json", document)
            _write_json(directory / "card.json", card)

        return write


def train(
    prices: pd.DataFrame,
    config: TrainConfig | None = None,
    *,
    name: str,
    store: str | None = None,
    until: Date | None = None,
    resume: bool = False,
    device: str = "cpu",
) -> TrainingRun:
    """Prepare a run that trains and publishes a model; iterate over it to train.

    Args:
        prices: Table from ``read_prices``.
        config: Everything else that determines the model; default the best recipe known.
        name: Publish as the next version of this name.
        store: Directory or URL of the model store; default ``default_store()``.
        until: The last date that training may see; default all rows.
        resume: Go on from the newest whole checkpoint of the same run; without it, start anew.
        device: Where to train.

    Raises:
        PriceDataError: If nothing lies before ``until``.
    """
    config = config or TrainConfig()
    prices = _rows_until(prices, until)
    returns = log_returns(prices)
    key = _digest([data_digest(prices), config.model_dump(mode="json")])[:12]
    store = store or default_store()
    directory = folder(store) / ".runs" / f"{name}-{key}"
    return TrainingRun(prices, returns, config, name, store, directory, resume, device)


def fit(prices: pd.DataFrame | str, config: TrainConfig | None = None) -> TrainedSampler:
    """Train a model in memory, nothing written.

    Args:
        prices: Table from ``read_prices``, or what it reads.
        config: Default the best recipe known.

    Returns:
        The trained model with the weights that the selection rule chose.
    """
    prices, config = read_prices(prices), config or TrainConfig()
    run = TrainingRun(prices, log_returns(prices), config, "", "", Path())
    *_, progress = fit_steps(run.returns, config)
    return TrainedSampler(_refitted(run.model(progress), prices))


def refit(model: TrainedSampler, prices: pd.DataFrame) -> TrainedSampler:
    """A trained model whose scaling, filter and laws are fitted anew; its networks stay.

    A matter of seconds, between two trainings: what a desk does every day or quarter.

    Args:
        model: From ``load_model`` or ``fit``.
        prices: Every row is fitted to; the model's assets and kind.

    Returns:
        A model of the same reference, fitted until the last row; its card is of the training.

    Raises:
        UnknownAssetError: If the prices lack an asset of the model.
        PriceDataError: If an asset never moves.
    """
    now = present(prices, model.assets, model.kind, None, f"model '{model.reference}'")
    columns = prices[list(now.returns.assets)]
    columns.attrs = dict(prices.attrs)
    return replace(model, model=_refitted(model.model, columns))


def _last_row(prices: pd.DataFrame) -> str:
    """The last day of daily rows; of bars, which may end within a day, the moment of the last."""
    dates = pd.DatetimeIndex(prices.index)
    is_daily = bool((dates == dates.normalize()).all())
    return f"{dates[-1]:%Y-%m-%d}" if is_daily else dates[-1].isoformat()


def _refitted(model: MarketModel, prices: pd.DataFrame) -> MarketModel:
    """Networks chosen with days held back, on a filter that holds none back."""
    fitted = fit_market(log_returns(prices), model.shape.generator.family)
    scaler = fitted.scaler
    return model.with_law(fitted.law, scaler.mean, scaler.std, fitted.time_of_day, _history(prices))


def _history(prices: pd.DataFrame) -> History:
    """The tail of a table that goes with a model."""
    tail = prices.iloc[-HISTORY_ROWS:]
    dates = torch.from_numpy(pd.DatetimeIndex(tail.index).as_unit("ns").asi8.copy())
    return History(dates, torch.from_numpy(tail.to_numpy(dtype=float).copy()))


def load_model(reference: str, store: str | None = None) -> TrainedSampler:
    """A published model, every byte verified.

    Args:
        reference: ``name`` (newest version), ``name@version`` or a path.
        store: Directory or URL of the model store; default ``default_store()``.

    Raises:
        ModelNotFoundError: If there is no such model.
        ModelDamagedError: If its files are not the published ones.
    """
    published = ModelStore(store or default_store()).resolve(reference)
    model = MarketModel.load(published.read)
    return TrainedSampler(model, published.reference, published.digest, published.card)


def default_store() -> str:
    """The store that ``FINGAN_STORE`` names, else ``./models``."""
    return os.environ.get("FINGAN_STORE") or "models"


def returns_of(prices: pd.DataFrame, directory: Folder) -> ReturnTable:
    """The returns of a run: those that it shares, mapped and not copied, else computed."""
    path = directory / RETURNS
    if isinstance(path, Path) and path.exists():
        return ReturnTable.open(path)
    return log_returns(prices)


def _rows_until(prices: pd.DataFrame, until: Date | None) -> pd.DataFrame:
    if until is None:
        return prices
    try:
        rows = prices.loc[: end_of(until)]
    except ValueError:
        raise RequestError(f"until must be a date such as 2020-03-16, got '{until}'") from None
    if rows.empty:
        raise PriceDataError(
            f"until must not lie before the first row, {prices.index[0]:%Y-%m-%d}, got {until}"
        )
    rows.attrs = dict(prices.attrs)
    return rows


def _digest(document: Any) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _write_json(path: Path, document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")

"""Who is asked, and from which history on: what the names in a question mean."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from fingan.data.catalogue import BUNDLED
from fingan.errors import RequestError
from fingan.risk.portfolio import Portfolio, equal_weights, portfolio_of
from fingan.scenarios.baselines import BASELINES, baseline
from fingan.scenarios.present import present
from fingan.scenarios.samplers import Prepared, Sampler, TrainedSampler
from fingan.scenarios.scenario_set import ScenarioStream
from serve.histories import History, PriceSources, sent_columns, sent_table
from serve.model_shelf import ModelShelf
from serve.schemas import Held, Question
from serve.settings import Limits

KEPT_BASELINES = 16  # fitted ones in memory
KEPT_TAILS = 16

KEPT_HISTORIES = 64

Fitted = Callable[[str, History], Sampler]
Read = Callable[[TrainedSampler, History, str | None], Prepared]


@dataclass(frozen=True)
class Subject:
    """Who answers a question, and the history that it continues."""

    sampler: Sampler
    reference: str
    digest: str
    history: History
    fitted: Fitted
    """Baselines by name, fitted on a history."""
    read: Read
    """Trained models with a history read."""
    store: str
    """Of the models, which keeps the record of screens."""

    def stream(self, horizon: int, n_paths: int, *, seed: int, as_of: str | None) -> ScenarioStream:
        """Scenarios that continue the history; it is read once for many requests.

        Raises:
            RequestError: If horizon, paths, seed or date are out of range.
        """
        if isinstance(self.sampler, TrainedSampler):
            prepared = self.read(self.sampler, self.history, as_of)
            return prepared.stream(horizon, n_paths, seed=seed)
        return self.sampler.stream(self.prices, horizon, n_paths, seed=seed, as_of=as_of)

    def baselines(self, names: Sequence[str], as_of: str | None) -> list[Sampler]:
        """Classical generators of the same assets, fitted on the rows up to a day.

        Raises:
            RequestError: If the day is none, or lies before the history.
        """
        assets = self.sampler.assets
        now = present(self.prices, assets, self.sampler.kind, as_of, f"'{self.reference}'")
        rows = self.prices.loc[: now.dates[-1], list(assets)]
        rows.attrs = dict(self.prices.attrs)
        known = self.history if len(rows) == len(self.prices) else History.of(rows)
        return [self.fitted(name, known) for name in names]

    @property
    def prices(self) -> pd.DataFrame:
        """The history."""
        return self.history.prices

    def portfolio(self, held: Held) -> Portfolio:
        """The portfolio of a question; equal weights where it names none.

        Raises:
            UnknownAssetError: If the model lacks an asset.
            RequestError: If weights do not sum to 1.
        """
        if held.portfolio is None:
            return equal_weights(self.sampler.assets)
        return portfolio_of(
            held.portfolio,
            self.sampler.assets,
            allow_leverage=held.allow_leverage,
            subject=f"model '{self.reference}'",
        )


class Subjects:
    """Finds the subject of a question.

    Args:
        shelf: Trained models.
        sources: Prices by name.
        limits: Of a history that is sent.
    """

    def __init__(self, shelf: ModelShelf, sources: PriceSources, limits: Limits) -> None:
        self.shelf, self.sources, self._limits = shelf, sources, limits
        self._baselines: OrderedDict[tuple[str, str], Sampler] = OrderedDict()
        self._tails: OrderedDict[str, History] = OrderedDict()
        self._prepared: OrderedDict[tuple[str, str, str | None], Prepared] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, question: Question, table: bytes | None, digest: str | None = None) -> Subject:
        """Who is asked, and from which history on.

        Args:
            question: Model, and history or prices.
            table: Arrow body that the history came in.
            digest: The model must have it; None for any.

        Raises:
            FinganError: If a name means nothing, or a history cannot be trusted.
        """
        given = self._given(question, table)
        if question.model in BASELINES:
            return self._baseline(question.model, given or self.sources.get(BUNDLED[0]))
        loaded = self.shelf.get(question.model)
        if digest is not None and loaded.digest != digest:
            raise RequestError(f"model '{question.model}' is no longer the one that was begun with")
        history = given or self._tail(loaded.digest, loaded.sampler.history())
        return self._subject(loaded.sampler, loaded.digest, history)

    def _given(self, question: Question, table: bytes | None) -> History | None:
        n_given = (table is not None) + (question.history is not None) + bool(question.prices)
        if n_given > 1:
            raise RequestError(
                "a history must be given once: as an Arrow body, as 'history' or as 'prices'"
            )
        if table is not None:
            return sent_table(table, self._limits)
        if question.history is not None:
            return sent_columns(question.history, self._limits)
        return self.sources.get(question.prices) if question.prices else None

    def _tail(self, digest: str, prices: pd.DataFrame) -> History:
        with self._lock:
            if digest not in self._tails:
                self._tails[digest] = History.of(prices)
                while len(self._tails) > KEPT_TAILS:
                    self._tails.popitem(last=False)
            return self._tails[digest]

    def _baseline(self, name: str, history: History) -> Subject:
        return self._subject(self._fitted(name, history), history.digest, history)

    def _subject(self, sampler: Sampler, digest: str, history: History) -> Subject:
        store = self.shelf.store.root
        return Subject(sampler, sampler.reference, digest, history, self._fitted, self._read, store)

    def _read(self, sampler: TrainedSampler, history: History, as_of: str | None) -> Prepared:
        key = sampler.digest or "", history.digest, as_of
        with self._lock:
            if (found := self._prepared.get(key)) is not None:
                self._prepared.move_to_end(key)
                return found
        found = sampler.prepared(history.prices, as_of)
        with self._lock:
            self._prepared[key] = found
            while len(self._prepared) > KEPT_HISTORIES:
                self._prepared.popitem(last=False)
        return found

    def _fitted(self, name: str, history: History) -> Sampler:
        key = name, history.digest
        with self._lock:
            if key not in self._baselines:
                self._baselines[key] = baseline(name, history.prices)
                while len(self._baselines) > KEPT_BASELINES:
                    self._baselines.popitem(last=False)
            self._baselines.move_to_end(key)
            return self._baselines[key]

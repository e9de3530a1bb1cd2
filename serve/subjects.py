"""Who is asked, and from which history on: what the names in a question mean."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pandas as pd

from fingan import interruption
from fingan.data.catalogue import BUNDLED
from fingan.errors import FinganError, RequestError
from fingan.risk.portfolio import Portfolio, equal_weights, portfolio_of
from fingan.scenarios.baselines import BASELINES, BaselineName, baseline
from fingan.scenarios.present import present
from fingan.scenarios.samplers import Prepared, Sampler, TrainedSampler
from fingan.scenarios.scenario_set import ScenarioStream
from serve.cache import Cache
from serve.histories import History, PriceSources, sent_columns, sent_table
from serve.model_shelf import Loaded, ModelShelf
from serve.schemas import Held, Question, ScenarioQuery
from serve.settings import Limits

REFERENCE: BaselineName = "fhs-gjr"
KEPT_BYTES = 128 * 2**20  # of fitted baselines, and as much of histories that were read
PER_PRICE = 64  # bytes that one price of a history becomes, once it is read or fitted
FITS_AT_ONCE = 2  # a fit that has begun cannot be ended; so many are not ended at most
WARM_SECONDS = 2.0  # after which no further model is made ready before it is asked for
OVERHEAD = 2**18  # bytes of a fitted or read history beside its prices

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
        known = _known(self.history, self.sampler.assets, as_of, self.reference)
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
        self._baselines: Cache[tuple[str, str], Sampler] = Cache(KEPT_BYTES)
        self._fitting = threading.Semaphore(FITS_AT_ONCE)
        self._tails: Cache[str, History] = Cache(KEPT_BYTES)
        self._prepared: Cache[tuple[str, str, str | None], Prepared] = Cache(KEPT_BYTES)

    def of(self, question: Question, table: bytes | None) -> Subject:
        """Who is asked, and from which history on.

        Args:
            question: Model, and history or prices.
            table: Arrow body that the history came in.

        Raises:
            FinganError: If a name means nothing, or a history cannot be trusted.
        """
        given = self._given(question, table)
        if question.model in BASELINES:
            history = given or self.sources.get(BUNDLED[0])
            return self._baseline(question.model, history, getattr(question, "as_of", None))
        loaded = self.shelf.get(question.model)
        history = given or self._tail(loaded)
        return self._subject(loaded.sampler, loaded.digest, history)

    def warm(self, *, reference: bool) -> None:
        """Make ready what is asked for first: models of the store, as many as two seconds allow.

        Args:
            reference: Whether to fit it, too, on the bundled prices.
        """
        end = time.monotonic() + WARM_SECONDS
        for name in self.shelf.names:
            if time.monotonic() > end:
                break
            with suppress(FinganError):  # who asks for it is told
                self.of(ScenarioQuery(model=name), None).stream(1, 1, seed=0, as_of=None)
        if reference:
            with suppress(FinganError):  # an operator's own file of that name
                self._fitted(REFERENCE, self.sources.get(BUNDLED[0]))

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

    def _tail(self, loaded: Loaded) -> History:
        sampler = loaded.sampler
        n_bytes = _n_bytes(sampler.model.history.prices.numel())
        return self._tails.computed(loaded.digest, lambda: History.of(sampler.history()), n_bytes)

    def _baseline(self, name: str, history: History, as_of: str | None) -> Subject:
        """A baseline fitted on the rows up to a day, as it would have been on it."""
        assets = tuple(str(asset) for asset in history.prices.columns)
        known = history if as_of is None else _known(history, assets, as_of, name)
        return self._subject(self._fitted(name, known), known.digest, history)

    def _subject(self, sampler: Sampler, digest: str, history: History) -> Subject:
        store = self.shelf.store.root
        return Subject(sampler, sampler.reference, digest, history, self._fitted, self._read, store)

    def _read(self, sampler: TrainedSampler, history: History, as_of: str | None) -> Prepared:
        return self._prepared.computed(
            (sampler.digest or "", history.key, as_of),
            lambda: sampler.prepared(history.prices, as_of),
            _n_bytes(history.prices.size),
        )

    def _fitted(self, name: str, history: History) -> Sampler:
        return self._baselines.computed(
            (name, history.key), lambda: self._fit(name, history), _n_bytes(history.prices.size)
        )

    def _fit(self, name: str, history: History) -> Sampler:
        with interruption.turn(self._fitting):
            return baseline(name, history.prices)


def _known(history: History, assets: tuple[str, ...], as_of: str | None, reference: str) -> History:
    """The rows of a history up to a day.

    Raises:
        RequestError: If the day is none, or lies outside the history.
    """
    prices = history.prices
    kind = prices.attrs.get("kind", "price")
    now = present(prices, assets, kind, as_of, f"'{reference}'")
    rows = prices.loc[: now.dates[-1], list(assets)]
    rows.attrs = dict(prices.attrs)
    return history if rows.shape == prices.shape else History.of(rows)


def _n_bytes(n_prices: int) -> int:
    return OVERHEAD + PER_PRICE * n_prices

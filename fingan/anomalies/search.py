"""Windows of a price file scored against the market that a model has learnt.

Three spans, none of which overlap. Rows that training saw say how rare each feature is; held-out
rows calibrate the score, so that it becomes a p-value; the rows asked for are judged.
"""

from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Bool, Float, Int64
from pydantic import Field, PositiveInt
from torch import Tensor

from fingan.anomalies.conformal import (
    Uniformity,
    conformal_p_values,
    false_discovery_rates,
    uniformity,
)
from fingan.anomalies.evidence import Evidence, gather
from fingan.anomalies.features import FEATURES, window_features
from fingan.anomalies.surprise import Surprise
from fingan.config import Config
from fingan.data.returns import end_of, log_returns
from fingan.errors import RequestError
from fingan.scenarios.present import check_columns
from fingan.scenarios.samplers import TrainedSampler

REFERENCE_ROWS = 1_500  # of the training span, its last
MIN_WINDOWS = 250  # to calibrate with, and to learn rarity from

Features = Float[Tensor, "n_windows n_features"]


class AnomalyRequest(Config):
    """Which rows are judged, and how strictly."""

    window: PositiveInt = 5
    """Rows of a window; windows that are judged do not overlap."""

    fdr: float = Field(0.1, gt=0, lt=1)
    """Share of false alarms tolerated among the windows flagged."""

    budget: PositiveInt = 10
    """Windows listed, oddest first, whether flagged or not."""

    first: str | None = None
    """First date judged; default the second half of the rows after training."""

    last: str | None = None
    """Last date judged; default the last row."""


@dataclass(frozen=True)
class Anomalies:
    """Every judged window with its score; ``report.record`` says it in JSON."""

    reference: str
    digest: str | None
    request: AnomalyRequest
    evidence: Evidence
    ends: Int64[Tensor, " n_windows"]
    """Last row of each judged window, in order of time."""
    features: Features
    surprises: Features
    p_values: Float[Tensor, " n_windows"]
    q_values: Float[Tensor, " n_windows"]
    """Smallest false-discovery rate at which a window is flagged."""
    calibration: Int64[Tensor, " n_calibration"]
    """Last row of each calibration window; these overlap."""
    ordinary: Float[Tensor, " n_calibration"]
    """Their scores."""

    @property
    def scores(self) -> Float[Tensor, " n_windows"]:
        """Surprise of each window's rarest feature."""
        return self.surprises.amax(1)

    @property
    def flagged(self) -> Bool[Tensor, " n_windows"]:
        """Windows that the false-discovery control lets through."""
        return self.q_values <= self.request.fdr

    @property
    def order(self) -> Int64[Tensor, " n_windows"]:
        """The windows, oddest first; in order of time where equal."""
        return self.scores.argsort(descending=True, stable=True)

    def span(self, window: int) -> tuple[pd.Timestamp, pd.Timestamp]:
        """First and last date of a judged window."""
        end = int(self.ends[window])
        return (
            self.evidence.dates[end + 1 - self.request.window],
            self.evidence.dates[end],
        )

    def driver(self, window: int) -> str:
        """The feature that made a window's score."""
        return FEATURES[int(self.surprises[window].argmax())]

    @property
    def check(self) -> Uniformity:
        """Whether ordinary windows of the judged span look as those of the calibration did."""
        return uniformity(self.p_values)


def find_anomalies(
    sampler: TrainedSampler, prices: pd.DataFrame, request: AnomalyRequest | None = None
) -> Anomalies:
    """Judge the windows of a span.

    Args:
        sampler: A trained model; a baseline has no filter that could be asked.
        prices: Table from ``read_prices`` that reaches back into the training span.
        request: Default ``AnomalyRequest()``.

    Raises:
        UnknownAssetError: If the prices lack an asset of the model.
        RequestError: If the span lies in training, or leaves too little to calibrate with.
    """
    request = request or AnomalyRequest()
    check_columns(prices, sampler.assets, sampler.kind, f"model '{sampler.reference}'")
    table = prices[list(sampler.assets)]
    table.attrs = dict(prices.attrs)
    evidence = gather(sampler.model, log_returns(table))
    held_out = int(evidence.dates.searchsorted(sampler.fitted_until, side="right"))
    first, last = _judged_rows(evidence.dates, held_out, request, sampler.fitted_until)
    width = request.window
    ends = torch.arange(last, first + width - 2, -width).flip(0)
    calibration = _calibration(held_out, first, last, len(evidence.dates), width)
    reference = torch.arange(max(0, held_out - REFERENCE_ROWS) + width - 1, held_out)
    _check_sizes(ends, calibration, reference, request)

    law = Surprise.fit(window_features(evidence, reference, width))
    features = window_features(evidence, ends, width)
    surprises = law.of(features)
    ordinary = law.of(window_features(evidence, calibration, width)).amax(1)
    p_values = conformal_p_values(surprises.amax(1), ordinary)
    return Anomalies(
        reference=sampler.reference,
        digest=sampler.digest,
        request=request,
        evidence=evidence,
        ends=ends,
        features=features,
        surprises=surprises,
        p_values=p_values,
        q_values=false_discovery_rates(p_values),
        calibration=calibration,
        ordinary=ordinary,
    )


def _judged_rows(
    dates: pd.DatetimeIndex, held_out: int, request: AnomalyRequest, until: pd.Timestamp
) -> tuple[int, int]:
    """First and last row to be judged."""
    first, last = _day(request.first, "from"), _day(request.last, "to")
    begin = held_out + (len(dates) - held_out) // 2
    if first is not None:
        begin = int(dates.searchsorted(first.normalize(), side="left"))
    end = len(dates) - 1 if last is None else int(dates.searchsorted(last, side="right")) - 1
    if begin < held_out:
        raise RequestError(
            f"from must lie after {until:%Y-%m-%d}, up to which the model was fitted, got"
            f" {request.first}: days that it has learnt cannot be judged"
        )
    if end - begin + 1 < request.window:
        raise RequestError(
            f"the days judged must hold at least one window of {request.window} rows, got"
            f" {max(0, end - begin + 1)} rows after {until:%Y-%m-%d}; give prices that go on after"
            " it, or an earlier first day"
        )
    return begin, end


def _day(given: str | None, name: str) -> pd.Timestamp | None:
    try:
        return None if given is None else end_of(given)
    except ValueError:
        raise RequestError(f"{name} must be a date such as 2020-03-16, got '{given}'") from None


def _calibration(
    held_out: int, first: int, last: int, n_rows: int, width: int
) -> Int64[Tensor, " n_calibration"]:
    """Held-out windows on both sides of the judged rows; they overlap each other, not these."""
    before = torch.arange(held_out + width - 1, max(held_out + width - 1, first))
    after = torch.arange(min(last + width, n_rows), n_rows)
    return torch.cat([before, after])


def _check_sizes(ends: Tensor, calibration: Tensor, reference: Tensor, request: Config) -> None:
    assert len(ends) > 0, request
    if len(calibration) < MIN_WINDOWS:
        raise RequestError(
            f"at least {MIN_WINDOWS} held-out windows outside the judged span must calibrate the"
            f" score, got {len(calibration)}; judge a shorter span with --from and --to, or train a"
            " model with an earlier --until"
        )
    if len(reference) < MIN_WINDOWS:
        raise RequestError(
            f"the prices must hold at least {MIN_WINDOWS} windows of the model's training span, got"
            f" {len(reference)}; give a file that begins earlier"
        )

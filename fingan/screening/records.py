"""The out-of-sample record of a screen: its questions, its figures, its file beside the models.

A record belongs to one definition of a screen and one model. Shown with any other it is stale.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fingan.errors import StoreError
from fingan.files import local_path, whole_file
from fingan.screening.calibration import DensitySkill, Hits, Reliability, Spread
from fingan.screening.skill import DateMean, minimum_detectable_ic

FOLDER = ".screens"  # of a model store
SIGNIFICANCE = 0.05
CERTAIN = 0.95  # deflated Sharpe ratio at least

Answer = Literal["yes", "no", "cannot tell"]
Status = Literal["unvalidated", "stale", "in-sample", "ok"]


@dataclass(frozen=True)
class Question:
    """One question that a record answers."""

    asked: str
    answer: Answer
    because: str

    def record(self) -> dict[str, str]:
        """As JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Earnings:
    """The best candidates bought and the worst sold at each date, net of costs."""

    gross: DateMean
    net: DateMean
    costs_bps: float
    turnover: float
    """Weight traded a date, on average."""
    break_even_bps: float | None
    deflated_sharpe: float | None
    """Probability that the true Sharpe ratio is above zero, given the trials."""
    n_trials: int

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return dict(vars(self)) | {"gross": self.gross.record(), "net": self.net.record()}


@dataclass(frozen=True)
class ScreenValidation:
    """What a walk-forward found out about a screen."""

    design: Mapping[str, Any]
    """Model, digests, dates, rows: what the record is of."""
    rank_ic: DateMean
    icir: float | None
    decay: tuple[DateMean, ...]
    """Rank IC with the first window of a horizon, the second, and so on."""
    sub_periods: Mapping[str, DateMean]
    references: Mapping[str, DateMean]
    """Rank IC of what has no skill, or is for free."""
    increments: Mapping[str, DateMean]
    """Rank IC less that of each reference, on the same dates."""
    earnings: Earnings
    reliability: Reliability | None
    spread: Spread
    density: DensitySkill | None
    """Beside filtered historical simulation, if that is among the references."""
    hits: Hits
    notes: tuple[str, ...]

    def questions(self) -> tuple[Question, ...]:
        """What the figures answer."""
        return (
            self._orders(),
            self._true_probabilities(),
            self._better_density(),
            self._hit_rate(),
            self._survives_costs(),
            self._not_luck(),
            self._stable(),
        )

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "design": dict(self.design),
            "questions": [question.record() for question in self.questions()],
            "rank_ic": self.rank_ic.record(),
            "icir": self.icir,
            "minimum_detectable_ic": minimum_detectable_ic(self.rank_ic.se),
            "decay": [mean.record() for mean in self.decay],
            "sub_periods": _records(self.sub_periods),
            "references": _records(self.references),
            "increments": _records(self.increments),
            "top_minus_bottom": self.earnings.record(),
            "reliability": None if self.reliability is None else self.reliability.record(),
            "spread": self.spread.record(),
            "crps": None if self.density is None else self.density.record(),
            "hits": self.hits.record(),
            "notes": list(self.notes),
        }

    def _orders(self) -> Question:
        asked = "Does it order outcomes?"
        mean, best = (
            self.rank_ic,
            max(
                (
                    found.estimate
                    for found in self.references.values()
                    if found.estimate is not None
                ),
                default=0.0,
            ),
        )
        if mean.lower is None or mean.upper is None:
            return Question(asked, "cannot tell", mean.note or "the mean rank IC has no error")
        interval = f"mean rank IC {mean.estimate:+.3f}, 95 % {mean.lower:+.3f} to {mean.upper:+.3f}"
        if mean.lower <= 0:
            return Question(asked, "no", f"{interval}: covers or lies below 0")
        if mean.lower <= best:
            return Question(asked, "no", f"{interval}: does not exceed a reference's {best:+.3f}")
        return Question(asked, "yes", interval)

    def _true_probabilities(self) -> Question:
        asked, found = "Are its probabilities true?", self.reliability
        uniform = self.spread.p_uniform
        if found is None or found.slope_ci is None or uniform is None:
            return Question(asked, "cannot tell", "their slope has no error")
        lower, upper = found.slope_ci
        because = (
            f"slope {found.slope:.2f}, 95 % {lower:.2f} to {upper:.2f}; uniform p {uniform:.3f}"
        )
        if not lower <= 1 <= upper or uniform < SIGNIFICANCE:
            return Question(asked, "no", because)
        return Question(asked, "cannot tell" if lower <= 0 else "yes", because)

    def _better_density(self) -> Question:
        asked, found = "Is its density better than filtered historical simulation's?", self.density
        if found is None or found.dm_p is None:
            return Question(asked, "cannot tell", "not compared, or on too few dates")
        because = f"CRPS skill {found.skill:+.2%}, p {found.dm_p:.3f}"
        if found.skill <= 0:
            return Question(asked, "no", because)
        return Question(asked, "yes" if found.dm_p < SIGNIFICANCE else "cannot tell", because)

    def _hit_rate(self) -> Question:
        asked, excess = "Do its picks hit more often than all candidates?", self.hits.excess
        if excess.lower is None:
            return Question(asked, "cannot tell", excess.note or "the excess has no error")
        because = f"{self.hits.share:.1%} beside {self.hits.base_rate:.1%}"
        return Question(asked, "yes" if excess.lower > 0 else "no", because)

    def _survives_costs(self) -> Question:
        asked, found = "Does it survive costs?", self.earnings
        if found.break_even_bps is None:
            return Question(asked, "no", "top minus bottom loses before costs")
        enough = found.break_even_bps >= found.costs_bps
        because = f"breaks even at {found.break_even_bps:.0f} bp beside {found.costs_bps:g} bp"
        return Question(asked, "yes" if enough else "no", because)

    def _not_luck(self) -> Question:
        asked, found = "Is it more than a lucky search?", self.earnings.deflated_sharpe
        if found is None:
            return Question(asked, "cannot tell", "too few dates")
        because = f"deflated Sharpe ratio {found:.2f} of {self.earnings.n_trials} trials"
        return Question(asked, "yes" if found >= CERTAIN else "no", because)

    def _stable(self) -> Question:
        asked = "Is it stable?"
        means = [mean.estimate for mean in self.sub_periods.values()]
        known = [mean for mean in means if mean is not None]
        if len(known) < 2:
            return Question(asked, "cannot tell", "one period alone")
        because = "mean rank IC " + ", ".join(
            f"{name} {mean.estimate:+.3f}"
            for name, mean in self.sub_periods.items()
            if mean.estimate is not None
        )
        return Question(asked, "yes" if min(known) > 0 or max(known) < 0 else "no", because)


@dataclass(frozen=True)
class Standing:
    """What is known of a screen out of sample."""

    status: Status
    record: dict[str, Any] | None

    def summary(self) -> str:
        """One line for every run of the screen."""
        match self.status, self.record:
            case _, None:
                return "unvalidated: no out-of-sample record for this screen and model"
            case "stale", record:
                return f"stale: the newest record is of another model or definition, {_of(record)}"
            case "ok", record:  # of this screen and model: no judgement of what it says
                return f"on record: {_of(record)}"
            case status, record:
                return f"{status}: {_of(record)}"


def save_validation(store: str, validation: Mapping[str, Any]) -> str:
    """Keep a record in a model store, in place of an older one of the same screen and model.

    Args:
        store: Of the model.
        validation: :meth:`ScreenValidation.record`.

    Returns:
        Where it is.

    Raises:
        StoreError: If it cannot be written.
    """
    design = validation["design"]
    path = _place(store, design["screen_digest"], design["model_digest"])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise StoreError(f"{path.parent}: cannot be written: {failure.strerror}") from None
    with whole_file(path) as file:
        file.write((json.dumps(validation, indent=1, allow_nan=False) + "\n").encode())
    return str(path)


def find_validation(store: str, screen_digest: str, model_digest: str | None) -> Standing:
    """The record of a screen and a model; else the newest of either, as stale.

    Args:
        store: Of the model.
        screen_digest: Of the definition.
        model_digest: Of the model.
    """
    own = _place(store, screen_digest, model_digest)
    if own.exists():
        record = _read(own)
        return Standing("in-sample" if record["design"]["in_sample"] else "ok", record)
    patterns = (
        f"validation-{screen_digest[:16]}-*.json",
        f"validation-*-{_key(model_digest)}.json",
    )
    near = [path for pattern in patterns for path in own.parent.glob(pattern)]
    if not near:
        return Standing("unvalidated", None)
    return Standing("stale", _read(max(near, key=lambda path: path.stat().st_mtime)))


def _of(record: Mapping[str, Any]) -> str:
    design, mean = record["design"], record["rank_ic"]
    error = "" if mean["se"] is None else f" ± {mean['se']:.3f}"
    return (
        f"{design['n_dates']} dates from {design['first']} to {design['last']}, mean rank IC"
        f" {'n/a' if mean['estimate'] is None else format(mean['estimate'], '+.3f')}{error}"
    )


def _place(store: str, screen_digest: str, model_digest: str | None) -> Path:
    root = local_path(store) or Path("models")
    return root / FOLDER / f"validation-{screen_digest[:16]}-{_key(model_digest)}.json"


def _key(model_digest: str | None) -> str:
    return "unpublished" if model_digest is None else model_digest.rpartition(":")[2][:16]


def _read(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        raise StoreError(f"{path}: is no record of a validation: {failure}") from None
    return record


def _records(means: Mapping[str, DateMean]) -> dict[str, Any]:
    return {name: mean.record() for name, mean in means.items()}

"""What a screen found: a list of hypotheses, each figure with its errors."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fingan.risk.estimates import Estimate
from fingan.screening.article import ArticleRule
from fingan.screening.candidates import Candidate
from fingan.screening.ranking import Place
from fingan.screening.records import Standing
from fingan.screening.specification import ScreenSpec
from fingan.screening.trials import Trials
from fingan.screening.verdicts import Judged, Verdict

NOT_ADVICE = (
    "Model-implied figures and a list of hypotheses: not advice, not a forecast of returns, no"
    " evidence before an out-of-sample record."
)
UNKNOWN = Standing("unvalidated", None)


@dataclass(frozen=True)
class CandidateResult:
    """A candidate's place, verdict and figures."""

    candidate: Candidate
    place: Place
    criteria: tuple[Judged, ...]
    q_at_most: float
    """Share of false discoveries that the screen allows."""
    distribution: Mapping[str, Estimate]
    """Of the net return over the horizon and of the deepest drawdown."""
    picked_by: tuple[str, ...]
    """Sorts of the past that would have taken it too."""

    @property
    def verdict(self) -> Verdict:
        """Pass if every criterion passes, fail if one fails."""
        found = [one.verdict for one in self.criteria]
        if "fail" in found:
            return "fail"
        return "pass" if found and all(one == "pass" for one in found) else "undecided"

    @property
    def is_discovery(self) -> bool:
        """Better than every reference in some criterion, after multiplicity control."""
        return any(one.q is not None and one.q <= self.q_at_most for one in self.criteria)

    @property
    def is_listed(self) -> bool:
        """All criteria hold, and not only because they hold without a model."""
        return self.verdict == "pass" and self.is_discovery

    def record(self) -> dict[str, Any]:
        """As JSON."""
        place = self.place
        ahead = place.ahead_of_next
        return {
            "id": self.candidate.label,
            "name": self.candidate.name,
            "direction": self.candidate.direction,
            "verdict": self.verdict,
            "discovery": self.is_discovery,
            "listed": self.is_listed,
            "rank": place.rank,
            "score": place.score.record(),
            "ahead_of_next": None if ahead is None else ahead.record(),
            "tied_with_next": place.is_tied_with_next,
            "p_top_k": place.p_top_k,
            "criteria": [one.record() for one in self.criteria],
            "distribution": {name: one.record() for name, one in self.distribution.items()},
            "also_picked_by": list(self.picked_by),
        }


@dataclass(frozen=True)
class Screen:
    """A run of a screen."""

    model: str
    spec: ScreenSpec
    metadata: Mapping[str, Any]
    """Of its scenarios."""
    results: tuple[CandidateResult, ...]
    """Best first."""
    agreement: Mapping[str, float | None]
    """Rank correlation of the order with each reference's."""
    article: Mapping[str, ArticleRule]
    """Where asked for: what the article's rule selects, of the model and of each reference."""
    warnings: tuple[str, ...]
    validation: Standing = UNKNOWN
    trials: Trials | None = None

    @property
    def listed(self) -> tuple[CandidateResult, ...]:
        """The candidates whose criteria hold, after multiplicity control."""
        return tuple(one for one in self.results if one.is_listed)

    @property
    def model_digest(self) -> str | None:
        """Of the published model; None where there is none."""
        digest: str | None = self.metadata["model_digest"]
        return digest

    @property
    def run(self) -> str:
        """Its name: the same screen of the same data and seed has the same."""
        known = [self.model, self.model_digest, self.metadata["data_digest"]]
        document = [*known, self.spec.model_dump(mode="json")]
        return f"scr_{hashlib.sha256(json.dumps(document).encode()).hexdigest()[:12]}"

    def record(self) -> dict[str, Any]:
        """As JSON."""
        found = self.validation.record
        return {
            "screen_run": self.run,
            "model": self.model,
            "model_digest": self.model_digest,
            "screen_digest": self.spec.digest(),
            "as_of": self.metadata["as_of"],
            "drift_policy": self.metadata["drift_policy"],
            "n_generators": self.metadata["n_generators"],
            "spec": self.spec.model_dump(mode="json"),
            "n_candidates": len(self.results),
            "n_tests": sum(len(one.criteria) for one in self.results),
            "trials": None if self.trials is None else self.trials.record(),
            "results": [one.record() for one in self.results],
            "listed": [one.candidate.label for one in self.listed],
            "rank_agreement": dict(self.agreement),
            "article": {name: rule.record() for name, rule in self.article.items()},
            "validation": {
                "status": self.validation.status,
                "summary": self.validation.summary(),
                "rank_ic": None if found is None else found["rank_ic"],
                "n_dates": None if found is None else found["design"]["n_dates"],
                "minimum_detectable_ic": None if found is None else found["minimum_detectable_ic"],
            },
            "warnings": list(self.warnings),
            "not_advice": NOT_ADVICE,
        }

"""The gates of publication: written questions, each with a threshold that sampling explains.

Version 1. The statistical gates share ``FAMILY_LEVEL``: a true model fails any of them with at most
that probability, by Bonferroni over gates. Their bands come from laws that hold for every process
(ranks of outcomes: chi-square, binomial) or from the model's own histories (would the market be
the most unusual of them?). Only the margin of the spread is a
judgement: volatility that is wrong by less is not held against a model, however many days there
are.

Source: Dunn (1961), Multiple comparisons among means, for the shared level; Besag & Clifford
(1989), Generalized Monte Carlo significance tests, for the place of the market among a model's own
histories.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from fingan.assessment import gate_rules
from fingan.assessment.evidence import Periods, gather
from fingan.assessment.gate import FAMILY_LEVEL, Gate
from fingan.assessment.validation import REFERENCE, Validation, beside_reference
from fingan.scenarios.samplers import Sampler

GATES_VERSION = 1
OF_EVIDENCE = (
    gate_rules.distinct_paths,
    gate_rules.one_mode,
    gate_rules.spread_of_assets,
    gate_rules.spread_of_directions,
    gate_rules.clustering,
    gate_rules.tails,
    gate_rules.coverage,
    gate_rules.copies,
)


@dataclass(frozen=True)
class GateReport:
    """All gates of one model."""

    results: Sequence[Gate]

    @property
    def failed(self) -> list[str]:
        """Names of the gates that the model failed."""
        return [gate.name for gate in self.results if gate.passed is False]

    @property
    def speaks_for_reference(self) -> bool:
        """Whether the model failed a gate that the reference does not fail as well."""
        return any(
            gate.passed is False and gate.reference_passed is not False for gate in self.results
        )

    def record(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "version": GATES_VERSION,
            "family_level": FAMILY_LEVEL,
            "passed": [gate.name for gate in self.results if gate.passed],
            "failed": self.failed,
            "not_applicable": [gate.name for gate in self.results if gate.passed is None],
            "results": [asdict(gate) for gate in self.results],
        }


def run_gates(
    sampler: Sampler,
    periods: Periods,
    *,
    healthy: bool = True,
    validation: Validation | None = None,
    seed: int = 0,
) -> GateReport:
    """Ask a model every question; where it fails one, ask the reference too.

    Args:
        sampler: The model.
        periods: Its training period; nothing after it is read.
        healthy: Whether any check during training showed no collapse.
        validation: Its score beside the reference's, where that is known already.
        seed: Of all scenarios.
    """
    beside = validation or beside_reference(sampler, periods, seed=seed)
    results = _answers(sampler, periods, seed)
    if beside.reference is not None and any(gate.passed is False for gate in results):
        theirs = _answers(beside.reference, periods, seed)
        results = [_beside(*pair) for pair in zip(results, theirs, strict=True)]
    return GateReport(
        [
            gate_rules.training_health(healthy=healthy),
            *results,
            gate_rules.score(beside),
        ]
    )


def _answers(sampler: Sampler, periods: Periods, seed: int) -> list[Gate]:
    evidence = gather(sampler, periods, seed=seed)
    return [rule(evidence) for rule in OF_EVIDENCE]


def _beside(ours: Gate, theirs: Gate) -> Gate:
    """A failed gate with the answer of the reference, which would be offered instead."""
    if ours.passed is not False or theirs.passed is None:
        return ours
    found = "" if theirs.value is None else f" with {theirs.value:.3g}"
    answer = f"{REFERENCE} {'passes' if theirs.passed else 'fails too'}{found}"
    note = answer if ours.note is None else f"{ours.note}; {answer}"
    return replace(ours, note=note, reference_passed=theirs.passed)

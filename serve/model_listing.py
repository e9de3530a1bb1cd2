"""One version of a model as ``GET /v1/models`` shows it."""

from collections.abc import Mapping
from typing import Any

from fingan.scenarios.baselines import BASELINES
from fingan.scenarios.store import ModelEntry


def described(
    entry: ModelEntry, problem: str | None, *, is_newest: bool, is_served: bool
) -> dict[str, Any]:
    """A version for people and programs.

    Args:
        entry: What the store says of it.
        problem: Why it is not served; None for a sound version.
        is_newest: Whether it is the last of its name.
        is_served: Whether its name without a number means it.
    """
    card = entry.card
    data, gates, selection = (_section(card, name) for name in ("data", "gates", "selection"))
    return {
        "model": entry.reference,
        "name": entry.name,
        "version": entry.version,
        "kind": "trained",
        "digest": entry.digest,
        "published": entry.published,
        "is_newest": is_newest,
        "is_served": is_served,
        "status": card.get("status"),
        "offer": card.get("offer"),
        "source": data.get("source"),
        "n_trials": selection.get("n_trials", 1),
        "gates_passed": len(_names(gates, "passed")),
        "gates_failed": _names(gates, "failed"),
        "assets": _names(data, "assets"),
        "first": data.get("first"),
        "fitted_until": data.get("last"),
        "problem": problem,
    }


def _section(card: Any, name: str) -> Mapping[str, Any]:
    """Part of a card; an empty one where another program wrote none."""
    found = card.get(name) if isinstance(card, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _names(section: Mapping[str, Any], key: str) -> list[str]:
    found = section.get(key)
    return list(map(str, found)) if isinstance(found, list) else []


def baselines() -> list[dict[str, Any]]:
    """The classical generators, which need no store."""
    return [{"model": name, "kind": "baseline"} for name in BASELINES]

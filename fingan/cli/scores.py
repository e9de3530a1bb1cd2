"""The scores and the verdict on a model's card, in one line for people."""

from typing import Any


def score_line(card: dict[str, Any]) -> str:
    """How the model fares beside its baseline, with the error, the caveat and failed gates."""
    return _score(card) + _warning(card)


def _warning(card: dict[str, Any]) -> str:
    if card.get("status") != "candidate":
        return ""
    failed = ", ".join(name.replace("_", " ") for name in card["gates"]["failed"])
    if not failed:
        n_trials = card["selection"]["n_trials"]
        return f"; a candidate only: the best of {n_trials} trials on this span, not yet judged"
    if card["offer"] is None:
        return f"; a candidate only, it fails: {failed}, as {card['scores']['reference']} does"
    return f"; a candidate only, it fails: {failed}; use {card['offer']} instead"


def _score(card: dict[str, Any]) -> str:
    scores = card["scores"]
    if "rows" not in scores:
        return f"no score on the validation span: {scores['skipped']}"
    reference = scores["reference"]
    ours, theirs = scores["rows"]["model"], scores["rows"][reference]
    verdict = "lower is better" if ours["difference"] < 0 else f"{reference} is better here"
    return (
        f"validation {scores['metric'].split(' of ')[0]}: {ours['mean']:.4f} beside {reference}'s"
        f" {theirs['mean']:.4f} (t = {ours['t']:+.1f}; {verdict}; this span chose the weights)"
    )

"""From the options of ``fingan stress`` to what is asked of the library."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pandas as pd

from fingan.errors import RequestError
from fingan.risk.portfolio import Portfolio
from fingan.risk.views import parse_view
from fingan.scenarios.baselines import BASELINES
from fingan.scenarios.samplers import Sampler
from fingan.stress.conditional import ConditionalStress, conditional_stress
from fingan.stress.conditions import parse_shock
from fingan.stress.replay import Replay, ReplayRequest, replay
from fingan.stress.request import StressRequest
from fingan.stress.reverse import Reverse, reverse_stress
from fingan.stress.reverse_request import ReverseRequest
from fingan.stress.viewed import Viewed, ViewRequest, viewed
from fingan.stress.windows import parse_window

Found: TypeAlias = ConditionalStress | Replay | Viewed | Reverse
Ask = Callable[[Sampler, pd.DataFrame, Portfolio], Found]
Given = Mapping[str, Any]  # options that were used, as they are typed

SHOCK, REPLAY, VIEW, REVERSE = KINDS = ("--shock", "--replay", "--view", "--reverse")
BELONGS = {  # options that only some kinds of stress know
    "--over": (SHOCK,),
    "--loss": (REVERSE,),
    "--parts": (REVERSE,),
    "--max-modes": (REVERSE,),
    "--comparators": (SHOCK, REVERSE),
    "--no-search": (SHOCK, REVERSE),
    "--horizon": (SHOCK, VIEW, REVERSE),
    "--min-ess": (SHOCK, VIEW, REVERSE),
    "--as-of": (SHOCK, VIEW, REVERSE),
    "--out": (SHOCK, VIEW, REVERSE),
}


def asked(given: Given, seed: int, threads: int) -> Ask:
    """What to ask of the library; every mistake in the options shows here.

    Raises:
        RequestError: If options do not go together, or a shock, view or window cannot be read.
    """
    kind = _kind(given)
    common = {"seed": seed} | _named(given, "--horizon", "--min-ess", "--as-of")
    pooled = common | _named(given, "--paths", "--comparators", "--no-search")
    match kind:
        case "--shock":
            shocks = tuple(parse_shock(text, given.get("--over")) for text in given[SHOCK])
            shock_request = StressRequest(shocks=shocks, **pooled)
            return lambda sampler, prices, portfolio: conditional_stress(
                sampler, prices, portfolio, shock_request, n_threads=threads
            )
        case "--replay":
            window = parse_window(given[REPLAY])
            replay_request = ReplayRequest(seed=seed, **_paths(given))
            return lambda sampler, prices, portfolio: replay(
                sampler, prices, portfolio, window, replay_request
            )
        case "--view":
            views = tuple(map(parse_view, given[VIEW]))
            view_request = ViewRequest(views=views, **common, **_paths(given))
            return lambda sampler, prices, portfolio: viewed(
                sampler, prices, portfolio, view_request
            )
    own = _named(given, "--max-modes", "--parts")
    reverse_request = ReverseRequest(loss=_loss(given), **pooled, **own)
    return lambda sampler, prices, portfolio: reverse_stress(
        sampler, prices, portfolio, reverse_request, n_threads=threads
    )


def _kind(given: Given) -> str:
    kinds = [name for name in KINDS if name in given]
    if len(kinds) != 1:
        raise RequestError(
            "a stress must be one of --shock, --replay, --view and --reverse, got"
            f" {' and '.join(kinds) or 'none'}"
        )
    (kind,) = kinds
    for name, owners in BELONGS.items():
        if name in given and kind not in owners:
            raise RequestError(f"{name} must stand with {' or '.join(owners)}, got it with {kind}")
    return kind


def _loss(given: Given) -> float:
    loss = given.get("--loss")
    if loss is None or loss <= 0:
        got = "none" if loss is None else f"{loss:g}"
        raise RequestError(
            f"--reverse must have a positive --loss, such as 0.15 for 15 % of the value, got {got}"
        )
    return float(loss)


def _paths(given: Given) -> dict[str, Any]:
    return {"n_paths": given["--paths"]} if "--paths" in given else {}


def _named(given: Given, *names: str) -> dict[str, Any]:
    """Options as the fields of a request."""
    found: dict[str, Any] = {}
    for name in names:
        if name not in given:
            continue
        value = given[name]
        match name:
            case "--comparators":
                found["comparators"] = _comparators(value)
            case "--no-search":
                found["search"] = False
            case "--paths":
                found["n_pool"] = value
            case "--parts":
                found["n_parts"] = value
            case _:
                found[name.removeprefix("--").replace("-", "_")] = value
    return found


def _comparators(text: str) -> tuple[str, ...]:
    if text == "none":
        return ()
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in BASELINES:
            raise RequestError(
                f"--comparators must be among {', '.join(BASELINES)} or 'none', got '{name}'"
            )
    return names

"""Models that programs train once and find again: by prices, configuration and code.

Several programs score the same models, and some models take hours. Each is published under a name
that is a digest of all that determines it, so that a program finds what another one trained, and
two programs that train different seeds side by side can be followed by one that scores them all.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

import fingan
from benchmarks.learning import integers, say
from fingan.config import load_config
from fingan.data.quality import data_digest
from fingan.data.returns import Date, end_of
from fingan.errors import ModelNotFoundError
from fingan.pipeline import load_model, train
from fingan.scenarios.samplers import TrainedSampler
from fingan.training.config import TrainConfig

STORE = "runs/models"
TRAINING_ROOMS = ("data", "metrics", "models", "training", "volatility")
UNTRAINED = ("ensemble=1", "steps=1", "adversarial.learning_rate=1e-30")
"""One step at a rate that moves no weight: the network as training finds it."""


def stored_options(seeds: str = "0,1,2,3,4") -> argparse.ArgumentParser:
    """Options of the models, as a parent of a program's own parser.

    Args:
        seeds: Of models, where none are given.
    """
    parser = argparse.ArgumentParser(add_help=False)
    add: Callable[..., object] = parser.add_argument
    add("--seeds", type=integers, default=integers(seeds), help=f"default: {seeds or 'none'}")
    add("--members", type=int, help="generators of a model; default the configuration's")
    add("--steps", type=int, help="fewer steps, for a try")
    add("--config", type=Path, help="TOML of the training; default the library's defaults")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="one value of it")
    add("--store", default=STORE, help="of the models trained here (default: %(default)s)")
    add("--quick", action="store_true", help="a look at an earlier span: hardly trained")
    return parser


def rows_until(prices: pd.DataFrame, until: Date) -> pd.DataFrame:
    """The rows up to a day, and what is known of them all."""
    past = prices.loc[: end_of(until)]
    past.attrs = dict(prices.attrs)
    return past


def stored_model(
    past: pd.DataFrame, options: argparse.Namespace, seed: int, settings: tuple[str, ...] = ()
) -> TrainedSampler:
    """A model of some rows: from the store, or trained now and published there.

    Args:
        past: All rows that it may see.
        options: Those of ``stored_options``.
        seed: Of the training.
        settings: Values of the configuration that come after those asked for.
    """
    config = configuration(options, seed, settings)
    name = f"seed{seed}-{_key(past, config)}"
    try:
        return load_model(name, options.store)
    except ModelNotFoundError:
        pass
    days = f"{past.index[0]:%Y-%m-%d} to {past.index[-1]:%Y-%m-%d}"
    say(f"training seed {seed}: {len(past):,} rows of {len(past.columns)} assets, {days}")
    began = time.process_time()
    run = train(past, config, name=name, store=options.store)
    for progress in run:
        if progress.is_check and "validation_score" in progress.metrics:
            score = progress.metrics["validation_score"]
            say(f"  step {progress.step:,}: validation score {score:.4f}")
    say(f"  {time.process_time() - began:.0f} CPU-s, published as {run.reference}")
    return load_model(str(run.reference), options.store)


def configuration(
    options: argparse.Namespace, seed: int, settings: tuple[str, ...] = ()
) -> TrainConfig:
    """What the options ask for; a later setting outdoes an earlier one."""
    asked = [*options.set]
    asked += [] if options.members is None else [f"ensemble={options.members}"]
    asked += [] if options.steps is None else [f"steps={options.steps}"]
    return load_config(TrainConfig, options.config, [*asked, *settings, f"seed={seed}"])


def training_minutes(models: list[TrainedSampler]) -> str:
    """Wall time of each training as its card has it: without the gates, which take seconds."""
    cards = [model.card["training"] for model in models]
    minutes = ", ".join(f"{card['seconds'] / 60:.1f}" for card in cards)
    members = "/".join(map(str, sorted({card["n_generators"] for card in cards})))
    workers = max(card["n_workers"] for card in cards)
    return (
        f"{minutes} min for {members} generator{'s' * (members != '1')} on {workers}"
        f" worker{'s' * (workers > 1)}"
    )


def _key(past: pd.DataFrame, config: TrainConfig) -> str:
    """Digest of prices, configuration and the code that trains."""
    digest = hashlib.sha256(data_digest(past).encode())
    digest.update(_canonical(config.model_dump(mode="json")))
    digest.update(_code())
    return digest.hexdigest()[:12]


def _canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


@cache
def _code() -> bytes:
    """Digest of the rooms that training runs through."""
    house, digest = Path(str(fingan.__file__)).parent, hashlib.sha256()
    for room in TRAINING_ROOMS:
        for file in sorted((house / room).glob("*.py")):
            digest.update(file.read_bytes())
    return digest.digest()

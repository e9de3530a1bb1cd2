"""What programs that train models do alike: options, training in memory, a quick look."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fingan.config import load_config
from fingan.pipeline import fit
from fingan.scenarios.samplers import Sampler
from fingan.training.config import TrainConfig

MODEL = "fingan"


def learning_options() -> argparse.ArgumentParser:
    """Options of the models, as a parent of a program's own parser."""
    parser = argparse.ArgumentParser(add_help=False)
    add: Callable[..., object] = parser.add_argument
    add("--seeds", type=integers, default=[0], help="of models; none with '' (default: 0)")
    add("--config", type=Path, help="TOML of the training; default the library's defaults")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="one value of it")
    add("--steps", type=int, help="fewer steps, for a try")
    add("--quick", action="store_true", help="a look: hardly trained, few paths")
    return parser


def trained(past: pd.DataFrame, options: argparse.Namespace) -> Iterator[tuple[str, Sampler]]:
    """A model of each seed, in memory, by name."""
    for seed in options.seeds:
        steps = [] if options.steps is None else [f"steps={options.steps}"]
        config = load_config(TrainConfig, options.config, [*options.set, *steps, f"seed={seed}"])
        say(f"training seed {seed} on {len(past):,} rows of {len(past.columns)} assets")
        yield f"{MODEL}, seed {seed}", fit(past, config)


def look_quickly(
    options: argparse.Namespace, parser: argparse.ArgumentParser, quick: Mapping[str, Any]
) -> argparse.Namespace:
    """With ``--quick``, small values for what was not given."""
    if options.quick:
        for name, value in quick.items():
            if getattr(options, name) == parser.get_default(name):
                setattr(options, name, value)
    return options


def integers(text: str) -> list[int]:
    """Whole numbers between commas."""
    return [int(part) for part in names(text)]


def names(text: str) -> list[str]:
    """Words between commas."""
    return [part for part in text.split(",") if part]


def say(text: str) -> None:
    """Progress, beside what the program prints."""
    print(text, file=sys.stderr, flush=True)

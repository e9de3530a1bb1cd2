"""Which planted errors a search for anomalies finds, beside isolation forests, at a fixed budget.

    python -m benchmarks.anomalies --model demo              # half a minute

Errors of five kinds are planted in held-out days, where they compete with everything odd that the
market did by itself. Every method ranks the same windows; an error counts as found if one of its
windows is among the ``--budget`` oddest. The random row is what chance would find.

Source: Liu, Ting & Zhou (2008), Isolation forest, as scikit-learn has it.
"""

import argparse
import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.market import market_options, prices_of
from benchmarks.planted_errors import KINDS, Planted, with_errors
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import Table
from fingan.anomalies.features import window_features as features_of_evidence
from fingan.anomalies.search import REFERENCE_ROWS, Anomalies, find_anomalies
from fingan.data.returns import log_returns
from fingan.metrics.classifiers import window_features
from fingan.pipeline import load_model

COMMAND = "python -m benchmarks.anomalies"
RAW, OWN, MODEL, CHANCE = (
    "isolation forest, returns",
    "isolation forest, model's features",
    "fingan anomalies",
    "random order",
)
Ranks = dict[str, Tensor]


def measure(options: argparse.Namespace) -> list[Table]:
    """Recall of each method and kind over many files with errors."""
    prices = prices_of(options)
    sampler = load_model(options.model, options.store)
    clean = find_anomalies(sampler, prices)
    width = clean.request.window
    first = int(clean.ends[0]) + 1 - width
    forests = _Forests(clean, log_returns(prices).values.double(), first)
    found: dict[tuple[str, str], list[float]] = {}
    for trial in range(options.trials):
        random = np.random.default_rng(options.seed + trial)
        changed, planted = with_errors(prices, first, options.each, random)
        judged = find_anomalies(sampler, changed)
        scores = {MODEL: judged.scores, **forests.scores(judged, log_returns(changed).values)}
        for one in planted:
            windows = _windows_of(one, judged)
            for method, score in scores.items():
                alerts = score.argsort(descending=True, stable=True)[: options.budget]
                hit = bool(torch.isin(alerts, windows).any())
                found.setdefault((method, one.kind), []).append(float(hit))
            chance = _chance(len(windows), len(judged.ends), options.budget)
            found.setdefault((CHANCE, one.kind), []).append(chance)
    return [_table(found, options, len(clean.ends))]


class _Forests:
    """Isolation forests fitted once on windows of the same rows that the model's score knows."""

    def __init__(
        self, clean: Anomalies, returns: Float[Tensor, "n_days n_assets"], first: int
    ) -> None:
        from sklearn.ensemble import IsolationForest

        self.width = clean.request.window
        held_out = int(clean.calibration[0]) + 1 - self.width
        begin = held_out - REFERENCE_ROWS
        self.spread = returns[begin:first].std(0)
        market = returns[begin:first] / self.spread
        self.directions = torch.linalg.eigh(market.T @ market)[1]
        known = torch.arange(begin + self.width - 1, first)
        raw = self._raw(returns, known).numpy()
        own = features_of_evidence(clean.evidence, known, self.width).numpy()
        self.raw = IsolationForest(n_estimators=200, random_state=0).fit(raw)
        self.own = IsolationForest(n_estimators=200, random_state=0).fit(own)

    def scores(self, judged: Anomalies, returns: Float[Tensor, "n_days n_assets"]) -> Ranks:
        """Of the judged windows; higher is odder."""
        raw = self._raw(returns.double(), judged.ends).numpy()
        return {
            RAW: torch.from_numpy(-self.raw.score_samples(raw)),
            OWN: torch.from_numpy(-self.own.score_samples(judged.features.numpy())),
        }

    def _raw(self, returns: Float[Tensor, "n_days n_assets"], ends: Tensor) -> Tensor:
        rows = ends.unsqueeze(1) + torch.arange(1 - self.width, 1)
        return window_features((returns / self.spread)[rows], self.directions)


def _windows_of(one: Planted, judged: Anomalies) -> Tensor:
    """Numbers of the judged windows that an error touches."""
    begins = judged.ends + 1 - judged.request.window
    return ((begins <= one.last) & (judged.ends >= one.first)).nonzero().flatten()


def _chance(n_touched: int, n_windows: int, budget: int) -> float:
    """That a random budget of windows holds one of those touched."""
    missed = math.comb(n_windows - n_touched, budget) / math.comb(n_windows, budget)
    return 1 - missed


def _table(
    found: dict[tuple[str, str], list[float]], options: argparse.Namespace, n_windows: int
) -> Table:
    n_errors = options.each * len(KINDS)
    table = Table(
        f"Planted errors found among the {options.budget} oddest of {n_windows} windows",
        ("method", *KINDS, "all"),
        notes=[
            f"{options.trials} files with {n_errors} errors each; recall ± binomial s.e.",
            f"windows of the market's own crises compete for the {options.budget} places",
            options.command,
        ],
    )
    for method in (MODEL, OWN, RAW, CHANCE):
        cells = [found[method, kind] for kind in KINDS]
        cells.append([hit for cell in cells for hit in cell])
        table.add(method, *(_recall(cell, method == CHANCE) for cell in cells))
    return table


def _recall(hits: list[float], is_expected: bool) -> str:
    share = sum(hits) / len(hits)
    if is_expected:
        return f"{share:.2f}"
    return f"{share:.2f} ± {math.sqrt(share * (1 - share) / len(hits)):.2f}"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[market_options(), output_options()],
    )
    parser.add_argument("--model", default="demo", help="(%(default)s)")
    parser.add_argument("--store", default=None, help="default: FINGAN_STORE, else models")
    parser.add_argument("--trials", type=int, default=20, help="files (%(default)s)")
    parser.add_argument("--each", type=int, default=3, help="errors of a kind (%(default)s)")
    parser.add_argument("--budget", type=int, default=20, help="windows (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()

"""What risk costs: a million paths to VaR and ES with errors, and a whole statement.

The yardstick of the first is the same arithmetic in NumPy without any error: simple returns, losses
of the portfolio, and at each level VaR, ES and the positions' mean losses in the tail, from the
same cube; both on one thread, in turns. The statement is that of `fingan risk` without baselines,
sampling included, after the model and the prices are read.

    python -m benchmarks.risk_cost
    python -m benchmarks.risk_cost --model demo --store models
"""

import argparse
import statistics
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks.market import market_options, prices_of
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from benchmarks.timing import Contestant, in_turns
from fingan.pipeline import fit, load_model
from fingan.portfolios.risk_statement import RiskRequest, risk_statement
from fingan.risk import influences
from fingan.risk.contributions import contributions
from fingan.risk.estimates import estimated
from fingan.risk.portfolio import horizon_returns, portfolio_losses
from fingan.scenarios.samplers import Sampler
from fingan.training.config import TrainConfig

COMMAND = "python -m benchmarks.risk_cost"
LEVELS = (0.95, 0.975, 0.99)
N_GENERATORS = 5
GOAL_RATIO, GOAL_SECONDS = 3, 1


def measure(options: argparse.Namespace) -> list[Table]:
    """Both figures beside their goals."""
    table = Table("Risk: goals", GOALS)
    arithmetic(options, table)
    statement(options, table)
    return [table]


def arithmetic(options: argparse.Namespace, table: Table) -> None:
    """VaR, ES, contributions and all their errors, against NumPy without any."""
    n_paths, n_assets = options.paths, options.assets
    random = torch.Generator().manual_seed(options.seed)
    cube = 0.02 * torch.randn(n_paths, 1, n_assets, generator=random)
    shares = torch.full((n_assets,), 1 / n_assets, dtype=torch.float64)
    members = torch.arange(n_paths) % N_GENERATORS
    found = in_turns(
        {
            "numpy": Contestant(lambda: bare(cube.numpy(), shares.numpy()), n_paths),
            "fingan": Contestant(lambda: with_errors(cube, shares, members), n_paths),
        },
        options.turns,
    )
    own, bare_time = (statistics.median(found.seconds[name]) for name in ("fingan", "numpy"))
    table.add(
        f"VaR and ES at {len(LEVELS)} levels of {n_paths:,} one-step paths of {n_assets} assets,"
        " with both errors and contributions, over NumPy without errors",
        f"at most {GOAL_RATIO} x",
        f"{1 / found.ratio('fingan', 'numpy'):.2f} x ({own:.2f} against {bare_time:.2f} CPU-s)",
        options.command,
    )


def bare(cube: NDArray[np.float32], shares: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The arithmetic alone: at each level VaR, ES and what each position adds to it."""
    positions = np.expm1(cube.sum(1, dtype=np.float64)) * -shares
    losses, found = positions.sum(1), []
    for level in LEVELS:
        rank = len(losses) - round((1 - level) * len(losses))
        parted = np.partition(losses, rank - 1)
        tail = positions[losses > parted[rank - 1]]
        found.append(np.array([parted[rank - 1], parted[rank:].mean(), *tail.mean(0)]))
    return found


def with_errors(
    cube: torch.Tensor, shares: torch.Tensor, members: torch.Tensor
) -> list[tuple[float, ...]]:
    """The same figures as fingan gives them."""
    returns = horizon_returns(cube)
    losses, found = portfolio_losses(returns, shares), []
    for level in LEVELS:
        at_risk = influences.at_level(influences.value_at_risk, level)
        shortfall = influences.at_level(influences.expected_shortfall, level)
        parts = contributions(returns, shares, level, None, members).expected_shortfall
        whole = [estimated(one, losses, None, members) for one in (at_risk, shortfall)]
        found.append(tuple(one.estimate for one in (*whole, *parts)))
    return found


def statement(options: argparse.Namespace, table: Table) -> None:
    """One statement at a time, the first not counted."""
    prices = prices_of(options)
    model = _model(options, prices)
    request = RiskRequest(
        horizon=options.horizon, n_paths=options.statement_paths, seed=options.seed, baselines=()
    )
    walls, cpus = [], []
    for _ in range(options.turns + 1):
        wall, cpu = time.monotonic(), time.process_time()
        risk_statement(model, prices, None, request, n_threads=options.threads)
        walls.append(time.monotonic() - wall)
        cpus.append(time.process_time() - cpu)
    table.add(
        f"risk of {request.n_paths:,} paths x {request.horizon} steps x {len(model.assets)} assets,"
        f" sampling included, {options.threads} thread{'s' * (options.threads > 1)}, wall",
        f"at most {GOAL_SECONDS} s",
        f"{statistics.median(walls[1:]):.2f} s, at best {min(walls[1:]):.2f} s"
        f" ({statistics.median(cpus[1:]):.2f} CPU-s)",
        options.command,
    )


def _model(options: argparse.Namespace, prices: pd.DataFrame) -> Sampler:
    """A trained one, or one with starting weights: what is learnt does not change the cost."""
    if options.model is not None:
        return load_model(options.model, options.store)
    selection = {"every": 1, "n_starts": 1, "n_paths": 16}
    return fit(prices, TrainConfig.model_validate({"steps": 1, "selection": selection}))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[market_options(), output_options()],
    )
    parser.add_argument("--paths", type=int, default=1_000_000, help="of the arithmetic")
    parser.add_argument("--assets", type=int, default=20, help="of the arithmetic")
    parser.add_argument("--statement-paths", type=int, default=10_000)
    parser.add_argument("--horizon", type=int, default=20, help="of the statement")
    parser.add_argument("--turns", type=int, default=5, help="that count")
    parser.add_argument("--threads", type=int, default=2, help="of the statement's sampling")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", metavar="REF", help="a published model")
    parser.add_argument("--store", metavar="PLACE", help="where it is")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()

"""The quick benchmarks, one after another; each also runs alone, with options of its own.

python -m benchmarks.training        windows per CPU-second, beside networks of rivals' sizes
python -m benchmarks.generation      paths per CPU-second, beside rivals and the limit
python -m benchmarks.workers         two workers beside one: speed and equality
python -m benchmarks.goals           the goals of all programs that train in one table (hours)
python -m benchmarks.out_of_sample   scores beside baselines; trains five models (not quick)
python -m benchmarks.portfolio_var   ten-day VaR of 41 portfolios; the same models (not quick)
python -m benchmarks.facts           stylised facts, asset by asset; the same models (not quick)
python -m benchmarks.copies          the copy test on many models (not quick)
python -m benchmarks.tail_gan        tail risk of strategies on a known law (not quick)
python -m benchmarks.quant_gans      long paths of an index beside the S&P 500 (not quick)
python -m benchmarks.index_var       VaR of an index, 4,529 days, beside known figures (not quick)
python -m benchmarks.demo_cost       time and memory of `fingan demo` (not quick)
python -m benchmarks.evaluation_cost time of `fingan evaluate` with all baselines (not quick)
python -m benchmarks.risk_cost       VaR, ES and contributions of a million paths, over bare NumPy
python -m benchmarks.stress_cost     a conditional shock: effective paths, error, seconds
python -m benchmarks.screen_validation  screens with and without skill (not quick)
python -m benchmarks.optimisation    weights from scenarios beside 1/N and others (not quick)
python -m benchmarks.anomalies       planted anomalies beside an isolation forest (not quick)
python -m benchmarks.augmentation    what synthetic rows gain on a real holdout (not quick)
"""

import argparse
from collections.abc import Sequence

from benchmarks import generation, training, workers
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import Table

COMMAND = "python -m benchmarks"
QUICK = (training, generation, workers)


def measure(options: argparse.Namespace) -> list[Table]:
    """The tables of the quick programs."""
    turns = ["--turns", str(options.turns)]
    return [table for program in QUICK for table in program.measure(program.parse(turns))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the quick programs with their defaults and print their tables."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[output_options()],
    )
    parser.add_argument("--turns", type=int, default=5, help="turns that count (default: 5)")
    run(measure, parsed(parser, COMMAND, arguments))


if __name__ == "__main__":
    main()

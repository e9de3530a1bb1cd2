"""The copy test on many published models: does any repeat runs of its training days?

Long paths of each model are searched for runs of training days, of all assets together and of each
asset alone, as `fingan privacy --no-membership` does for one model. Prices are those that a model's
card names, or `--prices` for all.

    python -m benchmarks.copies equities index@2      models of FINGAN_STORE or ./models, or paths
    python -m benchmarks.copies --store runs/models   every model that the programs trained there
"""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.learning import say
from benchmarks.program import output_options, parsed, run
from benchmarks.tables import GOALS, Table
from fingan.assessment.privacy import audit
from fingan.data.prices import read_prices
from fingan.errors import FinganError, RequestError
from fingan.pipeline import default_store, load_model
from fingan.scenarios.store import ModelStore

COMMAND = "python -m benchmarks.copies"
COLUMNS = (
    *("model", "prices", "paths", "days", "longest run", "allowed", "paths with a copy"),
    *("nearest window, over real", "assets copied", "verdict"),
)


def measure(options: argparse.Namespace) -> list[Table]:
    """Search every model."""
    store = options.store or default_store()
    references = options.models or [entry.reference for entry in ModelStore(store).list()]
    if not references:
        raise RequestError(f"--store must hold a model, got '{store}', which is empty")
    records = [_audited(reference, store, options) for reference in references]
    searched = [record for record in records if "problem" not in record]
    failed = [record["model"] for record in searched if _is_copy(record)]
    table = Table("Copy test: goal", GOALS)
    table.add(
        f"models without a copied run of training days, of {len(records)}",
        "all",
        f"{len(searched) - len(failed)}"
        + (f"; failed: {', '.join(failed)}" if failed else "")
        + (
            f"; {len(records) - len(searched)} not searched" if len(searched) < len(records) else ""
        ),
        options.command,
    )
    return [table, _each(records)]


def _audited(reference: str, store: str, options: argparse.Namespace) -> dict[str, Any]:
    """The record of one model, or the problem that kept it from being searched."""
    say(reference)
    try:
        published = ModelStore(store).resolve(reference)
        source = options.prices or published.card["data"]["source"]
        model, prices = load_model(reference, store), read_prices(source)
        found = audit(model, published, prices, seed=options.seed, membership=False)
        return {**found.record(), "prices": source}
    except FinganError as problem:
        return {"model": reference, "problem": f"{type(problem).__name__}: {problem}"}


def _is_copy(record: dict[str, Any]) -> bool:
    return record["copies"]["is_copy"] or bool(record["copies"]["assets_copied"])


def _each(records: Sequence[dict[str, Any]]) -> Table:
    table, problems = Table("Copy test, model by model", COLUMNS), list[str]()
    for record in records:
        if "problem" in record:
            gaps = [None] * (len(COLUMNS) - 2)
            table.add(record["model"], *gaps, "not searched")
            problems.append(f"{record['model']}: {record['problem']}")
            continue
        copies = record["copies"]
        runs = [copies["runs"], copies["scale_free_runs"]]
        table.add(
            record["model"],
            record["prices"],
            copies["n_paths"],
            copies["n_days"],
            max(found["longest"] for found in runs),
            max(found["longest_allowed"] for found in runs),
            f"{max(found['share_copied'] for found in runs):.1%}",
            f"{copies['nearest_neighbours']['median_ratio']:.3f}",
            ", ".join(copies["assets_copied"]) or None,
            "fail" if _is_copy(record) else "pass",
        )
    table.notes = [
        "longest run: of training days that a path repeats; allowed: as long as real days repeat",
        "nearest window: median distance to a training window, over that of real days",
        *problems,
    ]
    return table


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[output_options()],
    )
    add: Callable[..., object] = parser.add_argument
    add("models", nargs="*", metavar="MODEL", help="default: every model of the store")
    add("--store", help="of the models (default: FINGAN_STORE, else ./models)")
    add("--prices", help="training data of all models (default: what each card names)")
    add("--seed", type=int, default=0, help="of the paths (%(default)s)")
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()

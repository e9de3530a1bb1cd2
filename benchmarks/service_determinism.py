"""The same request, the same bytes: over 1, 2 and 4 generators, alone and beside others.

Each request is made again and again while other requests of all sizes run, on services with
different numbers of generators; a request whose answers have two digests fails.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence

from benchmarks.program import output_options, parsed, run
from benchmarks.service_callers import Callers, Plan, called
from benchmarks.service_host import Host, hosted, service_options
from benchmarks.service_wire import Call
from benchmarks.tables import GOALS, Table

COMMAND = "python -m benchmarks.service_determinism"
GENERATORS = (1, 2, 4)
TYPES = {
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv",
    "json": "application/json",
}
N_PATHS = (100, 333, 700, 3_000)
OTHERS = 3  # callers whose requests run beside


def measure(options: argparse.Namespace) -> list[Table]:
    """Every request's digests over all numbers of generators."""
    calls = requests(options)
    digests: dict[int, set[str]] = defaultdict(set)
    details = Table("Determinism", ("generators", "beside others", "requests", "failed"))
    with hosted(options, generators=_fixed(GENERATORS[0])) as host:
        for n_generators in GENERATORS:
            _resize(host, n_generators)
            for is_mixed in (False, True):
                n_failed, n_made = _asked(host, calls, digests, is_mixed=is_mixed, options=options)
                details.add(n_generators, "yes" if is_mixed else "no", n_made, n_failed)
    n_two = sum(len(found) != 1 for found in digests.values())
    goals = Table("Determinism: goals", GOALS)
    goals.add(
        f"requests of {len(calls)} with more or fewer than one digest, over"
        f" {', '.join(map(str, GENERATORS))} generators, alone and beside others",
        "0",
        str(n_two),
        options.command,
    )
    details.notes = [
        f"{len(calls)} requests: {', '.join(TYPES)}, {min(N_PATHS)} to {max(N_PATHS):,} paths,"
        " seeds of their own; each is new to the generators that are asked for it",
    ]
    return [goals, details]


def requests(options: argparse.Namespace) -> tuple[Call, ...]:
    """So many different requests."""
    n_requests = 60 if options.quick else 1_000
    kinds = [(n_paths, kind) for n_paths in N_PATHS for kind in TYPES]
    calls = []
    for seed in range(n_requests):
        n_paths, kind = kinds[seed % len(kinds)]
        body = json.dumps({"model": options.model, "n_paths": n_paths, "horizon": 20, "seed": seed})
        calls.append(Call("/v1/scenarios", body, {"Accept": TYPES[kind]}))
    return tuple(calls)


def _asked(
    host: Host,
    calls: tuple[Call, ...],
    digests: dict[int, set[str]],
    *,
    is_mixed: bool,
    options: argparse.Namespace,
) -> tuple[int, int]:
    """Make every request once; how many failed, of how many."""
    beside = None
    if is_mixed:
        body = '{"model": "MODEL", "n_paths": 20000, "horizon": 10, "seed": SEED}'
        noise = Call("/v1/scenarios", body.replace("MODEL", options.model), calls[0].head)
        beside = Callers(Plan(host.port, (noise,), len(calls) / 20, OTHERS, sown=10**7))
    rate = 25.0 if is_mixed else 40.0
    plan = Plan(host.port, calls, len(calls) / rate, n_callers=8, rate=rate)
    replies = called(plan)
    for reply in replies:
        digests[reply.index].add(reply.digest if reply.status == 200 else "failed")
    if beside is not None:
        beside.replies()
    return sum(reply.status != 200 for reply in replies), len(replies)


def _fixed(n_generators: int) -> dict[str, object]:
    return {"autoscaling_config": None, "num_replicas": n_generators}


def _resize(host: Host, n_generators: int) -> None:
    """As many generators as asked for, none of which has answered anything."""
    from ray import serve

    from serve.on_ray.start import APPLICATION, deploy

    serve.delete(APPLICATION)
    deploy(host.settings, _fixed(n_generators))
    host.wait_for(n_generators)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of this program."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description=__doc__, parents=[service_options(), output_options()]
    )
    return parsed(parser, COMMAND, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    run(measure, parse(arguments))


if __name__ == "__main__":
    main()

"""The same request, the same bytes: over 1, 2 and 4 generators, alone and beside others.

Each request is made again and again while other requests of all sizes run, on services with
different numbers of generators; a request whose answers have two digests fails.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.program import output_options, parsed, run
from benchmarks.service_callers import Callers, Plan, called
from benchmarks.service_host import Host, hosted, service_options
from benchmarks.service_wire import Call, Reply
from benchmarks.tables import GOALS, Table

COMMAND = "python -m benchmarks.service_determinism"
GENERATORS = (1, 2, 4)
TYPES = {
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv",
    "json": "application/json",
}
N_PATHS = (100, 333, 700, 2_000)
RATES = {False: 30.0, True: 15.0}  # requests a second, alone and beside others
BESIDE, N_BESIDE = {"n_paths": 20_000, "horizon": 10}, 3


def measure(options: argparse.Namespace) -> list[Table]:
    """Every request's digests over all numbers of generators."""
    calls = requests(options)
    digests: dict[int, set[str]] = defaultdict(set)
    details = Table("Determinism", ("generators", "beside others", "requests", "failed"))
    with hosted(options, generators=_fixed(GENERATORS[0])) as host:
        for n_generators in GENERATORS:
            _resize(host, n_generators)
            for is_mixed in (False, True):
                replies = _asked(host, calls, is_mixed=is_mixed)
                for reply in replies:
                    if reply.status == 200:
                        digests[reply.index].add(reply.digest)
                n_failed = sum(reply.status != 200 for reply in replies)
                details.add(n_generators, "yes" if is_mixed else "no", len(replies), n_failed)
    n_two = sum(len(found) != 1 for found in digests.values())
    n_failed = sum(int(row[-1] or 0) for row in details.rows)
    goals = Table("Determinism: goals", GOALS)
    goals.add(
        f"requests of {len(calls)} with more or fewer than one digest, over"
        f" {', '.join(map(str, GENERATORS))} generators, alone and beside others",
        "0",
        str(n_two),
        options.command,
    )
    goals.add("answers but 200", "0", str(n_failed), options.command)
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


def _asked(host: Host, calls: tuple[Call, ...], *, is_mixed: bool) -> list[Reply]:
    """Make every request once, alone or while larger ones run beside."""
    rate = RATES[is_mixed]
    seconds = len(calls) / rate
    plan = Plan(host.port, calls, seconds, n_callers=8, rate=rate)
    if not is_mixed:
        return called(plan)
    noise = replace(calls[0], body=json.dumps(json.loads(calls[0].body) | BESIDE))
    beside = Callers(Plan(host.port, (noise,), seconds, N_BESIDE))
    replies = called(plan)
    beside.replies()
    return replies


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

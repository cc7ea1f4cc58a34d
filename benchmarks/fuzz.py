"""Feed every reader of evo with changed input: only its own errors, bounded time and memory, nothing written outside.

Prints one line per reader; ends with 1 if anything else happened. Cases are numbered: a failure is found again by its
number and the seed. ``tests/benchmarks/test_fuzzing.py`` keeps those that failed once.
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    parser.add_argument("--reader", action="append", help="one reader; may be repeated; all by default")
    parser.add_argument("--cases", type=int, default=100_000, help="most cases per reader (100,000)")
    parser.add_argument("--seconds", type=float, default=60.0, help="most seconds per reader (60)")
    parser.add_argument("--seed", type=int, default=0, help="seed of all changes (0)")


def run(arguments: argparse.Namespace) -> int:
    """Run the cases; 0 if all went as promised."""
    from benchmarks.fuzzing.cases import run as run_cases
    from benchmarks.fuzzing.readers import readers

    failed = False
    print(f"{'reader':<12} {'cases':>8} {'read':>8} {'refused':>8} {'failed':>7} {'seconds':>8}")
    for name in arguments.reader or readers():
        found = run_cases(name, arguments.seconds, arguments.cases, arguments.seed)
        print(
            f"{name:<12} {found.cases:>8} {found.read:>8} {found.refused:>8} {len(found.failures):>7} "
            f"{found.seconds:>8.1f}",
            flush=True,
        )
        for number, what in list(found.failures.items())[:10]:
            print(f"    case {number}: {what}")
        failed = failed or bool(found.failures)
    return int(failed)

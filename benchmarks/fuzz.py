"""Feed every reader of evo with changed input: only its own errors, bounded time and memory, nothing written outside.

Prints one line per reader; ends with 1 if anything else happened. Cases are numbered: a failure is found again by its
number and the seed. Inputs that failed once lie in ``benchmarks/fuzzing/corpus`` and are read first, each time.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.fuzzing.cases import Findings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    parser.add_argument("--reader", action="append", help="one reader; may be repeated; all by default")
    parser.add_argument("--cases", type=int, default=100_000, help="most cases per reader (100,000)")
    parser.add_argument("--seconds", type=float, default=60.0, help="most seconds per reader (60)")
    parser.add_argument("--seed", type=int, default=0, help="seed of all changes (0)")
    parser.add_argument("--keep", action="store_true", help="put inputs that fail into the corpus")
    parser.add_argument("--results", type=Path, help="folder that gets READER.json: what came of it")


def run(arguments: argparse.Namespace) -> int:
    """Run the cases; 0 if all went as promised."""
    from benchmarks.fuzzing.cases import keep
    from benchmarks.fuzzing.cases import run as run_cases
    from benchmarks.fuzzing.readers import readers

    failed = False
    print(
        f"{'reader':<14} {'cases':>8} {'corpus':>6} {'read':>8} {'refused':>8} {'failed':>7} {'seconds':>8} {'MB':>6}"
    )
    for name in arguments.reader or readers():
        found = run_cases(name, arguments.seconds, arguments.cases, arguments.seed)
        print(
            f"{name:<14} {found.cases:>8} {found.kept:>6} {found.read:>8} {found.refused:>8} {len(found.failures):>7} "
            f"{found.seconds:>8.1f} {found.megabytes:>6.0f}",
            flush=True,
        )
        for number, what in list(found.failures.items())[:10]:
            print(f"    case {number}: {what}", flush=True)
        if arguments.keep:
            for number, data in found.inputs.items():
                if number >= 0:
                    print(f"    case {number} is kept: {keep(name, data)}")
        if arguments.results is not None:
            _write(arguments.results, name, arguments.seed, found)
        failed = failed or bool(found.failures)
    return int(failed)


def _write(folder: Path, name: str, seed: int, found: Findings) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "reader": name,
        "seed": seed,
        "cases": found.cases,
        "corpus": found.kept,
        "read": found.read,
        "refused": found.refused,
        "failures": found.failures,
        "seconds": round(found.seconds, 1),
        "peak_megabytes": round(found.megabytes, 1),
    }
    (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

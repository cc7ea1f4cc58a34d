"""How many candidates a minute the training engine gets through, beside KerasTuner's own loop; faults; memory.

Sections (``--only`` picks some): ``digits`` and ``fashion-mnist`` train the same
40 genomes for three epochs on both sides, and tell the share of arithmetic;
``climb``, what it costs to go on with a trial; ``memory``, over 500 candidates;
``faults``, 200 trials of which a fifth crash, hang, diverge or eat memory;
``gpu`` needs a GPU.

Every section writes a tidy CSV and a JSON file into ``--out``; ``throughput.md`` holds them all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

SECTIONS = ("digits", "fashion-mnist", "climb", "memory", "faults", "gpu")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="sections (default: all)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="repeats of each comparison (default: 3)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="our worker processes (default: 2)")
    parser.add_argument("--quick", action="store_true", help="few candidates, one repeat: to see that it works")
    parser.add_argument("--data", metavar="DIR", help="data folder (default: the environment's EVO_DATA)")


def run(arguments: argparse.Namespace) -> int:
    """Run the sections; 0 for success, 1 if one of them could not be done."""
    from benchmarks.throughput import sections

    if arguments.repeats < 1 or arguments.workers < 1:
        print("--repeats and --workers: expected a whole number from 1")
        return 2
    return sections.run_all(
        list(arguments.only),
        Path(arguments.out),
        arguments.repeats,
        arguments.workers,
        arguments.quick,
        arguments.data,
    )

"""KerasTuner, Optuna and others against evo: real training, equal budgets, metered exactly.

Each (task, method, seed) is one run in a process of its own, one after the
other, methods interleaved. Finished runs are never run again: the same command
resumes where it was interrupted, and more tasks, methods or seeds can be added
to the same --out. Reports are made again after every run.

Examples:
  python -m benchmarks tuners --task wine --methods kt-random@same --epochs 30 --seeds 1 --out runs/t
  python -m benchmarks tuners --task digits letter --methods product --minutes 3 --seeds 3 \\
      --data DIR --out runs/product
"""

from __future__ import annotations

import argparse

from benchmarks.tuners.arguments import add_arguments

__all__ = ["add_arguments", "run"]


def run(arguments: argparse.Namespace) -> int:
    """Do the runs that are missing, then report; returns 0 if all asked for are finished."""
    from benchmarks.tuners import command

    return command.run(arguments)

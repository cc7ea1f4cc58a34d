"""What a GPU makes of trials: mixed precision, several candidates at once, evo's engine beside Keras' fit.

Sections (``--only`` picks some): ``training``, rows a second and the accuracy reached by four models in
float32, in both mixed precisions and by Keras' own ``fit``; ``sharing``, candidates a minute of 1, 2 and 4
workers on one device; ``repeatability``, whether a trial gives the same bits in another process;
``agreement``, programs of ``python -m benchmarks fidelity`` on the device, with the backend's own rounding
of float32 products and with all bits.

Made for the JAX backend (``KERAS_BACKEND=jax``); it needs no TensorFlow, and runs on a CPU as well. The
data are scikit-learn's digits. Every section writes a CSV file into ``--output`` row by row, and ``gpu.md`` shows them
as tables; a section compiles for most of its time. ``training`` has four
processes for each model, all compiling at once; ``--models`` picks some.
"""

from __future__ import annotations

import argparse
from pathlib import Path

SECTIONS = ("training", "sharing", "repeatability", "agreement")
MODELS = ("small", "medium", "wide", "dense")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="sections (default: all)")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="of training (default: all)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="repeats of what is timed (default: 3)")
    parser.add_argument("--quick", action="store_true", help="small models, few rows: to see that it works")


def run(arguments: argparse.Namespace) -> int:
    """Run the sections; 0 for success, 1 if one of them could not be done."""
    from benchmarks.gpu import sections

    if arguments.repeats < 1:
        print("--repeats: expected a whole number from 1")
        return 2
    return sections.run_all(
        list(arguments.only), Path(arguments.output), list(arguments.models), arguments.repeats, arguments.quick
    )

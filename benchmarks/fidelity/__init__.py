"""Compares what evo's engines compute with Keras' own compile, fit and evaluate, program by program.

Every trial is done twice in one process: by evo as a worker does it, and by the user's own function and
Keras' ``fit``, with the same initial weights and the same order of rows. Loss and every metric of every
epoch, those of validation, and the final weights must agree but for rounding
(``benchmarks.fidelity.difference``). The exit status is 1 if one does not.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--replicas", type=int, default=1, help="logical CPU devices that share every batch")
    parser.add_argument("--only", default="", metavar="TEXT", help="programs whose names contain one of TEXT,TEXT…")
    parser.add_argument("--quick", action="store_true", help="only the programs that the test suite runs")
    parser.add_argument(
        "--corrected", action="store_true", help="with evo's correction of moving averages, which Keras has not"
    )
    parser.add_argument("--failures", action="store_true", help="print only the rows beyond tolerance")


def run(arguments: argparse.Namespace) -> int:
    """Print the table; 1 if a row is beyond tolerance, else 0."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    strategy, scope = _replicated(arguments.replicas)
    import keras

    from benchmarks.fidelity.corpus import programs
    from benchmarks.fidelity.table import rows

    wanted = [text for text in arguments.only.split(",") if text]
    places = {keras.backend.backend(), *(["replicas"] if arguments.replicas > 1 else [])}
    asked = [
        program
        for program in programs()
        if (not wanted or any(text in program.name for text in wanted)) and (program.quick or not arguments.quick)
    ]
    chosen = [program for program in asked if places.isdisjoint(program.not_on)]
    print(f"backend {keras.backend.backend()}, Keras {keras.__version__}, replicas: {arguments.replicas}", flush=True)
    began, beyond, total = time.perf_counter(), 0, 0
    for row in rows(chosen, strategy, scope, arguments.corrected):
        total += 1
        beyond += not row.within
        if not (row.within and arguments.failures):
            print(row, flush=True)
    for program in asked:
        for place in places.intersection(program.not_on):
            print(f"not compared: {program.name}: {program.not_on[place]}")
    print(f"{len(chosen)} programs, {total} trials, {beyond} beyond tolerance, {time.perf_counter() - began:.0f} s")
    return 1 if beyond else 0


def _replicated(replicas: int) -> tuple[str, Any]:
    """Evo's setting and Keras' strategy for a number of replicas; to be called before anything is computed."""
    import keras

    if replicas == 1:
        return "cpu", None
    if keras.backend.backend() != "tensorflow":
        if f"device_count={replicas}" not in os.environ.get("XLA_FLAGS", ""):
            raise SystemExit(f"set XLA_FLAGS=--xla_force_host_platform_device_count={replicas} first")
        return "mirrored", None
    import tensorflow as tf

    device = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * replicas)
    names = [device.name for device in tf.config.list_logical_devices("CPU")]
    return "mirrored", tf.distribute.MirroredStrategy(names, tf.distribute.ReductionToOneDevice())

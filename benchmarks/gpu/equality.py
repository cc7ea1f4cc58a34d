"""What is compared: a trial in two processes bit by bit, and programs of the fidelity corpus with Keras' fit."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import as_completed
from contextlib import ExitStack
from typing import Any

import numpy as np

from benchmarks.gpu.subjects import subjects
from benchmarks.throughput.candidates import Inputs
from evo.training import train
from evo.training.task import TrainingSettings
from evo.workers import LocalProcesses, settle

#: Programs of the corpus, of different subjects.
PROGRAMS = (
    "optimizers/name-adam",
    "optimizers/adamw-decay",
    "losses/loss-weights-in-a-dict",
    "metrics/accuracy-of-integers-under-own-loss",
    "closures/loss-lambda",
    "weights-and-masks/sample-weights",
    "regularization-and-constraints/kernel-regularizer",
    "layers-with-state/batch-normalization-of-images",
    "random-layers/dropout",
    "labels-and-dtypes/bytes-rescaled",
)
#: JAX's rounding of float32 products: its own choice (19 bits of 32 on recent GPUs), and all bits.
ROUNDINGS = {"all bits": "highest", "as the backend does": None}


def repeatability(inputs: Inputs, epochs: int, quick: bool) -> Iterator[dict[str, Any]]:
    """The same trial in two processes, as a campaign trains by default and where bits need not be the same.

    Yields:
        For each subject and setting: whether all weights are equal to the bit, their largest difference, the seconds
        that training took.
    """
    from evo.training.state import read_weights

    with ExitStack() as stack:
        waiting = []
        for subject, genome in list(subjects(quick).items())[1::2]:
            for deterministic in (True, False):
                settings, pair = TrainingSettings(precision="float32", deterministic=deterministic), []
                for process in range(2):
                    pool = stack.enter_context(LocalProcesses(1, settings))
                    folder = f"{subject}-{deterministic}-{process}"
                    task = inputs.task(0, genome, 0, epochs, 0, folder, settings)
                    pair.append((pool.submit(train, task), task))
                waiting.append((subject, deterministic, pair))
        for subject, deterministic, pair in waiting:
            reports = [settle(future, task) for future, task in pair]
            row = {"subject": subject, "deterministic": deterministic}
            problems = [report.outcome.message for report in reports if report.state is None]
            if problems:
                yield {**row, "message": problems[0]}
                continue
            one, other = (read_weights(str(report.state)) for report in reports)
            difference = max(float(np.max(np.abs(one[name] - other[name]))) for name in one)
            seconds = reports[1].outcome.seconds.get("train")
            yield {**row, "equal": difference == 0.0, "difference": difference, "seconds": seconds, "message": ""}


def agreement(quick: bool) -> Iterator[dict[str, Any]]:
    """Programs of the corpus by evo's engine and by Keras' ``fit`` on this device, in float32, each in a worker.

    Yields:
        For each trial and rounding: program, largest relative difference, engine, whether it is within the
        corpus' tolerance.
    """
    with ExitStack() as stack:
        waiting = {}
        for rounding, value in ROUNDINGS.items():
            environment = {} if value is None else {"JAX_DEFAULT_MATMUL_PRECISION": value}
            workers = 1 if quick else len(PROGRAMS)
            pool = stack.enter_context(LocalProcesses(workers, TrainingSettings(), environment=environment))
            for name in PROGRAMS[:1] if quick else PROGRAMS:
                waiting[pool.submit(compare, name)] = rounding
        for future in as_completed(waiting):
            for row in future.result():
                yield {"rounding": waiting[future], **row}


def compare(name: str) -> list[dict[str, Any]]:
    """In a worker: the rows of a program."""
    from benchmarks.fidelity.corpus import programs
    from benchmarks.fidelity.table import compare as compared

    program = next(program for program in programs() if program.name == name)
    return [
        {
            "program": row.name,
            "difference": row.difference.value,
            "within": row.within,
            "engine": row.training.engine,
            "place": " ".join(row.difference.place.split()),
        }
        for row in compared(program, "auto")
    ]

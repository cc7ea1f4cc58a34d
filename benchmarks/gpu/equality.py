"""What is compared: a trial in two processes bit by bit, and programs of the fidelity corpus with Keras' fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.gpu.subjects import subjects
from benchmarks.throughput.candidates import Inputs
from benchmarks.throughput.our_side import done
from evo.training.task import TrainingSettings
from evo.workers import LocalProcesses

#: Programs of the corpus, of different subjects.
PROGRAMS = (
    "optimizers/name-adam",
    "optimizers/adamw-decay",
    "optimizers/schedule-cosine",
    "losses/loss-weights-in-a-dict",
    "metrics/accuracy-of-integers-under-own-loss",
    "closures/loss-lambda",
    "weights-and-masks/sample-weights",
    "regularization-and-constraints/kernel-regularizer",
    "layers-with-state/batch-normalization-of-images",
    "random-layers/dropout",
    "model-styles/sequential-without-input",
    "labels-and-dtypes/bytes-rescaled",
)
#: JAX's rounding of float32 products: its own choice (19 bits of 32 on recent GPUs), and all bits.
ROUNDINGS = {"as the backend does": None, "all bits": "highest"}


def repeatability(inputs: Inputs, epochs: int, quick: bool) -> list[dict[str, Any]]:
    """The same trial in two processes, as a campaign trains by default and where bits need not be the same.

    Returns:
        One row for each subject and setting: whether all weights are equal to the bit, their largest difference,
        the seconds that training took.
    """
    from evo.training.state import read_weights

    found = []
    chosen = list(subjects(quick).items())[1::2]
    for deterministic in (True, False):
        settings = TrainingSettings(precision="float32", deterministic=deterministic)
        states: dict[str, list[Any]] = {}
        for process in range(2):
            with LocalProcesses(1, settings) as pool:
                for subject, genome in chosen:
                    folder = f"again-{subject}-{deterministic}-{process}"
                    report = done(pool, [inputs.task(0, genome, 0, epochs, 0, folder, settings)])[0]
                    states.setdefault(subject, []).append(report)
        for subject, reports in states.items():
            if any(report.state is None for report in reports):
                problem = next(report.outcome.message for report in reports if report.state is None)
                found.append({"subject": subject, "deterministic": deterministic, "message": problem})
                continue
            one, other = (read_weights(str(report.state)) for report in reports)
            differences = [float(np.max(np.abs(one[name] - other[name]))) for name in one]
            found.append(
                {
                    "subject": subject,
                    "deterministic": deterministic,
                    "equal": max(differences) == 0.0,
                    "difference": max(differences),
                    "seconds": reports[1].outcome.seconds.get("train"),
                    "message": "",
                }
            )
    return found


def agreement(quick: bool) -> list[dict[str, Any]]:
    """Programs of the corpus by evo's engine and by Keras' ``fit`` on this device, in float32.

    Returns:
        One row for each trial and rounding: program, largest relative difference, engine, whether it is within the
        corpus' tolerance.
    """
    names = PROGRAMS[:3] if quick else PROGRAMS
    found = []
    for rounding, value in ROUNDINGS.items():
        environment = {} if value is None else {"JAX_DEFAULT_MATMUL_PRECISION": value}
        with LocalProcesses(1, TrainingSettings(), environment=environment) as pool:
            for row in pool.submit(compare, list(names)).result():
                found.append({"rounding": rounding, **row})
    return found


def compare(names: list[str]) -> list[dict[str, Any]]:
    """In a worker: the rows of these programs."""
    from benchmarks.fidelity.corpus import programs
    from benchmarks.fidelity.table import compare as compared

    rows = []
    for program in programs():
        if program.name in names:
            for row in compared(program, "auto"):
                rows.append(
                    {
                        "program": row.name,
                        "difference": row.difference.value,
                        "within": row.within,
                        "engine": row.training.engine,
                        "place": row.difference.place,
                    }
                )
    return rows

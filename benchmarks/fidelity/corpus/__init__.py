"""The corpus: small programs as people write them, by subject."""

from __future__ import annotations

import importlib

from benchmarks.fidelity.program import Program

SUBJECTS = (
    "optimizers",
    "losses",
    "metrics",
    "closures",
    "weights_and_masks",
    "regularization_and_constraints",
    "layers_with_state",
    "random_layers",
    "inputs_and_outputs",
    "model_styles",
    "labels_and_dtypes",
    "callbacks",
    "odd_rows",
    "unusual_settings",
    "everyday",
    "ways_to_train",
    "applications",
)


def programs() -> list[Program]:
    """Every program, subject by subject."""
    found: list[Program] = []
    for name in SUBJECTS:
        found += importlib.import_module(f"benchmarks.fidelity.corpus.{name}").SUBJECT.programs
    return found

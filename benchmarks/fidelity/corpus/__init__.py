"""The corpus: small programs as people write them, by subject."""

from __future__ import annotations

import importlib

from benchmarks.fidelity.program import Program

SUBJECTS = (
    "optimizers",
    "losses",
    "metrics",
    "closures",
)


def programs() -> list[Program]:
    """Every program, subject by subject."""
    found: list[Program] = []
    for name in SUBJECTS:
        found += importlib.import_module(f"benchmarks.fidelity.corpus.{name}").SUBJECT.programs
    return found

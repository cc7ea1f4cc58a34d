"""What evo trains is what Keras' own ``compile`` and ``fit`` train: the corpus of ``python -m benchmarks fidelity``."""

from __future__ import annotations

import pytest

pytest.importorskip("keras_tuner")

from benchmarks.fidelity.corpus import programs
from benchmarks.fidelity.table import compare

_PROGRAMS = [program for program in programs() if not program.random]


@pytest.mark.parametrize(
    "program",
    [pytest.param(program, id=program.name, marks=() if program.quick else pytest.mark.slow) for program in _PROGRAMS],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_equals_keras(program):
    beyond = [str(row) for row in compare(program) if not row.within]
    assert not beyond, "\n".join(beyond)

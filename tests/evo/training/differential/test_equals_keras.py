"""What evo trains is what Keras' own ``compile`` and ``fit`` train: the corpus of ``python -m benchmarks fidelity``."""

from __future__ import annotations

import pytest

pytest.importorskip("keras_tuner")

from benchmarks.fidelity.corpus import programs
from benchmarks.fidelity.table import compare

_PROGRAMS = programs()
#: Quick ones that have a near twin among the others: they wait for the slow run, so that the suite stays short.
_TWINS = {
    "callbacks/rate-on-plateau",
    "callbacks/own-and-others",
    "optimizers/sgd-nesterov",
    "optimizers/schedule-exponential",
    "optimizers/adamw-decay",
    "optimizers/schedule-cosine",
    "losses/a-list",
    "losses/loss-weights-in-a-list",
    "losses/loss-weight-of-one-output",
    "metrics/accuracy-of-flat-targets",
    "metrics/accuracy-of-labels",
    "metrics/dict-per-output",
    "metrics/precision-threshold",
    "metrics/either-metric",
    "regularization-and-constraints/constraint-max-norm",
    "regularization-and-constraints/kernel-regularizer",
    "random-layers/alpha-dropout",
    "random-layers/gaussian-dropout",
    "random-layers/subclass-of-dropout",
    "layers-with-state/batch-normalization-of-images",
    "labels-and-dtypes/sparse-logits",
    "labels-and-dtypes/doubles",
    "inputs-and-outputs/one-target-array-for-two-columns",
    "model-styles/batch-larger-than-the-data",
}


def _in_suite(program):
    return program.quick and program.name not in _TWINS


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(program, id=program.name, marks=() if _in_suite(program) else pytest.mark.slow)
        for program in _PROGRAMS
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_equals_keras(program):
    beyond = [str(row) for row in compare(program) if not row.within]
    assert not beyond, "\n".join(beyond)

"""What users give to an ensemble, checked by the rules of its target: errors are :class:`EnsembleError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import genomes.targets
from evo.core.errors import EnsembleError
from genomes.errors import GenomeError
from genomes.targets import Target


@contextmanager
def _ensemble_errors() -> Iterator[None]:
    try:
        yield
    except GenomeError as error:
        raise EnsembleError(str(error)) from error


def as_target(target: Target | str) -> Target:
    """A target, given as such or by the name of its task.

    Raises:
        EnsembleError: an unknown task.
    """
    with _ensemble_errors():
        return genomes.targets.as_target(target)


def as_predictions(predictions: Any, target: Target | str, name: str = "predictions") -> np.ndarray:
    """What a model predicted as a float32 array (rows, outputs); see :meth:`genomes.targets.Target.as_predictions`.

    Raises:
        EnsembleError: a number of outputs that cannot be; the message names ``name``.
    """
    with _ensemble_errors():
        return as_target(target).as_predictions(predictions, name)


def as_targets(y: Any, target: Target | str, outputs: int | None = None, name: str = "y") -> np.ndarray:
    """Labels in the form by which predictions are judged; see :meth:`genomes.targets.Target.as_targets`.

    Args:
        y: labels as users give them.
        target: what is predicted, or the name of its task.
        outputs: outputs of the models, to check the labels against; None if not known.
        name: the argument's name, for messages.

    Raises:
        EnsembleError: labels out of range, not finite, or of another width.
    """
    with _ensemble_errors():
        return as_target(target).as_targets(y, outputs, name)


def check_loss(target: Target | str, loss: str | None) -> str:
    """The loss; the target's default for None.

    Raises:
        EnsembleError: the target knows no such loss.
    """
    target = as_target(target)
    if loss is None:
        return target.losses[0]
    if loss not in target.losses:
        raise EnsembleError(f"loss: a {target.task} task knows {target.losses}, got {loss!r}")
    return loss


def check_pooling(target: Target | str, pooling: str | None) -> str:
    """The way of pooling; the target's default for None.

    Raises:
        EnsembleError: the target knows no such way.
    """
    target = as_target(target)
    if pooling is None:
        return target.poolings[0]
    pooling = target.pooling_synonyms.get(pooling, pooling)
    if pooling not in target.poolings:
        raise EnsembleError(f"pooling: a {target.task} task knows {target.poolings}, got {pooling!r}")
    return pooling

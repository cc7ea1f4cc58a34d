"""What users give to an ensemble, checked by the rules of its target: errors are :class:`EnsembleError`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def check_rows(prepared: Any, space: Any, given: Any) -> Any:
    """Prepared input as it is, if it has rows, and rows of pictures or series have the space's shape.

    Args:
        prepared: what ``space.prepare`` made of the input.
        space: the members' space.
        given: the input as it was given, for the message.

    Raises:
        EnsembleError: no rows, or another shape.
    """
    parts = list(prepared.values()) if isinstance(prepared, Mapping) else [prepared]
    if any(np.ndim(part) == 0 or len(part) == 0 for part in parts):
        raise EnsembleError("x: is empty; expected at least one row")
    wanted: Any = getattr(space, "input_shape", None)
    is_array = isinstance(prepared, np.ndarray) and isinstance(wanted, tuple) and len(wanted) > 1
    if not is_array:
        return prepared
    rows = prepared.shape[1:]
    if len(rows) != len(wanted) or any(a is not None and a != b for a, b in zip(wanted, rows, strict=True)):
        shown = ", ".join("any" if length is None else str(length) for length in wanted)
        one = np.ndim(given) < len(wanted) + 1 and np.shape(given) in (wanted, wanted[:-1])
        hint = "; a single one needs an axis of rows before it: x[None]" if one else ""
        raise EnsembleError(f"x: expected shape (rows, {shown}), got {np.shape(given)}{hint}")
    return prepared

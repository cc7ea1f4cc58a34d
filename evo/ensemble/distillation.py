"""Distillation: one small model that keeps as much of an ensemble's gain as it can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.keras_model import copy_model, keras_input
from evo.ensemble.metrics import as_targets

if TYPE_CHECKING:
    from evo.ensemble.ensemble import Ensemble


def soft_targets(outputs: np.ndarray, y: np.ndarray | None, task: str, share: float = 1.0) -> np.ndarray:
    """What the student is trained on: the ensemble's outputs, mixed with the labels where they are given.

    Cross-entropy and the gradient of the squared error are linear in the target, so that mixing the targets is
    mixing the losses (Hinton et al. 2015).

    Args:
        outputs: of the ensemble on the training rows, (rows, outputs).
        y: labels of those rows, or None.
        task: the kind of task.
        share: weight of the ensemble's outputs, 0 to 1; the labels have the rest.

    Returns:
        float32 (rows, outputs).
    """
    if not 0 <= share <= 1:
        raise EnsembleError(f"share: expected a number from 0 to 1, got {share!r}")
    if y is None:
        return outputs.astype(np.float32)
    targets = as_targets(y, task, outputs.shape[1])
    if len(targets) != len(outputs):
        raise EnsembleError(f"y: {len(targets)} rows, but x has {len(outputs)}")
    if task == "multiclass":
        targets = np.eye(outputs.shape[1], dtype=np.float32)[targets]
    return (share * outputs + (1 - share) * targets).astype(np.float32)


def distill(
    ensemble: Ensemble,
    x: Any,
    y: np.ndarray | None = None,
    *,
    model: Any = None,
    share: float = 0.8,
    epochs: int = 20,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    seed: int = 0,
    verbose: int = 0,
) -> Any:
    """Train one model to predict as the ensemble does.

    Args:
        ensemble: the teacher.
        x: raw input: the training rows, and any other rows (they need no labels).
        y: labels of ``x``, or None to learn from the ensemble alone.
        model: an uncompiled ``keras.Model`` to train, for example a freshly built one; None for a copy of the best
            member, which goes on from that member's weights.
        share: weight of the ensemble's outputs against the labels, 0 to 1.
        epochs: epochs of training.
        batch_size: rows per step.
        learning_rate: of Adam, at its start; decays to zero along a cosine.
        seed: of shuffling and dropout.
        verbose: as in ``keras.Model.fit``.

    Returns:
        The trained ``keras.Model``, compiled with its accuracy or error as a metric.

    Raises:
        EnsembleError: the ensemble has no net to copy, or a wrong argument.
    """
    import keras

    if isinstance(epochs, bool) or epochs < 1:
        raise EnsembleError(f"epochs: expected 1 or more, got {epochs!r}")
    if model is None:
        model = copy_model(best_net(ensemble).model(), "distilled")
    outputs = ensemble.outputs(x)
    targets = soft_targets(outputs, y, ensemble.task, share)
    keras.utils.set_random_seed(seed)
    steps = epochs * -(-len(targets) // batch_size)
    loss, metric = {
        "multiclass": ("categorical_crossentropy", "categorical_accuracy"),
        "binary": ("binary_crossentropy", "binary_accuracy"),
        "multilabel": ("binary_crossentropy", "binary_accuracy"),
        "regression": ("mean_squared_error", "mean_absolute_error"),
    }[ensemble.task]
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps)),
        loss=loss,
        metrics=[metric],
    )
    prepared = x if ensemble.space is None else ensemble.space.prepare(x)
    model.fit(keras_input(prepared), targets, batch_size=batch_size, epochs=epochs, verbose=verbose)
    return model


def best_net(ensemble: Ensemble) -> Any:
    """The net of the least validation loss; the heaviest one where losses are not known.

    Raises:
        EnsembleError: all members are trees.
    """
    nets = [at for at, member in enumerate(ensemble.members) if member.kind == "net"]
    if not nets:
        raise EnsembleError("distill: the ensemble has no net whose architecture could be taken; give a model")
    losses = (ensemble.validation_diversity or {}).get("losses")
    if losses is not None:
        return ensemble.members[min(nets, key=lambda at: losses[at])]
    return ensemble.members[max(nets, key=lambda at: ensemble.members[at].weight)]

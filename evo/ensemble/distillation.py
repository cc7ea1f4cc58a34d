"""Distillation: one small model that keeps as much of an ensemble's gain as it can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.arguments import as_target, as_targets
from evo.ensemble.member import Member
from genomes.checks import whole_number
from genomes.targets import Target


def soft_targets(outputs: np.ndarray, y: np.ndarray | None, target: Target | str, share: float = 1.0) -> np.ndarray:
    """What the student is trained on: the ensemble's outputs, mixed with the labels where they are given.

    Cross-entropy and the gradient of the squared error are linear in the target, so that mixing the targets is
    mixing the losses (Hinton et al. 2015).

    Args:
        outputs: of the ensemble on the training rows, (rows, outputs).
        y: labels of those rows, or None.
        target: what is predicted, or the name of its task.
        share: weight of the ensemble's outputs, 0 to 1; the labels have the rest.

    Returns:
        float32 (rows, outputs).

    Raises:
        EnsembleError: a share outside 0 to 1, or labels that do not fit.
    """
    if not 0 <= share <= 1:
        raise EnsembleError(f"share: expected a number from 0 to 1, got {share!r}")
    if y is None:
        return outputs.astype(np.float32)
    target, width = as_target(target), outputs.shape[1]
    targets = as_targets(y, target, width)
    if len(targets) != len(outputs):
        raise EnsembleError(f"y: {len(targets)} rows, but x has {len(outputs)}")
    return (share * outputs + (1 - share) * target.as_outputs(targets, width)).astype(np.float32)


@dataclass(frozen=True)
class Distillation:
    """How a student is trained to predict as an ensemble does.

    Args:
        share: weight of the ensemble's outputs against the labels, 0 to 1.
        epochs: epochs of training.
        batch_size: rows per step.
        learning_rate: of Adam, at its start; decays to zero along a cosine.
        seed: of shuffling and dropout.
        verbose: as in ``keras.Model.fit``.

    Raises:
        EnsembleError: epochs or a batch size that are no whole number of 1 or more.
    """

    share: float = 0.8
    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 1e-3
    seed: int = 0
    verbose: int = 0

    def __post_init__(self) -> None:
        whole_number(self.epochs, "epochs", 1, error=EnsembleError)
        whole_number(self.batch_size, "batch_size", 1, error=EnsembleError)

    def train(self, model: Any, x: Any, outputs: np.ndarray, y: np.ndarray | None, target: Target) -> Any:
        """Train the student.

        Args:
            model: an uncompiled ``keras.Model``; it is trained in place.
            x: input as the model takes it.
            outputs: of the ensemble on these rows, (rows, outputs).
            y: labels of these rows, or None to learn from the ensemble alone.
            target: what is predicted.

        Returns:
            The model, compiled with its accuracy or error as a metric.

        Raises:
            EnsembleError: as :func:`soft_targets`.
        """
        import keras

        targets = soft_targets(outputs, y, target, self.share)
        keras.utils.set_random_seed(self.seed)
        steps = self.epochs * -(-len(targets) // self.batch_size)
        loss, metric = target.distillation
        model.compile(
            optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(self.learning_rate, steps)),
            loss=loss,
            metrics=[metric],
        )
        model.fit(x, targets, batch_size=self.batch_size, epochs=self.epochs, verbose=self.verbose)
        return model


def best_net(members: Sequence[Member], losses: Sequence[float] | None) -> Member:
    """The net of the least validation loss; the heaviest one where losses are not known.

    Args:
        members: of the ensemble.
        losses: validation loss of each, or None.

    Raises:
        EnsembleError: all members are trees.
    """
    nets = [at for at, member in enumerate(members) if member.kind == "net"]
    if not nets:
        raise EnsembleError("distill: the ensemble has no net whose architecture could be taken; give a model")
    if losses is not None:
        return members[min(nets, key=lambda at: losses[at])]
    return members[max(nets, key=lambda at: members[at].weight)]

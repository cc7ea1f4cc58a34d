"""What an ensemble asks of a target: how predictions are shaped, judged and pooled."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from genomes.errors import GenomeError
from genomes.targets.labels import plain_array
from genomes.targets.pooled_loss import LossOfMean, PooledLoss, numerical_slope
from genomes.targets.weighted_median import keras_weighted_median, weighted_median


class EnsembleTarget(abc.ABC):
    """The half of :class:`genomes.targets.Target` that is about predictions: arrays (rows, outputs).

    Nothing here needs to know the number of outputs beforehand. By default predictions are numbers whose mean and
    median are predictions again.
    """

    #: The name of the task.
    task: ClassVar[str]

    #: Losses by which an ensemble may be chosen; the first is the default, and has a gradient.
    losses: ClassVar[tuple[str, ...]]
    #: Losses that are the root of a mean of row losses.
    rooted: ClassVar[frozenset[str]] = frozenset()
    #: Losses that are taken of predictions at their best temperature, and the plain losses that they then are.
    calibrated_losses: ClassVar[Mapping[str, str]] = {}
    #: For an objective of a campaign: what its ensemble minimises, and what the best single model is best in.
    losses_by_objective: ClassVar[Mapping[str, tuple[str, str]]] = {}
    #: For a loss: another one by which a large library of models is reduced before an ensemble is chosen.
    screening_losses: ClassVar[Mapping[str, str]] = {}
    #: Ways of pooling predictions; the first is the default.
    poolings: ClassVar[tuple[str, ...]] = ("arithmetic", "median")
    #: Other names of ways of pooling.
    pooling_synonyms: ClassVar[Mapping[str, str]] = {"mean": "arithmetic"}
    #: Whether predictions are probabilities, which have a temperature.
    gives_probabilities: ClassVar[bool] = False
    #: Whether estimators of one output each (trees) can learn it; see :meth:`separated`.
    separable: ClassVar[bool] = True
    #: Whether it may be one of several targets: it has :meth:`loss_of_outputs`.
    combinable: ClassVar[bool] = False
    #: Whether stacking is a least-squares fit of the targets; else of :meth:`stacking_loss`, by gradient.
    least_squares: ClassVar[bool] = True
    #: Keras loss and metric of a student that is trained on an ensemble's predictions.
    distillation: ClassVar[tuple[str, str]] = ("mean_squared_error", "mean_absolute_error")

    # -- predictions -------------------------------------------------------------------
    def as_predictions(self, predictions: Any, name: str = "predictions") -> np.ndarray:
        """What a model predicted as a float32 array (rows, outputs); a one-dimensional array is one output.

        Raises:
            GenomeError: a number of outputs that cannot be; the message names ``name``.
        """
        array = np.asarray(predictions)
        if array.dtype != np.float32:
            array = array.astype(np.float32)
        return _two_dimensional(array)

    def as_targets(self, y: Any, outputs: int | None = None, name: str = "y") -> np.ndarray:
        """Labels in the form by which predictions are judged.

        Args:
            y: labels as users give them.
            outputs: outputs of the models, to check the labels against; None if not known.
            name: the argument's name, for messages.

        Returns:
            float32 (rows, outputs); int64 (rows,) for ``multiclass``.

        Raises:
            GenomeError: labels out of range, not finite, or of another width.
        """
        array = plain_array(self.label_indices(y, name))
        if array.dtype.kind not in "biuf":
            raise GenomeError(f"{name}: expected numbers, got dtype {array.dtype}")
        if not np.all(np.isfinite(array)):
            raise GenomeError(f"{name}: expected finite numbers, got NaN or infinity")
        return self.encode(array, outputs, name)

    def label_indices(self, y: Any, name: str = "y") -> Any:
        """What a user gives with class indices in place of labels; ``y`` itself where labels are the indices."""
        return y

    def encode(self, array: np.ndarray, outputs: int | None, name: str) -> np.ndarray:
        """:meth:`as_targets` of finite numbers.

        Raises:
            GenomeError: as :meth:`as_targets`.
        """
        array = _two_dimensional(array.astype(np.float32))
        if outputs is not None and array.shape[1] != outputs:
            raise GenomeError(f"{name}: {array.shape[1]} columns, but the models have {outputs} outputs")
        return array

    def count_outputs(self, targets: np.ndarray) -> int:
        """Number of outputs of models for targets of the form of :meth:`as_targets`."""
        return int(targets.shape[1])

    def as_outputs(self, targets: np.ndarray, outputs: int) -> np.ndarray:
        """Targets in the form of a perfect model's predictions, float32 (rows, outputs)."""
        return targets

    def of_outputs(self, outputs: np.ndarray) -> np.ndarray:
        """Targets, of those in the form of predictions: the inverse of :meth:`as_outputs`."""
        return outputs

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """What a user is told for predictions: (rows,) for one output, else (rows, outputs); labels for classifiers."""
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities of every class or label, where predictions are probabilities.

        Raises:
            GenomeError: they are not.
        """
        raise GenomeError(f"predict_proba: a {self.task} has no probabilities; use predict")

    def numbers(self, predictions: np.ndarray) -> np.ndarray | None:
        """Predictions as the numbers that scores of a regression judge, (rows, targets); None where there are none.

        Asked only where predictions are no probabilities.
        """
        return predictions

    def decisions(self, predictions: np.ndarray) -> np.ndarray | None:
        """The label that each prediction decides for, flat; None where predictions decide for none."""
        return None

    def true_decisions(self, targets: np.ndarray) -> np.ndarray | None:
        """The decisions that would be right."""
        return None

    def confidence(self, predictions: np.ndarray) -> np.ndarray | None:
        """Probability of the decision of each row, float (rows,); None where a row is not one decision.

        Args:
            predictions: (rows, outputs).
        """
        return None

    def strata(self, targets: np.ndarray) -> np.ndarray | None:
        """A class for each row, which folds are to hold in equal shares; None for no such classes."""
        return None

    def separated(self, targets: np.ndarray) -> list[np.ndarray]:
        """Targets as estimators of one output each learn them (trees), (rows,) each.

        Whole numbers are class labels, floats are numbers. A single array for several outputs holds exclusive classes.
        """
        return [targets[:, at] for at in range(targets.shape[1])]

    def separated_columns(self, outputs: int) -> list[list[int]]:
        """The columns of predictions of each array of :meth:`separated`: one, or one for each exclusive class.

        Args:
            outputs: number of columns of predictions.
        """
        return [[at] for at in range(outputs)]

    # -- judging -----------------------------------------------------------------------
    @property
    def headline(self) -> str:
        """The one metric of :meth:`evaluate` that is shown where there is room for one."""
        return self.losses[0]

    @property
    def reported(self) -> tuple[str, ...]:
        """Losses whose estimates are reported of every ensemble."""
        return self.losses

    @abc.abstractmethod
    def row_losses(self, loss: str, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The loss of every row, float64 (rows,).

        Args:
            loss: one of :attr:`losses`, but for :attr:`calibrated_losses`. Rows of a loss that is :attr:`rooted` are
                squares; rows of several outputs are averaged.
            predictions: (rows, outputs).
            targets: as :meth:`as_targets` returns them.
        """

    def evaluate(
        self, predictions: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
    ) -> dict[str, float]:
        """All metrics.

        Args:
            predictions: (rows, outputs).
            targets: as :meth:`as_targets` returns them.
            weight: of each row, or None.
        """
        return {
            loss: self.finish(loss, float(np.average(self.row_losses(loss, predictions, targets), weights=weight)))
            for loss in self.losses
            if loss not in self.calibrated_losses
        }

    def finish(self, loss: str, mean: float) -> float:
        """The figure reported for a mean of row losses: its root for :attr:`rooted` ones, itself else."""
        return float(np.sqrt(mean)) if loss in self.rooted else float(mean)

    # -- pooling -----------------------------------------------------------------------
    def keras_predictions(self, outputs: Any) -> Any:
        """:meth:`as_predictions` of what a Keras model puts out: one tensor (batch, outputs)."""
        return outputs

    def link(self, predictions: np.ndarray) -> np.ndarray:
        """Predictions on the scale of the geometric mean and of stacking: log-probabilities or log-odds, say."""
        return predictions

    def inverse_link(self, scores: np.ndarray) -> np.ndarray:
        """Predictions, of what :meth:`link` gives."""
        return scores

    def keras_link(self, predictions: Any) -> Any:
        """:meth:`link` of a Keras tensor."""
        return predictions

    def keras_inverse_link(self, scores: Any) -> Any:
        """:meth:`inverse_link` of a Keras tensor."""
        return scores

    def pool(
        self, predictions: Sequence[np.ndarray], weights: np.ndarray, pooling: str, temperature: float = 1.0
    ) -> np.ndarray:
        """Pooled predictions, float32 (rows, outputs); computed in float64.

        Args:
            predictions: one array (rows, outputs) per member.
            weights: (members,), non-negative, summing to 1.
            pooling: ``arithmetic``: the weighted mean. ``geometric``: the weighted mean on the scale of :meth:`link`.
                ``median``: the weighted median.
            temperature: after pooling, probabilities become ``p ** (1 / temperature)``, normalised.
        """
        if pooling == "median":
            return weighted_median(np.stack(predictions).astype(np.float64), weights).astype(np.float32)
        total = np.zeros(predictions[0].shape, dtype=np.float64)
        for weight, one in zip(weights, predictions, strict=True):
            values = one.astype(np.float64)
            total += weight * (self.link(values) if pooling == "geometric" else values)
        if pooling == "geometric":
            total = self.inverse_link(total / temperature)
        else:
            total = self.tempered(total, temperature)
        return total.astype(np.float32)

    def keras_pool(
        self, predictions: Sequence[Any], weights: Sequence[float], pooling: str, temperature: float = 1.0
    ) -> Any:
        """:meth:`pool` of Keras tensors, in float32."""
        if pooling == "median":
            return keras_weighted_median(list(predictions), list(weights))
        geometric = pooling == "geometric"
        values = [self.keras_link(one) if geometric else one for one in predictions]
        total = values[0] * weights[0]
        for value, weight in zip(values[1:], weights[1:], strict=True):
            total = total + value * weight
        if geometric:
            return self.keras_inverse_link(total / temperature)
        return total if temperature == 1.0 else self.keras_inverse_link(self.keras_link(total) / temperature)

    def pooled_loss(self, loss: str, pooling: str) -> PooledLoss:
        """A loss of pooled predictions as a function of a sum over models.

        Args:
            loss: one of :attr:`losses`, but for :attr:`calibrated_losses`.
            pooling: one of :attr:`poolings`; the median is replaced by the arithmetic mean.
        """

        def rows(predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
            return self.row_losses(loss, predictions, targets)

        if pooling == "geometric":
            return LossOfMean(rows, self.link, self.inverse_link)
        return LossOfMean(rows, lambda predictions: predictions, lambda sums: sums)

    def tempered(self, predictions: np.ndarray, temperature: float) -> np.ndarray:
        """``p ** (1 / temperature)``, normalised; above 1 makes softer, below 1 makes sharper."""
        return predictions if temperature == 1.0 else self.inverse_link(self.link(predictions) / temperature)

    def tempered_loss(self, predictions: np.ndarray, targets: np.ndarray) -> Callable[[float], float]:
        """The default loss as a function of the inverse temperature, where predictions have a temperature.

        Args:
            predictions: (rows, outputs).
            targets: as :meth:`as_targets` returns them.
        """
        scores = self.link(predictions.astype(np.float64))

        def loss(inverse: float) -> float:
            return float(np.mean(self.row_losses(self.losses[0], self.inverse_link(scores * inverse), targets)))

        return loss

    def stacking_loss(self, scores: np.ndarray, targets: np.ndarray, share: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean of the default loss of stacked scores and its derivative by each score; unless :attr:`least_squares`.

        Args:
            scores: on the scale of :meth:`link`, (rows, outputs).
            targets: as :meth:`as_targets` returns them.
            share: weight of each row, summing to 1.
        """

        def rows(scores: np.ndarray) -> np.ndarray:
            return self.row_losses(self.losses[0], self.inverse_link(scores), targets)

        return float(share @ rows(scores)), numerical_slope(rows, scores) * share[:, None]


def _two_dimensional(array: np.ndarray) -> np.ndarray:
    if array.ndim == 1:
        return array[:, None]
    return array.reshape(len(array), -1) if array.ndim > 2 else array

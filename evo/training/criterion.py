"""Loss and metrics of a model with one output or several, as Keras' ``fit`` would compute them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Criterion:
    """What is minimised and what is watched.

    The loss is the sum over outputs of each output's loss (Keras applies
    masks and sample weights), plus the model's own losses: regularisers and
    what layers add. Metrics are not weighted by sample weights, as with
    ``compile(metrics=...)``.

    Args:
        space: gives losses and metrics.
        genome: the genome that is trained.
        model: the model; its outputs name the losses where there are several.
        preprocessing: what ``Space.adapt`` found, or None.
    """

    def __init__(self, space: Any, genome: Any, model: Any, preprocessing: Any = None) -> None:
        self.model = model
        self.outputs: list[str] = list(getattr(model, "output_names", None) or ["output"])
        self.loss = space.loss(genome, preprocessing) if preprocessing else space.loss(genome)
        self.soft = bool(space.needs_soft_targets(genome))
        self.target = getattr(space, "target", None)
        # Smoothed targets make losses of different genomes incomparable, so validation does without.
        self.plain_loss = self.target.loss() if self.soft and self.target is not None else None
        self.metrics: list[tuple[str, str | None, Any]] = []
        metrics = space.metrics()
        by_output = metrics if isinstance(metrics, Mapping) else {None: metrics}
        for output, group in by_output.items():
            for metric in group if isinstance(group, (list, tuple)) else [group]:
                name = metric.name if output is None else f"{output}_{metric.name}"
                self.metrics.append((name, output, metric))

    def targets(self, y: Any) -> Any:
        """Targets as loss and augmentation take them: one-hot where the genome needs soft ones."""
        return y if not self.soft or self.target is None else self.target.soft_targets(y)

    def training_loss(self, y: Any, predictions: Any, weight: Any) -> Any:
        """Scalar loss of a batch; ``y`` as :meth:`targets` gave it."""
        return self._total(self.loss, y, predictions, weight)

    def validation_loss(self, y: Any, predictions: Any, weight: Any) -> Any:
        """Scalar loss of a batch of plain targets, comparable between genomes."""
        return self._total(self.plain_loss or self.loss, y, predictions, weight)

    def _total(self, loss: Any, y: Any, predictions: Any, weight: Any) -> Any:
        if isinstance(loss, Mapping):
            total: Any = 0.0
            for name, output_loss in loss.items():
                output_weight = weight[name] if isinstance(weight, Mapping) else weight
                total += output_loss(_of(y, name, self.outputs), _of(predictions, name, self.outputs), output_weight)
        else:
            total = loss(y, predictions, sample_weight=weight)
        return total

    def own_losses(self) -> Any:
        """Sum of the losses that the model adds itself, in its latest call: regularisers, ``add_loss``."""
        import keras

        total: Any = 0.0
        for own in self.model.losses:
            total += keras.ops.cast(keras.ops.sum(own), "float32")
        return total

    def update(self, y: Any, predictions: Any, counted: Any = None) -> None:
        """Count a batch of plain targets in every metric; ``counted`` weighs the batch if it is given."""
        import keras

        for _, output, metric in self.metrics:
            targets, predicted = self.parts(output, y, predictions)
            if counted is None:
                metric.update_state(targets, predicted)
            else:
                rows = keras.ops.shape(targets)[0]
                metric.update_state(targets, predicted, sample_weight=keras.ops.broadcast_to(counted, (rows,)))

    def parts(self, output: str | None, y: Any, predictions: Any) -> tuple[Any, Any]:
        """Targets and predictions of one output; all of them for None."""
        if output is None:
            return y, predictions
        return _of(y, output, self.outputs), _of(predictions, output, self.outputs)

    def results(self) -> dict[str, Any]:
        """Value of every metric."""
        return {name: metric.result() for name, _, metric in self.metrics}

    def reset(self) -> None:
        """Start counting anew."""
        for _, _, metric in self.metrics:
            metric.reset_state()


def _of(values: Any, name: str, names: list[str]) -> Any:
    """The part of a dict or list of outputs that belongs to one of them."""
    if isinstance(values, Mapping):
        return values[name]
    if isinstance(values, (list, tuple)):
        return values[names.index(name)]
    return values

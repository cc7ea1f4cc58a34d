"""Loss and metrics of a model, exactly as Keras' ``fit`` and ``evaluate`` would compute them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class Criterion(ABC):
    """What is minimised and what is watched.

    Args:
        space: the space of the genome that is trained.
        model: the model.
    """

    def __init__(self, space: Any, model: Any) -> None:
        self.space = space
        self.model = model

    #: Whether the loss takes one-hot targets that augmentation may change.
    soft = False

    def targets(self, y: Any) -> Any:
        """Targets as loss and augmentation take them."""
        return y

    @abstractmethod
    def loss(self, x: Any, y: Any, predictions: Any, weight: Any, training: bool, own: Any = None) -> Any:
        """Scalar loss of a batch, with the losses that the model adds itself in its latest call.

        Args:
            x: inputs of the batch.
            y: targets; while training as :meth:`targets` gave them.
            predictions: what the model made of ``x``.
            weight: weights of the rows, by output where there are several, or None.
            training: whether it is to be minimised; else it is comparable between genomes.
            own: losses that a stateless call of the model returned; None to ask the model.
        """

    @abstractmethod
    def update(self, x: Any, y: Any, predictions: Any, weight: Any) -> None:
        """Count a batch of plain targets in every metric."""

    def update_if(self, condition: Any, x: Any, y: Any, predictions: Any, weight: Any) -> None:
        """Count a batch where a condition, a tensor, holds: on one of the replicas that all have the batch."""
        import keras

        before = [keras.ops.copy(variable.value) for variable in self.variables]
        self.update(x, y, predictions, weight)
        for variable, value in zip(self.variables, before, strict=True):
            variable.assign(keras.ops.where(condition, variable.value, value))

    @abstractmethod
    def results(self) -> dict[str, Any]:
        """Value of every metric, by its name in Keras' logs."""

    @abstractmethod
    def reset(self) -> None:
        """Start counting anew."""

    @property
    @abstractmethod
    def variables(self) -> list[Any]:
        """State of the metrics."""


class SpaceCriterion(Criterion):
    """Loss and metrics that a space gives for a model that it built.

    The loss is the sum over outputs of each output's loss (Keras applies
    masks and sample weights), plus the model's own losses. Metrics are not
    weighted by sample weights, as with ``compile(metrics=...)``.

    Args:
        space: gives losses and metrics.
        genome: the genome that is trained.
        model: the model; its outputs name the losses where there are several.
        preprocessing: what ``Space.adapt`` found, or None.
    """

    def __init__(self, space: Any, genome: Any, model: Any, preprocessing: Any = None) -> None:
        super().__init__(space, model)
        self.outputs: list[str] = list(getattr(model, "output_names", None) or ["output"])
        self.training_loss = space.loss(genome, preprocessing) if preprocessing else space.loss(genome)
        self.target = getattr(space, "target", None)
        self.soft = bool(space.needs_soft_targets(genome)) and self.target is not None
        # Smoothed targets make losses of different genomes incomparable, so validation does without.
        self.plain_loss = self.target.loss() if self.soft and self.target is not None else self.training_loss
        self.metrics: list[tuple[str, str | None, Any]] = []
        metrics = space.metrics()
        by_output = metrics if isinstance(metrics, Mapping) else {None: metrics}
        for output, group in by_output.items():
            for metric in group if isinstance(group, (list, tuple)) else [group]:
                name = metric.name if output is None else f"{output}_{metric.name}"
                self.metrics.append((name, output, metric))

    def targets(self, y: Any) -> Any:
        """Targets as loss and augmentation take them: one-hot where the genome needs soft ones."""
        return self.target.soft_targets(y) if self.soft and self.target is not None else y

    def loss(self, x: Any, y: Any, predictions: Any, weight: Any, training: bool, own: Any = None) -> Any:
        """Scalar loss of a batch: smoothed as the genome says while training, plain otherwise."""
        loss = self.training_loss if training else self.plain_loss
        if isinstance(loss, Mapping):
            total: Any = 0.0
            for name, output_loss in loss.items():
                output_weight = weight[name] if isinstance(weight, Mapping) else weight
                total += output_loss(_of(y, name, self.outputs), _of(predictions, name, self.outputs), output_weight)
        else:
            total = loss(y, predictions, weight)
        for added in self.model.losses if own is None else own:
            # As `fit` adds them: each replica's loss is divided by their number, these included.
            total += self.model._aggregate_additional_loss(added)
        return total

    def update(self, x: Any, y: Any, predictions: Any, weight: Any) -> None:
        """Count a batch of plain targets in every metric."""
        for _, output, metric in self.metrics:
            targets, predicted = y, predictions
            if output is not None:
                targets, predicted = _of(y, output, self.outputs), _of(predictions, output, self.outputs)
            metric.update_state(targets, predicted)

    def results(self) -> dict[str, Any]:
        """Value of every metric."""
        return {name: metric.result() for name, _, metric in self.metrics}

    def reset(self) -> None:
        """Start counting anew."""
        for _, _, metric in self.metrics:
            metric.reset_state()

    @property
    def variables(self) -> list[Any]:
        """State of the metrics."""
        return [variable for _, _, metric in self.metrics for variable in metric.variables]


class CompiledCriterion(Criterion):
    """Loss and metrics of a model that came compiled: Keras' own code computes both.

    That settles all that depends on what ``compile`` was given: which
    accuracy is meant by ``"accuracy"``, losses and metrics by output, loss
    weights, weighted metrics, masks, an own ``compute_loss``.
    """

    def loss(self, x: Any, y: Any, predictions: Any, weight: Any, training: bool, own: Any = None) -> Any:
        """Scalar loss of a batch, by ``model.compute_loss``."""
        model = self.model
        if own:
            # As Keras' own JAX trainer hands over what a stateless call returned.
            model._losses_override.clear()
            model._losses_override = list(own)
        try:
            return model._compute_loss(x=x, y=y, y_pred=predictions, sample_weight=weight, training=training)
        finally:
            if own:
                model._losses_override.clear()

    def update(self, x: Any, y: Any, predictions: Any, weight: Any) -> None:
        """Count a batch in every metric, by ``model.compute_metrics``."""
        self.model.compute_metrics(x, y, predictions, sample_weight=weight)

    def results(self) -> dict[str, Any]:
        """Value of every metric by its name in Keras' logs, without the loss."""
        found = {name: value for name, value in self.model.get_metrics_result().items() if name != "loss"}
        # A metric whose result is a dict is logged by the names in it.
        nested = [value if isinstance(value, Mapping) else {name: value} for name, value in found.items()]
        found = {name: value for values in nested for name, value in values.items()}
        numbers: dict[str, Any] = {}
        for name, value in found.items():
            if len(getattr(value, "shape", ())) == 0:
                numbers[name] = value
            else:
                # Keras logs an array (one F1 score per class, say); scores are numbers, so each has its own name.
                numbers |= {f"{name}[{index}]": value[index] for index in range(value.shape[0])}
        return numbers

    def reset(self) -> None:
        """Start counting anew."""
        self.model.reset_metrics()

    @property
    def variables(self) -> list[Any]:
        """State of the metrics."""
        return list(self.model.metrics_variables)


def criterion_of(space: Any, genome: Any, model: Any, preprocessing: Any = None) -> Criterion:
    """The criterion of a model: the space's, or what the model was compiled with where the space compiles it."""
    if space.compiles_models:
        return CompiledCriterion(space, model)
    return SpaceCriterion(space, genome, model, preprocessing)


def _of(values: Any, name: str, names: list[str]) -> Any:
    """The part of a dict or list of outputs that belongs to one of them."""
    if isinstance(values, Mapping):
        return values[name]
    if isinstance(values, (list, tuple)):
        return values[names.index(name)]
    return values

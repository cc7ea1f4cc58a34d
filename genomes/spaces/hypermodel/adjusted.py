"""A hypermodel with what its user says from outside: fixed or other ranges, another optimizer, loss, metrics."""

from __future__ import annotations

from typing import Any

from genomes.errors import GenomeError, shown
from genomes.genes.hyperparameters import Parameter
from genomes.spaces.hypermodel.registration import build_function


class AdjustedHypermodel:
    """Builds what another hypermodel builds, as ``keras_tuner.Tuner`` does with the arguments of these names.

    Args:
        hypermodel: ``build(hp)`` or a ``HyperModel``.
        hyperparameters: a ``keras_tuner.HyperParameters``; what it holds takes precedence over what ``build`` asks for.
        optimizer: name or optimizer that replaces the compiled one; None to keep it. Every model gets a fresh one.
        loss: likewise.
        metrics: likewise.
    """

    def __init__(
        self,
        hypermodel: Any,
        hyperparameters: Any = None,
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
    ) -> None:
        self.adjusted = hypermodel
        self.hyperparameters = hyperparameters
        self.optimizer, self.loss, self.metrics = optimizer, loss, metrics

    def build(self, hp: Any) -> Any:
        """The model, compiled anew where something is replaced."""
        if self.hyperparameters is not None:
            hp.merge(self.hyperparameters.space, overwrite=False)
        model = build_function(self.adjusted)(hp)
        if any(value is not None for value in (self.optimizer, self.loss, self.metrics)):
            self._compile(model)
        return model

    def _compile(self, model: Any) -> None:
        import keras

        optimizer = self.optimizer if self.optimizer is not None else getattr(model, "optimizer", None)
        if isinstance(optimizer, keras.optimizers.Optimizer):
            optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
        metrics = self.metrics
        if metrics is None:
            metrics = getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None)
        model.compile(
            optimizer=optimizer if optimizer is not None else "rmsprop",
            loss=self.loss if self.loss is not None else getattr(model, "loss", None),
            metrics=_fresh(metrics),
        )


def _fresh(metrics: Any) -> Any:
    """Metrics have state: a model never shares one with another."""
    import keras

    if isinstance(metrics, keras.metrics.Metric):
        return keras.metrics.deserialize(keras.metrics.serialize(metrics))
    if isinstance(metrics, dict):
        return {name: _fresh(metric) for name, metric in metrics.items()}
    return [_fresh(metric) for metric in metrics] if isinstance(metrics, (list, tuple)) else metrics


def only_allowed(found: list[Parameter], given: Any, tune_new: bool, allow_new: bool) -> list[Parameter]:
    """The hyperparameters that are tuned.

    Args:
        found: all that ``build`` asks for.
        given: the ``keras_tuner.HyperParameters`` of the user; None if there are none.
        tune_new: whether others are tuned.
        allow_new: whether there may be others.

    Raises:
        GenomeError: there are others and may not be, or nothing is left.
    """
    names = set() if given is None else {parameter.name for parameter in given.space}
    new = [parameter.name for parameter in found if parameter.name not in names]
    if new and not allow_new:
        raise GenomeError(
            f"build: asks for {shown(new, 300)}, which hyperparameters= does not hold (allow_new_entries)"
        )
    if tune_new:
        return found
    if len(new) == len(found):
        raise GenomeError("tune_new_entries: nothing is left to tune; give hyperparameters=")
    return [parameter for parameter in found if parameter.name in names]


def written_objective(objective: Any) -> str:
    """An objective as evo writes it: a leading minus minimizes.

    Args:
        objective: written so already, or a ``keras_tuner.Objective``.
    """
    direction = getattr(objective, "direction", None)
    if direction is None:
        return str(objective)
    return f"-{objective.name}" if direction == "min" else str(objective.name)

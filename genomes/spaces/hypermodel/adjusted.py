"""A hypermodel with what its user says from outside: fixed or other ranges, another optimizer, loss, metrics."""

from __future__ import annotations

from typing import Any

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

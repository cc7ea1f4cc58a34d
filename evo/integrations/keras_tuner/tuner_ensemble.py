"""An ensemble of a tuner's best models: what they predict is read off their loss and the validation targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.core.randomness import Purpose, generator
from evo.ensemble import Ensemble, LibraryModel
from evo.integrations.keras_tuner.validation_data import ValidationData
from genomes.targets import Multiclass, Target

_REGRESSION = ("mse", "mae", "mean", "huber", "log_cosh", "poisson", "tweedie", "cosine")


def form(
    tuner: Any, data: ValidationData | None, size: int, models: int, task: Any, options: dict[str, Any]
) -> Ensemble:
    """See ``EvolutionTuner.ensemble``."""
    if data is None or data.y is None:
        raise EnsembleError("ensemble: give the validation data: tuner.ensemble(x=x_validation, y=y_validation)")
    trials = [t for t in tuner.oracle.get_best_trials(models) if t.status == "COMPLETED"]
    candidates, target, y = [], None, np.asarray(data.y)
    for number, trial in enumerate(trials):
        model = tuner.load_model(trial)
        if len(model.outputs if hasattr(model, "outputs") and model.outputs else [0]) > 1:
            raise EnsembleError("ensemble: the models have several outputs; an ensemble needs models of one")
        normalized = with_probabilities(model, data.x)
        predictions = np.asarray(normalized.predict(data.x, verbose=0), dtype=np.float32)
        if predictions.ndim == 1:
            predictions = predictions[:, None]
        if target is None:
            target = task if task is not None else target_of(model.loss, predictions.shape[-1])
            y = labels(y, model.loss)
        candidates.append(
            LibraryModel(
                number,
                predictions,
                {tuner.oracle.objective.name: float(trial.score)},
                int(model.count_params()),
                load=_loader(tuner, trial, data.x),
            )
        )
    if target is None:
        raise EnsembleError("ensemble: no trial has completed")
    options.setdefault("rng", generator(tuner.seed or 0, Purpose.ENSEMBLE))
    return Ensemble.select(candidates, y, target, size, **options)


def _loader(tuner: Any, trial: Any, x: Any) -> Callable[[], Any]:
    return lambda: with_probabilities(tuner.load_model(trial), x)


def _name(loss: Any) -> str:
    import keras

    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    found = str(getattr(loss, "name", None) or getattr(loss, "__name__", type(loss).__name__))
    return found.lower()


def target_of(loss: Any, outputs: int) -> Target:
    """What a model with this loss and so many outputs predicts.

    Raises:
        EnsembleError: the loss does not say it.
    """
    name = _name(loss)
    if "categorical" in name and outputs > 1:
        return Multiclass(outputs)
    if "binary_" in name:
        return Target.infer(classes=2) if outputs == 1 else Target.infer(labels=outputs)
    if name.startswith(_REGRESSION):
        return Target.infer(outputs=outputs)
    raise EnsembleError(
        f"ensemble: the loss {name} does not say what is predicted; give task=, a genomes.targets.Target"
    )


def labels(y: np.ndarray, loss: Any) -> np.ndarray:
    """Targets as an ensemble takes them: class numbers where the loss takes one-hot rows."""
    name = _name(loss)
    if "categorical" in name and "sparse" not in name and y.ndim == 2 and y.shape[1] > 1:
        return np.asarray(y.argmax(axis=1))
    if ("categorical" in name or "binary_" in name) and y.ndim == 2 and y.shape[1] == 1:
        return np.asarray(y[:, 0])
    return y


def with_probabilities(model: Any, x: Any) -> Any:
    """The model behind an explicit input, with the activation that its loss would apply to logits."""
    import keras

    loss = keras.losses.get(model.loss) if isinstance(model.loss, str) else model.loss
    config = loss.get_config() if hasattr(loss, "get_config") else {}
    logits = bool(config.get("from_logits") or (config.get("fn_kwargs") or {}).get("from_logits"))

    def symbolic(array: Any) -> Any:
        array = np.asarray(array)
        dtype = "string" if array.dtype.kind in "OUS" else str(array.dtype)
        return keras.Input(shape=array.shape[1:], dtype="float32" if dtype == "float64" else dtype)

    inputs = keras.tree.map_structure(symbolic, x)
    outputs = model(inputs)
    if logits:
        outputs = keras.layers.Activation("sigmoid" if outputs.shape[-1] == 1 else "softmax")(outputs)
        if "binary_" in _name(loss) and outputs.shape[-1] != 1:
            outputs = keras.layers.Activation("sigmoid")(model(inputs))
    return keras.Model(inputs, outputs)

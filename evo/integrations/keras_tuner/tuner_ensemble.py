"""An ensemble of a tuner's best models: what they predict is read off their loss and the validation targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.core.randomness import Purpose, generator
from evo.ensemble import Ensemble, LibraryModel
from evo.integrations.keras_tuner.validation_data import ValidationData
from genomes.spaces.hypermodel.inputs import specs_of, symbolic
from genomes.spaces.hypermodel.outputs import activated, activation_of, target_of, with_activation
from genomes.targets import Multiclass, Target

_SEVERAL = "ensemble: the models have several outputs; an ensemble needs models of one"


def form(
    tuner: Any, data: ValidationData | None, size: int, models: int, task: Any, options: dict[str, Any]
) -> Ensemble:
    """See ``EvolutionTuner.ensemble``."""
    if data is None or data.y is None:
        raise EnsembleError("ensemble: give the validation data: tuner.ensemble(x=x_validation, y=y_validation)")
    trials = [t for t in tuner.oracle.get_best_trials(models) if t.status == "COMPLETED"]
    candidates, target = [], task
    for number, trial in enumerate(trials):
        model = tuner.load_model(trial)
        predictions = model.predict(data.x, verbose=0)
        if not isinstance(predictions, np.ndarray):
            raise EnsembleError(_SEVERAL)
        predictions = np.asarray(predictions, np.float32).reshape(len(predictions), -1)
        if target is None:
            target = _target(model, predictions.shape[-1])
        candidates.append(
            LibraryModel(
                number,
                activated(predictions, activation_of(model.loss)),
                {tuner.oracle.objective.name: float(trial.score)},
                int(model.count_params()),
                load=_loader(tuner, trial, data.x),
            )
        )
    if target is None:
        raise EnsembleError("ensemble: no trial has completed")
    options.setdefault("rng", generator(tuner.seed or 0, Purpose.ENSEMBLE))
    return Ensemble.select(candidates, _labels(np.asarray(data.y), target), target, size, **options)


def _loader(tuner: Any, trial: Any, x: Any) -> Callable[[], Any]:
    def load() -> Any:
        model = tuner.load_model(trial)
        if isinstance(x, (list, tuple)):
            arrays: Any = {f"input_{number}": np.asarray(array) for number, array in enumerate(x)}
        elif isinstance(x, Mapping):
            arrays = {name: np.asarray(array) for name, array in x.items()}
        else:
            arrays = np.asarray(x)
        # Also where nothing has to be activated: a subclassed model has no outputs that an ensemble could take up.
        return with_activation(model, symbolic(specs_of(arrays)), activation_of(model.loss) or "linear")

    return load


def _target(model: Any, outputs: int) -> Target:
    """What a compiled model predicts.

    Raises:
        EnsembleError: its loss does not say it.
    """
    target = target_of(model, outputs)
    if target is None:
        raise EnsembleError(
            f"ensemble: the loss {model.loss!r} does not say what is predicted; give task=, a genomes.targets.Target"
        )
    return target


def _labels(y: np.ndarray, target: Target) -> np.ndarray:
    """Class numbers where rows are one-hot or columns of one number; else as they are."""
    if not isinstance(target, Multiclass) or y.ndim != 2:
        return y
    return np.asarray(y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0])

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
from genomes.spaces.hypermodel.outputs import activated, activation_of, target_of_loss, with_activation
from genomes.targets import Multiclass, Target


def form(
    tuner: Any,
    data: ValidationData | None,
    size: int,
    models: int,
    task: Any,
    output: str | int | None,
    options: dict[str, Any],
) -> Ensemble:
    """See ``EvolutionTuner.ensemble``."""
    if data is None or data.y is None:
        raise EnsembleError("ensemble: give the validation data: tuner.ensemble(x=x_validation, y=y_validation)")
    trials = [t for t in tuner.oracle.get_best_trials(models) if t.status == "COMPLETED"]
    candidates, target = [], task
    y = None
    for number, trial in enumerate(trials):
        model = tuner.load_model(trial)
        made = model.predict(data.x, verbose=0)
        place = _place(model, made, output)
        loss = model.loss if place is None else _one_of(model, model.loss, place, made, "loss")
        if y is None:
            y = data.y if place is None else _one_of(model, data.y, place, made, "y")
        predictions = np.asarray(made if place is None else made[place], np.float32)
        predictions = predictions.reshape(len(predictions), -1)
        if target is None:
            target = _target(loss, predictions.shape[-1])
        candidates.append(
            LibraryModel(
                number,
                activated(predictions, activation_of(loss)),
                {tuner.oracle.objective.name: float(trial.score)},
                int(model.count_params()),
                load=_loader(tuner, trial, data.x, loss, place),
            )
        )
    if target is None:
        raise EnsembleError("ensemble: no trial has completed")
    options.setdefault("rng", generator(tuner.seed or 0, Purpose.ENSEMBLE))
    return Ensemble.select(candidates, _labels(np.asarray(y), target), target, size, **options)


def _place(model: Any, made: Any, output: str | int | None) -> str | int | None:
    """Name or number of the output in what the model predicts; None if there is one only."""
    if isinstance(made, np.ndarray):
        if output is not None:
            raise EnsembleError(f"output: the models have one output; leave {output!r} out")
        return None
    names = list(made) if isinstance(made, Mapping) else list(getattr(model, "output_names", ()) or range(len(made)))
    numbers = range(len(names))
    if output is None:
        raise EnsembleError(f"ensemble: the models have several outputs; say which one, output= one of {names}")
    if output not in names and output not in numbers:
        raise EnsembleError(f"output: expected one of {names}, or a number, got {output!r}")
    number = names.index(output) if output in names else int(output)
    return str(names[number]) if isinstance(made, Mapping) else number


def _one_of(model: Any, several: Any, place: str | int, made: Any, what: str) -> Any:
    """The part of a loss or of targets that belongs to an output; a single loss is every output's."""
    if isinstance(several, Mapping):
        names = list(made) if isinstance(made, Mapping) else list(model.output_names)
        name = place if isinstance(place, str) else names[place]
        if name in several:
            return several[name]
        raise EnsembleError(f"ensemble: {what} has no entry for output {name!r}, only {sorted(map(str, several))}")
    if isinstance(several, (list, tuple)):
        return several[list(made).index(place) if isinstance(place, str) else place]
    return several


def _loader(tuner: Any, trial: Any, x: Any, loss: Any, place: str | int | None) -> Callable[[], Any]:
    def load() -> Any:
        model = tuner.load_model(trial)
        if isinstance(x, (list, tuple)):
            arrays: Any = {f"input_{number}": np.asarray(array) for number, array in enumerate(x)}
        elif isinstance(x, Mapping):
            arrays = {name: np.asarray(array) for name, array in x.items()}
        else:
            arrays = np.asarray(x)
        # Also where nothing has to be activated: a subclassed model has no outputs that an ensemble could take up.
        return with_activation(model, symbolic(specs_of(arrays)), activation_of(loss) or "linear", place)

    return load


def _target(loss: Any, outputs: int) -> Target:
    """What a model predicts that was compiled with a loss.

    Raises:
        EnsembleError: its loss does not say it.
    """
    target = target_of_loss(loss, outputs)
    if target is None:
        raise EnsembleError(
            f"ensemble: the loss {loss!r} does not say what is predicted; give task=, a genomes.targets.Target"
        )
    return target


def _labels(y: np.ndarray, target: Target) -> np.ndarray:
    """Class numbers where rows are one-hot or columns of one number; else as they are."""
    if not isinstance(target, Multiclass) or y.ndim != 2:
        return y
    return np.asarray(y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0])

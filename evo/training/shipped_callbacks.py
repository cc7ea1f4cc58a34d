"""Keras callbacks on their way from a campaign to its trials: a fresh copy for each of them."""

from __future__ import annotations

import copy
import functools
import os
import pickle
import sys
import types
from collections.abc import Sequence
from typing import Any

from evo.core.errors import SettingsError
from genomes.spaces.hypermodel.identity import identity_of

#: Classes of Keras that need nothing but what is known between two epochs, whatever trains in between.
#: ``TerminateOnNaN`` is among them, as a loss that is not finite ends a trial anyway.
_BETWEEN_EPOCHS = ("CSVLogger", "EarlyStopping", "LearningRateScheduler", "ReduceLROnPlateau", "TerminateOnNaN")
#: Files that Keras' callbacks write, by class; trials must not write into each other's.
_FILES = {"CSVLogger": "filename", "ModelCheckpoint": "filepath"}
#: Folders, likewise.
_FOLDERS = {"TensorBoard": "log_dir"}
#: What stands for the trial's number in them, where a user says where it is to stand.
_PLACE = "{trial}"


class ShippedCallbacks:
    """Keras callbacks as a user gave them; pickled with ``cloudpickle``, so that classes of a script travel too.

    Nothing of this is stored.

    Args:
        given: callbacks, and functions without arguments that make one.
    """

    def __init__(self, given: Sequence[Any] = ()) -> None:
        self.given = tuple(given)
        self._packed: bytes | None = None

    def __bool__(self) -> bool:
        return bool(self.given)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._packed is None:
            import cloudpickle

            self._packed = bytes(cloudpickle.dumps(tuple(map(_without_model, self.given))))
        return _arrived, (self._packed,)

    def fresh(self, trial: int) -> list[Any]:
        """Callbacks that no other trial has.

        Args:
            trial: number of the trial; stands in the names of the files that Keras' own callbacks write: in place of
                ``{trial}``, else before a file's name, or as a folder in ``TensorBoard``'s.

        Raises:
            SettingsError: a function made no callback; or one that cannot be copied.
        """
        made = self.copied()
        for callback in made:
            _give_own_files(callback, f"{trial:06d}")
        return made

    def copied(self) -> list[Any]:
        """Copies, and what functions make.

        Raises:
            SettingsError: as :meth:`fresh`.
        """
        made = []
        for given in self.given:
            if not is_keras_callback(given):
                made.append(given())
                if not is_keras_callback(made[-1]):
                    name = getattr(given, "__qualname__", repr(given))
                    raise SettingsError(
                        f"callbacks: {name}() must make a keras.callbacks.Callback, got {type(made[-1]).__name__}"
                    )
                continue
            try:
                made.append(copy.deepcopy(_without_model(given)))
            except Exception as error:  # whatever a user's object raises when it is copied
                raise SettingsError(f"callbacks: {cannot(given, 'be copied for each trial', error)}") from error
        return made

    @property
    def needs_fit(self) -> bool:
        """Whether Keras' own ``fit`` must train: some are no known ones of Keras, or ask for every batch."""
        return any(not _is_between_epochs(given) for given in self.given)

    def to_json(self) -> list[dict[str, str]]:
        """What tells these callbacks from others, as they are recorded with the settings of a campaign."""
        return [{"callback": _name(given), **identity_of(_without_model(given))} for given in self.given]


def _without_model(given: Any) -> Any:
    """A callback as it was before ``fit``, without the model that it was used with."""
    if not is_keras_callback(given) or getattr(given, "_model", None) is None:
        return given
    alone = copy.copy(given)
    alone._model = alone.params = None
    return alone


def _arrived(packed: bytes) -> ShippedCallbacks:
    return ShippedCallbacks(pickle.loads(packed))


def is_keras_callback(value: Any) -> bool:
    """Whether something is a Keras callback; Keras is not imported to find that out."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(value, keras.callbacks.Callback)


def is_factory(value: Any) -> bool:
    """Whether something is a function that may make a callback for each trial."""
    return isinstance(value, (types.FunctionType, types.MethodType, functools.partial))


def cannot(callback: Any, what: str, error: Exception) -> str:
    """One line on a callback that does not travel, and what to do about it."""
    cause = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return f"{type(callback).__name__} cannot {what} ({cause}); give a function that makes it"


def _name(given: Any) -> str:
    while isinstance(given, functools.partial):
        given = given.func
    named = given if hasattr(given, "__qualname__") else type(given)
    return f"{named.__module__}:{named.__qualname__}"


def _is_between_epochs(given: Any) -> bool:
    kind = type(given)
    return kind.__name__ in _BETWEEN_EPOCHS and kind.__module__.startswith("keras.")


def _give_own_files(callback: Any, number: str) -> None:
    kinds = [kind.__name__ for kind in type(callback).__mro__ if kind.__module__.startswith("keras.")]
    for kind in kinds:
        name = _FILES.get(kind) or _FOLDERS.get(kind)
        path = getattr(callback, name, None) if name is not None else None
        if isinstance(name, str) and isinstance(path, str):
            folder, file = os.path.split(path)
            if _PLACE in path:
                path = path.replace(_PLACE, number)
            else:
                path = os.path.join(path, number) if kind in _FOLDERS else os.path.join(folder, f"{number}-{file}")
            setattr(callback, name, path)
            os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)

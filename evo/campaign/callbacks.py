"""What a user gives as ``callbacks``: observers of the campaign, and Keras callbacks for its trials."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable
from concurrent.futures import Executor
from multiprocessing.reduction import ForkingPickler
from typing import Any

from evo.core.errors import SettingsError
from evo.core.events import Callback
from evo.training.shipped_callbacks import ShippedCallbacks, cannot, is_factory, is_keras_callback
from evo.workers import Serial

#: What a campaign tells its observers.
_EVENTS = tuple(name for name in vars(Callback) if name.startswith("on_"))
#: Keras callbacks that have nothing to do in a trial, and what does it instead.
_NEEDLESS = {
    "BackupAndRestore": "evo resumes trials by itself",
    "SwapEMAWeights": "evo predicts with the averages of an optimizer that has use_ema=True by itself",
}


def sorted_callbacks(
    given: Any, executor: Executor | None, trains: bool
) -> tuple[tuple[Callback, ...], ShippedCallbacks]:
    """Observers, which are called in this process, and Keras callbacks, which are copied for each trial.

    Args:
        given: the argument ``callbacks`` of :class:`evo.Campaign`: one, or several of both kinds.
        executor: does the trials; None for local processes.
        trains: whether evo trains; not, where an ``evaluate`` of the user's own does.

    Raises:
        SettingsError: something that is neither, or a Keras callback that cannot be copied or sent to workers.
    """
    observers: list[Callback] = []
    keras_callbacks = []
    for one in listed(given):
        if is_keras_callback(one) or is_factory(one):
            keras_callbacks.append(one)
        elif isinstance(one, type):
            raise SettingsError(f"callbacks: expected an instance, got the class itself: give {one.__name__}(...)")
        elif any(callable(getattr(one, name, None)) for name in _EVENTS):
            _warn_of_unknown(one)
            observers.append(one)
        else:
            _warn_of_unknown(one)
            raise SettingsError(
                f"callbacks: expected an evo.Callback or a keras.callbacks.Callback, got {type(one).__name__}"
            )
    shipped = ShippedCallbacks(keras_callbacks)
    if shipped:
        _check(shipped, executor, trains)
    return tuple(observers), shipped


def listed(given: Any) -> list[Any]:
    """The callbacks that were given, none, one or several, as a list."""
    if given is None:
        return []
    return [given] if not isinstance(given, Iterable) or is_keras_callback(given) else list(given)


def _check(shipped: ShippedCallbacks, executor: Executor | None, trains: bool) -> None:
    if not trains:
        raise SettingsError(
            "callbacks: Keras callbacks need a training by evo, and evaluate=... does the trials instead"
        )
    for given in shipped.given:
        needless = _NEEDLESS.get(type(given).__name__)
        if needless is not None and type(given).__module__.startswith("keras."):
            raise SettingsError(f"callbacks: {type(given).__name__}: {needless}; leave it out")
        if is_keras_callback(given):
            ShippedCallbacks([given]).copied()
        if not isinstance(executor, Serial):
            try:
                ForkingPickler.dumps(ShippedCallbacks([given]))
            except Exception as error:  # whatever a user's object raises when it is pickled
                raise SettingsError(f"callbacks: {cannot(given, 'be sent to worker processes', error)}") from error


def _warn_of_unknown(observer: Any) -> None:
    """Methods that look like events and are none would never be called."""
    kind = type(observer)
    for name in dir(kind):
        if name.startswith("on_") and name not in _EVENTS and callable(getattr(kind, name, None)):
            near = difflib.get_close_matches(name, _EVENTS, 1)
            hint = f"did you mean {near[0]}?" if near else f"evo calls {', '.join(_EVENTS)}"
            warnings.warn(
                f"callbacks: {kind.__name__}.{name} is never called; {hint} (A keras.callbacks.Callback hears of a "
                "trial's epochs and batches.)",
                stacklevel=4,
            )

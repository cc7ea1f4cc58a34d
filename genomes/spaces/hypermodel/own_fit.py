"""``HyperModel.fit``: where a hypermodel trains its models itself."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

#: Rows of zeros that ``fit`` is called with to see what it asks ``hp`` for.
_ROWS = 8


def fit_function(hypermodel: Any) -> Callable[..., Any] | None:
    """The ``fit(hp, model, ...)`` of a ``HyperModel`` that overrides it, else None."""
    import keras_tuner

    while isinstance(hypermodel, functools.partial) or hasattr(hypermodel, "adjusted"):
        hypermodel = hypermodel.func if isinstance(hypermodel, functools.partial) else hypermodel.adjusted
    if not isinstance(hypermodel, keras_tuner.HyperModel) or type(hypermodel).fit is keras_tuner.HyperModel.fit:
        return None
    return hypermodel.fit


def call_fit(fit: Callable[..., Any], hp: Any, model: Any, data: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Call it with those options that it takes, and that it does not set itself.

    Args:
        fit: the user's.
        hp: hyperparameters.
        model: what ``build`` made of them.
        data: inputs and targets.
        options: arguments of ``keras.Model.fit``.

    Returns:
        What it returns, and the names of the options that it was given.
    """
    parameters = inspect.signature(fit).parameters
    takes_all = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    given = {name: value for name, value in options.items() if takes_all or name in parameters}
    while True:
        try:
            return fit(hp, model, *data, **given), set(given)
        except TypeError as error:
            # `model.fit(*args, epochs=3, **kwargs)`: refused before anything is trained.
            _, several, name = str(error).partition("multiple values for keyword argument ")
            if not several or name.strip("'\"") not in given:
                raise
            del given[name.strip("'\"")]


def ask(hypermodel: Any, hp: Any, model: Any) -> None:
    """Let ``fit`` ask ``hp`` for what it wants, on a few rows of zeros and without training; failures are ignored.

    Args:
        hypermodel: one with a ``fit`` of its own; nothing happens with others.
        hp: is asked.
        model: what ``build`` made.
    """
    import keras

    fit = fit_function(hypermodel)
    if fit is None or not isinstance(model, keras.Model):
        return
    x, y = _zeros(model)
    # An instance's attribute hides the method: a model's weights and optimizer stay what they are.
    object.__setattr__(model, "fit", lambda *_, **__: keras.callbacks.History())
    with contextlib.suppress(Exception, SystemExit):
        call_fit(fit, hp, model, (x, y), {"validation_data": (x, y), "epochs": 1, "callbacks": [], "verbose": 0})


def _zeros(model: Any) -> tuple[Any, Any]:
    import keras

    def rows(tensor: Any) -> np.ndarray:
        shape = [_ROWS if size is None else size for size in tensor.shape[1:]]
        return np.zeros((_ROWS, *shape), "int32" if "int" in str(tensor.dtype) else "float32")

    try:
        inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
        x = keras.tree.map_structure(rows, inputs)
        y = keras.tree.map_structure(rows, model.outputs if len(model.outputs) > 1 else model.outputs[0])
    except (AttributeError, ValueError, TypeError, IndexError):
        return np.zeros((_ROWS, 1), "float32"), np.zeros(_ROWS, "int32")
    loss = model.loss if isinstance(model.loss, str) else type(model.loss).__name__
    return x, (np.zeros(_ROWS, "int32") if "sparse" in loss.lower() and not isinstance(y, list) else y)

"""What an exported model predicts, asked of the program that reads its format."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.ensemble.keras_input import keras_input
from evo.ensemble.keras_model import own_classes

#: Words for inputs of text of which no rows are known.
_WORDS = ("", "a", "no such word")


def input_arrays(model: Any, x: Any) -> list[np.ndarray]:
    """One array per input of a model, in the order of ``model.inputs``, in their dtypes and ranks.

    Args:
        model: the model.
        x: rows in the form that it takes: an array, or arrays by name or in the model's order.
    """
    import keras

    tensors = list(model.inputs)
    named = isinstance(x, Mapping) and all(tensor.name in x for tensor in tensors)
    arrays = [x[tensor.name] for tensor in tensors] if named else keras.tree.flatten(x)
    found = []
    for tensor, array in zip(tensors, arrays, strict=True):
        array = np.asarray(array)
        array = array.astype(object) if tensor.dtype == "string" else array.astype(tensor.dtype)
        found.append(array[:, None] if array.ndim == len(tensor.shape) - 1 else array)
    return found


def made_rows(model: Any, rows: int = 16) -> Any:
    """Rows for a model of whose data nothing is known: numbers around zero, small whole numbers, some words."""
    import keras

    draws = np.random.default_rng(0)

    def drawn(tensor: Any) -> np.ndarray:
        shape = (rows, *(8 if length is None else length for length in tensor.shape[1:]))
        if tensor.dtype == "string":
            return draws.choice(np.asarray(_WORDS), shape)
        if "int" in str(tensor.dtype) or tensor.dtype == "bool":
            return draws.integers(0, 2, shape).astype(tensor.dtype)
        return draws.normal(size=shape).astype(np.float32)

    return keras.tree.map_structure(drawn, model._inputs_struct)


def answers(path: Path, format: str, model: Any, feeds: Sequence[np.ndarray]) -> np.ndarray:
    """Predictions of an exported model with one output.

    Args:
        path: the file or folder.
        format: a name in :data:`evo.ensemble.export.FORMATS`.
        model: what was exported; names inputs.
        feeds: one array per input (:func:`input_arrays`).

    Raises:
        Exception: whatever the program that reads it raises.
    """
    names = [tensor.name for tensor in model.inputs]
    return np.asarray(_READERS[format](path, model, dict(zip(names, feeds, strict=True))), np.float32)


def _keras(path: Path, model: Any, feeds: Mapping[str, np.ndarray]) -> Any:
    import keras

    loaded = keras.saving.load_model(path, custom_objects=own_classes(model), compile=False)
    inputs = keras.tree.pack_sequence_as(loaded._inputs_struct, [keras_input(array) for array in feeds.values()])
    return loaded.predict(inputs, verbose=0)


def _saved_model(path: Path, model: Any, feeds: Mapping[str, np.ndarray]) -> Any:
    import tensorflow as tf

    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    (output,) = signature(**{name: tf.constant(array) for name, array in feeds.items()}).values()
    return output


def _litert(path: Path, model: Any, feeds: Mapping[str, np.ndarray]) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"(?s).*tf\.lite\.Interpreter is deprecated")
        interpreter = _interpreter()(str(path))
    (output,) = interpreter.get_signature_runner()(**feeds).values()
    return output


def _interpreter() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow as tf

        return tf.lite.Interpreter
    return Interpreter


def _onnx(path: Path, model: Any, feeds: Mapping[str, np.ndarray]) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    # Some exporters rename inputs; their order they keep.
    given = [entry.name for entry in session.get_inputs()]
    ordered = feeds if set(given) == set(feeds) else dict(zip(given, feeds.values(), strict=True))
    (output,) = session.run(None, dict(ordered))
    return output


_READERS: dict[str, Callable[[Path, Any, Mapping[str, np.ndarray]], Any]] = {
    "keras": _keras,
    "savedmodel": _saved_model,
    "litert": _litert,
    "onnx": _onnx,
}

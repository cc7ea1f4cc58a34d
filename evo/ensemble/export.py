"""A Keras model in the formats of other programs, each read back and compared before it counts as written."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import keyword
import os
import re
import shutil
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError, SettingsError
from evo.ensemble.exported_model import answers, input_arrays, made_rows
from evo.ensemble.keras_input import keras_input
from evo.ensemble.onnx_operations import add_missing_operations
from genomes.spaces.hypermodel.user_state import state_put_back
from genomes.targets import Target

#: Formats by the name that ``keras.Model.export`` knows them by; ``keras`` is Keras' own file.
FORMATS = {"keras": "", "savedmodel": "tf_saved_model", "onnx": "onnx", "litert": "litert"}
#: How a file of a format must end.
_SUFFIXES = {"keras": ".keras", "onnx": ".onnx", "litert": ".tflite"}
#: Packages that write and read a format, where Keras and TensorFlow alone do not.
_PACKAGES = {"onnx": ("tf2onnx", "onnxruntime")}
_METADATA = "metadata.json"
#: Largest difference between what the model and what was written predict, in units of the largest prediction.
_TOLERANCE = 1e-4


def export(model: Any, target: Target, path: Path, format: str, x: Any = None) -> Path:
    """Write a Keras model in one of :data:`FORMATS`, read it back, and compare what both predict.

    Nothing is at ``path``, or what was there before, unless the two agree.

    Args:
        model: of :meth:`evo.Ensemble.as_keras`.
        target: what is predicted.
        path: the file, or for ``savedmodel`` the folder.
        format: a name in :data:`FORMATS`. Signatures of ``savedmodel`` and ``litert`` name inputs by identifiers:
            :func:`identifiers` makes them of names that are none.
        x: rows on which the two are compared, in the form that the model takes; None for made ones.

    Raises:
        SettingsError: an unknown format, a path that does not suit it, a package that is missing.
        EnsembleError: it cannot be written or read, or predicts something else; the message says why.
    """
    _check(path, format)
    with state_put_back():
        return _export(model, target, path, format, x)


def _export(model: Any, target: Target, path: Path, format: str, x: Any) -> Path:
    import keras

    x = made_rows(model) if x is None else x
    before = np.asarray(model.predict(keras_input(x), verbose=0), np.float32)
    with _aside(path) as aside:
        try:
            if format == "keras":
                model.save(aside)
                add_metadata(aside, {"target": target.to_json()})
            else:
                if format == "onnx":
                    add_missing_operations()
                    # Keras' own exporter asks whether the model was ever called.
                    model(keras.tree.map_structure(keras.ops.convert_to_tensor, keras_input(x)))
                else:
                    model = _with_identifiers(model)
                model.export(str(aside), format=FORMATS[format], verbose=False)
        except Exception as error:
            raise EnsembleError(f"export: {format} cannot be written: {_told(error)}") from error
        feeds = input_arrays(model, x)
        # One row alone as well: what was written must not have fixed the number of rows.
        for rows in (slice(None), slice(0, 1)):
            try:
                after = answers(aside, format, model, [array[rows] for array in feeds])
            except Exception as error:
                raise EnsembleError(
                    f"export: {format} was written and cannot be read back, so it was dropped: {_told(error)}"
                ) from error
            _compare(before[rows], after, format)
    return path


def _check(path: Path, format: str) -> None:
    if format not in FORMATS:
        raise SettingsError(f"format: expected one of {', '.join(FORMATS)}, got {format!r}")
    suffix = _SUFFIXES.get(format)
    if suffix is not None and path.suffix != suffix:
        raise SettingsError(f"path: files of format {format} end in {suffix}, got {path.name}")
    if suffix is not None and path.is_dir():
        raise SettingsError(f"path: {path} is a folder; expected a file")
    replaceable = not path.exists() or (
        path.is_dir() and (not any(path.iterdir()) or (path / "saved_model.pb").exists())
    )
    if suffix is None and not replaceable:
        raise SettingsError(f"path: {path} holds something that is no SavedModel; give another folder")
    missing = [name for name in _PACKAGES.get(format, ()) if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(f"format: {format} needs packages that are not installed: pip install {' '.join(missing)}")


@contextlib.contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """Where to write; it takes the place of ``path`` at the end of the ``with`` block, and is dropped by an error."""
    aside = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield aside
        if path.is_dir():
            shutil.rmtree(path)
        os.replace(aside, path)
    finally:
        if aside.is_dir():
            shutil.rmtree(aside)
        aside.unlink(missing_ok=True)


def _compare(before: np.ndarray, after: np.ndarray, format: str) -> None:
    if before.shape != after.shape:
        raise EnsembleError(
            f"export: {format} predicts shape {after.shape}, the model {before.shape}; the file was dropped"
        )
    finite = before[np.isfinite(before)]
    scale = float(np.abs(finite).max(initial=0.0))
    if not np.allclose(before, after, rtol=0, atol=_TOLERANCE * scale + np.finfo(np.float32).tiny, equal_nan=True):
        row = int(np.argmax(np.abs(before - after).reshape(len(before), -1).max(axis=1)))
        raise EnsembleError(
            f"export: {format} predicts {_short(after[row])} for row {row}, the model {_short(before[row])}; "
            "the file was dropped"
        )


def _short(values: np.ndarray) -> str:
    return np.array2string(values.reshape(-1)[:4], precision=6, separator=", ")


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"


def _with_identifiers(model: Any) -> Any:
    """The same model with inputs that a TensorFlow signature can name."""
    import keras

    names = identifiers([tensor.name for tensor in model.inputs])
    if names == [tensor.name for tensor in model.inputs]:
        return model
    inputs = [
        keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)
        for tensor, name in zip(model.inputs, names, strict=True)
    ]
    return keras.Model(inputs, model(keras.tree.pack_sequence_as(model._inputs_struct, inputs)), name=model.name)


def identifiers(names: Sequence[str]) -> list[str]:
    """Names as identifiers of ASCII letters, digits and underscores, each once; names that are such stay.

    Accents go (``größe`` becomes ``gro_e``), any other sign becomes an underscore, a leading digit gets ``input_``
    before it, and a name that is taken a number behind it.
    """
    found: list[str] = []
    kept = {name for name in names if _is_identifier(name)}
    for name in names:
        plain = name
        if not _is_identifier(name):
            plain = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
            plain = re.sub(r"[^A-Za-z0-9_]", "_", plain)
            plain = plain if plain[:1].isalpha() else f"input_{plain}"
            plain = f"{plain}_" if keyword.iskeyword(plain) else plain
            number, stem = 2, plain
            while plain in found or plain in kept:
                plain = f"{stem}_{number}"
                number += 1
        found.append(plain)
    return found


def _is_identifier(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) is not None and not keyword.iskeyword(name)


def add_metadata(path: Path, about: dict[str, Any]) -> None:
    """Add what evo knows to the metadata of a ``.keras`` file, under ``evo``; Keras itself does not look at it."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as new:
            for entry in old.infolist():
                content = old.read(entry)
                if entry.filename == _METADATA:
                    content = json.dumps({**json.loads(content), "evo": about}).encode()
                new.writestr(entry, content)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)

"""A fitted model in the formats of other programs."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

from evo.core.errors import EnsembleError, SettingsError
from genomes.targets import Target

#: Formats by the name that ``keras.Model.export`` knows them by; ``keras`` is Keras' own file.
FORMATS = {"keras": "", "savedmodel": "tf_saved_model", "onnx": "onnx", "litert": "litert"}
_METADATA = "metadata.json"


def export(model: Any, target: Target, path: Path, format: str) -> Path:
    """Write a Keras model in one of :data:`FORMATS`.

    Raises:
        SettingsError: an unknown format.
        EnsembleError: Keras cannot write it; the message says why.
    """
    if format not in FORMATS:
        raise SettingsError(f"format: expected one of {', '.join(FORMATS)}, got {format!r}")
    try:
        if format == "keras":
            if path.suffix != ".keras":
                raise SettingsError(f"path: Keras' own files end in .keras, got {path.name}")
            model.save(path)
            add_metadata(path, {"target": target.to_json()})
        else:
            model.export(path, format=FORMATS[format], verbose=False)
    except SettingsError:
        raise
    except Exception as error:
        raise EnsembleError(f"export: {format} cannot be written: {type(error).__name__}: {error}") from error
    return path


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

"""JSON files of a project, written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from keras_tuner.src import utils

from evo.storage.atomic import write_file


def write_json(path: str | os.PathLike[str], state: Any) -> str:
    """Write JSON to a file.

    A path with a scheme (``gs://``) is written as KerasTuner does it.

    Args:
        path: the file.
        state: what to write.

    Returns:
        The text that was written.

    Raises:
        StorageError: it could not be written; the old file is still there.
    """
    name = os.fspath(path)
    if "://" in name:
        return str(utils.save_json(name, state))
    text = json.dumps(state)
    write_file(Path(name), text.encode("utf-8"), durable=False)
    return text

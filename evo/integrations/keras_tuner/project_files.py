"""Files of a project, written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from keras_tuner.src import utils

from evo.storage.atomic import write_file

#: In a trial's directory: why a worker's trial failed, until its chief has read it.
_MESSAGE = "failure.txt"


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


def write_message(directory: str | os.PathLike[str], message: str) -> None:
    """Leave a worker's message for its chief, which shares the directory.

    Args:
        directory: of the trial; where its path has a scheme nothing is written.
        message: why the trial failed.
    """
    if "://" not in os.fspath(directory):
        write_file(Path(directory) / _MESSAGE, message.encode("utf-8"), durable=False)


def taken_message(directory: str | os.PathLike[str]) -> str | None:
    """The message that a worker left in a trial's directory, which is removed; None if there is none.

    Args:
        directory: of the trial.
    """
    file = Path(directory) / _MESSAGE
    try:
        message = file.read_text(encoding="utf-8", errors="replace")
        file.unlink()
    except OSError:
        return None
    return message

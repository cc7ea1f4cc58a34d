"""What a command that made a model says at its end: how to predict, to export and to look at what happened."""

from __future__ import annotations

from pathlib import Path

from evo.commands.shell_words import command_line

#: What new data is called in the lines, by the kind of what the model was fitted on.
NEW_TABLE = "new.csv"
NEW_PICTURES = "new_pictures/"
NEW_ARRAYS = "new.npy"


def next_steps(directory: Path, new: str) -> list[str]:
    """Lines to type next, for a directory that :func:`evo.load_fitted` opens.

    Args:
        directory: where everything is.
        new: name of a file or folder of new rows, as an example.
    """
    return [
        f"Everything is in {directory}",
        f"  to predict      {command_line('evo', 'predict', directory, new, '--output', 'predictions.csv')}",
        f"  in Python       evo.load_fitted({str(directory)!r}).predict(rows)",
        f"  as one model    {command_line('evo', 'export', directory, '--format', 'keras')}",
        f"  what happened   {command_line('evo', 'report', directory)}",
    ]

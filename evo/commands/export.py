"""``evo export DIR``"""

from __future__ import annotations

import argparse

from evo.commands.quiet_backend import quiet_backend
from evo.commands.reading import read_fitted

#: Ends of the files' names.
_SUFFIXES = {"keras": ".keras", "savedmodel": "-savedmodel", "onnx": ".onnx", "litert": ".tflite"}


def main(given: argparse.Namespace) -> int:
    """Write a fitted model in a format of another program."""
    output = given.output
    if output is None:
        output = given.directory / f"{given.directory.resolve().name}{_SUFFIXES[given.format]}"
    with quiet_backend():
        path = read_fitted(given.directory).export(output, given.format)
    print(f"{given.format}: {path}")
    return 0

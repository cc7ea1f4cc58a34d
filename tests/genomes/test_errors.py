"""What an exception says, in one line."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from genomes.errors import in_one_line, told


def test_the_name_and_one_line_without_colours_and_keras_list_of_arguments() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError) as raised:
        model(np.zeros((1, 3), "float32"))
    assert "\x1b[1m" in str(raised.value) and "Arguments received" in str(raised.value)
    line = told(raised.value)
    assert line.startswith("ValueError: Exception encountered when calling") and "shape (1, 3)" in line
    assert "\x1b" not in line and "\n" not in line and "Arguments received" not in line


def test_exceptions_that_say_nothing_or_much() -> None:
    assert told(KeyError("units")) == "KeyError: 'units'"
    assert told(RuntimeError()) == "RuntimeError" and in_one_line("") == ""
    assert in_one_line("a" * 500, 10) == "a" * 7 + "..."

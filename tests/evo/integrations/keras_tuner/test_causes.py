"""One line that says why a trial failed."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest

pytest.importorskip("keras_tuner")

import keras
import numpy as np

from evo.integrations.keras_tuner.causes import cause


def raised(call: Callable[[], object]) -> str:
    try:
        call()
    except Exception:
        return traceback.format_exc()
    raise AssertionError("nothing was raised")


def test_the_last_exception_of_a_chain_and_all_it_says() -> None:
    def chained() -> None:
        try:
            {}["units"]
        except KeyError as error:
            raise ValueError("a bad\ncandidate: 3") from error

    assert cause(raised(chained)) == "ValueError: a bad candidate: 3"
    assert cause(raised(lambda: {}["units"])) == "KeyError: 'units'"
    assert cause(raised(lambda: (_ for _ in ()).throw(RuntimeError))) == "RuntimeError"


def test_text_that_is_no_traceback_is_its_last_line() -> None:
    assert cause(None) == cause("") == cause(" \n") == ""
    assert cause("val_loss is not finite") == "val_loss is not finite"


def test_keras_list_of_arguments_is_left_out() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    told = cause(raised(lambda: model(np.zeros((1, 3), "float32"))))
    assert told.startswith("ValueError: ") and "4" in told and "Arguments received" not in told


def test_tensorflows_stack_and_node_are_left_out() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(10)])
    model.compile("sgd", "mse", jit_compile=False)
    told = cause(raised(lambda: model.fit(np.zeros((40, 4)), np.zeros(40), verbose=0)))
    assert "Incompatible shapes" in told and "[[{{" not in told and len(told) < 200

"""The premade spaces keep what the suite promises."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from evo.testing import SpaceConformance
from genomes import Boolean, Choice, Float, Int, Space, spaces
from tests.genomes.spaces.hypermodels_for_tests import loops_and_ifs

ROWS = 12


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


class TestVector(SpaceConformance):
    builds = False

    def make(self) -> Space:
        return spaces.vector({"kind": Choice(["a", "b"]), "width": Int(1, 64, log=True), "rate": Float(0.0, 1.0)})


class TestVectorFinite(SpaceConformance):
    builds = False

    def make(self) -> Space:
        return spaces.vector({"kind": Choice(["a", "b"]), "width": Int(1, 4), "bias": Boolean()})


class TestImage(SpaceConformance):
    models = 1

    def make(self) -> Space:
        return spaces.image((8, 8, 1), classes=3, filters=16)

    def data(self) -> tuple[Any, Any]:
        return rng().integers(0, 256, (ROWS, 8, 8, 1)).astype(np.uint8), np.arange(ROWS) % 3


class TestTabular(SpaceConformance):
    models = 1

    def make(self) -> Space:
        return spaces.tabular({"age": "numeric", "job": "text"}, outputs=2, units=32)

    def data(self) -> tuple[Any, Any]:
        x = {"age": rng().normal(size=ROWS), "job": np.array(["cook", "smith", "clerk"])[np.arange(ROWS) % 3]}
        return x, rng().normal(size=(ROWS, 2))


class TestText(SpaceConformance):
    models = 1

    def make(self) -> Space:
        return spaces.text(classes=2, length=8, tokens=30, units=16)

    def data(self) -> tuple[Any, Any]:
        return ["good film", "bad, bad film", "the end"] * (ROWS // 3), np.arange(ROWS) % 2


class TestTimeSeries(SpaceConformance):
    models = 1

    def make(self) -> Space:
        return spaces.timeseries((9, 2), labels=3, units=16)

    def data(self) -> tuple[Any, Any]:
        return rng().normal(size=(ROWS, 9, 2)), rng().integers(0, 2, (ROWS, 3))


class TestJoint(SpaceConformance):
    models = 1

    def make(self) -> Space:
        table = spaces.tabular({"age": "numeric", "job": "text"}, classes=3, units=16)
        return spaces.joint(
            {
                "scan": spaces.image((8, 8, 1), classes=3, filters=16),
                "patient": table,
                "note": spaces.text(classes=3, length=8, tokens=30, units=16),
                "pulse": spaces.timeseries((9, 2), classes=3, units=16),
            },
            units=16,
        )

    def data(self) -> tuple[Any, Any]:
        x = {
            "scan": rng().integers(0, 256, (ROWS, 8, 8, 1)).astype(np.uint8),
            "age": rng().normal(size=ROWS),
            "job": np.array(["cook", "smith", "clerk"])[np.arange(ROWS) % 3],
            "note": np.array(["good film", "bad, bad film", "the end"])[np.arange(ROWS) % 3],
            "pulse": rng().normal(size=(ROWS, 9, 2)),
        }
        return x, np.arange(ROWS) % 3


class TestForecast(SpaceConformance):
    models = 1

    def make(self) -> Space:
        return spaces.timeseries((9, 3), horizon=4, known=[2], units=16)

    def data(self) -> tuple[Any, Any]:
        x = rng().normal(100, 5, size=(ROWS, 13, 3))
        x[0, :, 1] = np.nan
        x[1, -6:, 0] = np.nan
        return x, rng().normal(100, 5, size=(ROWS, 4, 2))


class TestHypermodel(SpaceConformance):
    models = 1

    def make(self) -> Space:
        return hypermodel()

    def data(self) -> tuple[Any, Any]:
        return rng().normal(size=(ROWS, 4)).astype(np.float32), np.arange(ROWS) % 3


@functools.cache
def hypermodel() -> Space:
    """Made once: its function is run some times to find the hyperparameters."""
    pytest.importorskip("keras_tuner")
    return spaces.from_hypermodel(loops_and_ifs, classes=3)

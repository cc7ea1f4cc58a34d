"""Fixtures of training tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evo.training.task import DataReference, TrainingSettings, TrialTask
from tests.evo.training.training_space import TrainingSpace, digits_like

_numbers = itertools.count()


@pytest.fixture(autouse=True)
def fresh_engines() -> Iterator[None]:
    """No test sees engines of another."""
    from evo.training.backends.choice import engine_cache

    engine_cache().clear()
    yield
    engine_cache().clear()


@pytest.fixture
def space() -> TrainingSpace:
    return TrainingSpace()


@pytest.fixture
def make_task(tmp_path: Path, space: TrainingSpace) -> Callable[..., TrialTask]:
    """Make a task for a genome; its data are ``digits_like`` unless given."""

    def make(
        genome: Any, first: int = 0, last: int = 2, arrays: dict[str, np.ndarray] | None = None, **changes: Any
    ) -> TrialTask:
        number = next(_numbers)
        arrays = digits_like() if arrays is None else arrays
        mark = sum(int(np.asarray(array).view(np.uint8).sum()) for array in arrays.values())
        settings = changes.pop("settings", TrainingSettings(threads=1))
        values: dict[str, Any] = {
            "number": number,
            "space": space.to_json(),
            "genome": genome.to_json(),
            "first_epoch": first,
            "last_epoch": last,
            "seed": 11,
            "directory": str(tmp_path / str(number)),
            "data": DataReference(f"{sorted(arrays)}{mark}", None, arrays),
            "settings": settings,
        }
        return TrialTask(**{**values, **changes})

    return make

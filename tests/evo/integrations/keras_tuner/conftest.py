"""KerasTuner collects garbage twice before it builds a model, half a second each time over what TensorFlow loads."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def nothing_old_is_collected() -> Iterator[None]:
    """Garbage is looked for among what the test makes."""
    gc.freeze()
    yield
    gc.unfreeze()

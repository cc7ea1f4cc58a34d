"""KerasTuner collects garbage twice before it builds a model, half a second each time over what TensorFlow loads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from genomes.process_state import new_garbage_alone


@pytest.fixture(autouse=True)
def nothing_old_is_collected() -> Iterator[None]:
    """Garbage is looked for among what the test makes."""
    with new_garbage_alone():
        yield

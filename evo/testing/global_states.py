"""The states of the global random generators, which belong to the user's program."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np


def global_states() -> tuple[object, str]:
    """The states of ``random`` and ``numpy.random``, to be compared."""
    state = np.random.get_state(legacy=False)  # noqa: NPY002
    return random.getstate(), repr({**state, "state": {k: np.asarray(v).tolist() for k, v in state["state"].items()}})


def seed_global(seed: int) -> None:
    """Seed both."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002


@contextlib.contextmanager
def global_states_put_back() -> Iterator[None]:
    """After it, both are as they were before it."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002

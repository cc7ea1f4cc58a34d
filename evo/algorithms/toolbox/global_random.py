"""The global states of Python's ``random`` and of ``numpy.random``, lent to a proposal: DEAP draws from them."""

from __future__ import annotations

import contextlib
import contextvars
import random
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np

#: The global states are one per process: two threads must not swap them at the same time.
_SWAP = threading.RLock()
#: The generator of the proposal that is being made: what pure operators draw from.
_CURRENT: contextvars.ContextVar[np.random.Generator | None] = contextvars.ContextVar("generator", default=None)
#: Of Python's ``random`` and of ``numpy.random``.
_States = tuple[tuple[Any, ...], Any]


class GlobalRandom:
    """A stream for Python's ``random`` and one for ``numpy.random``, both seeded from a generator.

    Within ``with streams:`` the global states are these streams. After it the global states are as before, and
    the streams stay where they were left until they are entered again. Entering twice does no harm.

    Args:
        rng: generator of the proposal; two draws are taken from it.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        first, second = (int(seed) for seed in rng.integers(2**32, size=2))
        self.rng = rng
        self._streams: _States = (random.Random(first).getstate(), np.random.RandomState(second).get_state())
        self._depth = 0

    def __enter__(self) -> GlobalRandom:
        _SWAP.acquire()
        self._depth += 1
        if self._depth == 1:
            self._former, self._token = _states(), _CURRENT.set(self.rng)
            _set_states(self._streams)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._streams = _states()
            _CURRENT.reset(self._token)
            _set_states(self._former)
        _SWAP.release()


@contextlib.contextmanager
def deap_random(rng: np.random.Generator) -> Iterator[None]:
    """Within it, the global ``random`` and ``numpy.random`` draw from ``rng``; after it, all is as before.

    Args:
        rng: generator of the proposal; two draws are taken from it.
    """
    with GlobalRandom(rng):
        yield


def current_generator() -> np.random.Generator:
    """The generator of the innermost :class:`GlobalRandom`; outside of one, a new one seeded by ``random``."""
    return _CURRENT.get() or np.random.default_rng(random.getrandbits(64))


def _states() -> _States:
    return random.getstate(), np.random.get_state()  # noqa: NPY002


def _set_states(states: _States) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002

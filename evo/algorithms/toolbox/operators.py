"""A toolbox's operators with a proposal's random numbers: what breeding calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import ParamSpec, TypeVar

import numpy as np
from deap import base

from evo.algorithms.toolbox.candidate import Candidate
from evo.algorithms.toolbox.global_random import GlobalRandom

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Operators:
    """The operators of a toolbox, drawing from one proposal's generator.

    Every method may be called at any time: for the call, the global states of ``random`` and ``numpy.random``
    are the proposal's streams, which continue from call to call. Swapping the states takes a tenth of a
    millisecond: ``with operators:`` around many calls swaps them once, and changes nothing else. The names are
    those of DEAP's toolbox, so that DEAP's algorithms (``varAnd``) take this object in place of one.

    Args:
        toolbox: operators under DEAP's names.
        rng: generator of the proposal; two draws are taken from it at once.

    Attributes:
        rng: the generator, for draws that are not an operator's.
    """

    def __init__(self, toolbox: base.Toolbox, rng: np.random.Generator) -> None:
        self._toolbox, self.rng = toolbox, rng
        self._streams = GlobalRandom(rng)

    def __enter__(self) -> Operators:
        self._streams.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._streams.__exit__(kind, error, trace)

    def call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What ``function`` returns, drawing from the proposal's streams: for functions of DEAP's own."""
        with self._streams:
            return function(*args, **kwargs)

    def individual(self) -> Candidate:
        """A new random candidate."""
        return self.call(self._toolbox.individual)

    def clone(self, candidate: Candidate) -> Candidate:
        """A copy for an operator to change; it remembers the original as its parent."""
        return self.call(self._toolbox.clone, candidate)

    def mate(self, first: Candidate, second: Candidate) -> tuple[Candidate, Candidate]:
        """Two children of two clones, which are changed in place."""
        return self.call(self._toolbox.mate, first, second)

    def mutate(self, candidate: Candidate) -> tuple[Candidate]:
        """The mutant of a clone, which is changed in place, as a tuple of one."""
        return self.call(self._toolbox.mutate, candidate)

    def select(self, candidates: Sequence[Candidate], k: int) -> list[Candidate]:
        """``k`` parents, with repetitions."""
        return self.call(self._toolbox.select, candidates, k)

    def survive(self, candidates: Sequence[Candidate], k: int) -> list[Candidate]:
        """The ``k`` that live on, or fewer."""
        return self.call(self._toolbox.survive, candidates, k)

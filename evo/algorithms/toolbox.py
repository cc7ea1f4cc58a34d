"""The DEAP toolbox of a campaign: every operator under DEAP's own name.

``toolbox.individual() mate(a, b) mutate(a) select(individuals, k)
survive(individuals, k) clone(a)`` keep DEAP's signatures, so that any of
DEAP's operators, or the user's, can be registered in their place::

    def my_mutate(individual):
        individual.genome = ...          # genomes are immutable: put another one in
        return (individual,)

    campaign.toolbox.register("mutate", my_mutate)

DEAP draws from the global ``random`` and ``numpy.random``. Every call of an
operator therefore happens inside :func:`deap_random`, which seeds both from
the generator of the proposal and puts the former states back.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import math
import random
import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from deap import base, tools

from genomes.genome import Genome
from genomes.spaces.base import Space

#: The global states are one per process: two threads must not swap them at the same time.
_SWAP = threading.RLock()
#: The generator of the proposal that is being made: what pure operators draw from.
_CURRENT: contextvars.ContextVar[np.random.Generator | None] = contextvars.ContextVar("generator", default=None)


class Fitness(base.Fitness):
    """DEAP's fitness with every objective to be maximised; NaN counts as the worst value."""

    weights: tuple[float, ...] = (1.0,)

    def __init__(self, values: Sequence[float] = ()) -> None:
        if len(values):
            # DEAP wants the weights on the class; the number of objectives is only known here.
            self.weights = (1.0,) * len(values)
            self.values = tuple(worst_if_nan(value) for value in values)

    def __deepcopy__(self, memo: dict[int, object]) -> Fitness:
        copy = Fitness(self.values)
        if hasattr(self, "crowding_dist"):  # DEAP's own copy forgets it
            copy.crowding_dist = self.crowding_dist
        return copy


def worst_if_nan(value: float) -> float:
    """``value``, or ``-inf`` for NaN and ``+inf``: in DEAP's comparison NaN would win."""
    return value if value < math.inf else -math.inf


class Candidate:
    """What DEAP calls an individual: a genome, its fitness, and where it came from.

    Attributes:
        genome: the (immutable) genome; an operator replaces it.
        fitness: one value per objective, all maximised; invalid for offspring.
        number: the trial that the fitness was measured in; None for offspring.
        parents: trials that the genome was bred from.
        origin: ``mutation``, ``crossover``, ``random``, ...
    """

    __slots__ = ("fitness", "genome", "number", "origin", "parents")

    def __init__(
        self,
        genome: Genome,
        fitness: Sequence[float] = (),
        number: int | None = None,
        parents: tuple[int, ...] = (),
        origin: str = "random",
    ) -> None:
        self.genome = genome
        self.fitness = Fitness(fitness)
        self.number = number
        self.parents = parents
        self.origin = origin

    @property
    def ancestors(self) -> tuple[int, ...]:
        """The trials that a child of this candidate has as parents."""
        return self.parents if self.number is None else (self.number,)

    def copy(self) -> Candidate:
        """An unevaluated copy, to be changed by an operator: it remembers this one as its parent."""
        return Candidate(self.genome, (), None, self.ancestors, self.origin)

    def __repr__(self) -> str:
        return f"Candidate({self.genome}, fitness={self.fitness.values}, number={self.number})"


@contextlib.contextmanager
def deap_random(rng: np.random.Generator) -> Iterator[None]:
    """Within it, the global ``random`` and ``numpy.random`` draw from ``rng``; after it, all is as before.

    Args:
        rng: generator of the proposal; two draws are taken from it.
    """
    with _SWAP:
        python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
        first, second = (int(seed) for seed in rng.integers(2**32, size=2))
        current = _CURRENT.set(rng)
        random.seed(first)
        np.random.seed(second)  # noqa: NPY002
        try:
            yield
        finally:
            _CURRENT.reset(current)
            random.setstate(python_state)
            np.random.set_state(numpy_state)  # noqa: NPY002


def _generator() -> np.random.Generator:
    """The generator of :func:`deap_random`; outside of it one seeded from the global ``random``."""
    return _CURRENT.get() or np.random.default_rng(random.getrandbits(64))


def individual(sample: Callable[[np.random.Generator], Genome]) -> Callable[[], Candidate]:
    """DEAP's ``individual`` from a pure ``sample(rng) -> genome``."""

    def new() -> Candidate:
        return Candidate(sample(_generator()))

    return new


def mutation(
    mutate: Callable[[Genome, np.random.Generator], Genome],
) -> Callable[[Candidate], tuple[Candidate]]:
    """DEAP's ``mutate`` from a pure ``mutate(genome, rng) -> genome``."""

    @functools.wraps(mutate)
    def operator(candidate: Candidate) -> tuple[Candidate]:
        candidate.genome = mutate(candidate.genome, _generator())
        candidate.origin = "mutation"
        return (candidate,)

    return operator


def crossover(
    mate: Callable[[Genome, Genome, np.random.Generator], tuple[Genome, Genome]],
) -> Callable[[Candidate, Candidate], tuple[Candidate, Candidate]]:
    """DEAP's ``mate`` from a pure ``crossover(a, b, rng) -> (child, child)``."""

    @functools.wraps(mate)
    def operator(first: Candidate, second: Candidate) -> tuple[Candidate, Candidate]:
        first.genome, second.genome = mate(first.genome, second.genome, _generator())
        parents = tuple(dict.fromkeys((*first.parents, *second.parents)))
        for child in (first, second):
            child.parents, child.origin = parents, "crossover"
        return first, second

    return operator


def tournament(candidates: Sequence[Candidate], k: int, tournsize: int = 3) -> list[Candidate]:
    """``k`` winners of tournaments whose ``tournsize`` rivals are drawn *without* replacement.

    DEAP's ``selTournament`` draws them with replacement, so that in a small
    pool a candidate meets itself.
    """
    size = min(tournsize, len(candidates))
    return [max(random.sample(list(candidates), size), key=lambda c: c.fitness) for _ in range(k)]


def survive(candidates: Sequence[Candidate], k: int) -> list[Candidate]:
    """The best ``k``, best first: by fitness, or by NSGA-II where there are several objectives."""
    known = [c for c in candidates if c.fitness.valid]
    if known and len(known[0].fitness.values) > 1:
        return tools.selNSGA2(known, min(k, len(known)), nd="standard")
    return sorted(known, key=lambda c: c.fitness, reverse=True)[:k]


def make_toolbox(space: Space) -> base.Toolbox:
    """The toolbox of a campaign in ``space``, with everything the algorithms call.

    Returns:
        a ``deap.base.Toolbox`` with ``individual``, ``clone``, ``mate``,
        ``mutate``, ``select`` (tournaments of 3) and ``survive`` (elitist).
    """
    toolbox = base.Toolbox()
    toolbox.register("individual", individual(space.sample))
    toolbox.register("population", tools.initRepeat, list, lambda: toolbox.individual())
    toolbox.register("clone", Candidate.copy)
    toolbox.register("mate", crossover(space.crossover))
    toolbox.register("mutate", mutation(space.mutate))
    toolbox.register("select", tournament)
    toolbox.register("survive", survive)
    return toolbox

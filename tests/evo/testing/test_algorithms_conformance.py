"""evo's own algorithms keep what the suite promises."""

from __future__ import annotations

import pytest

from evo.algorithms import (
    NSGA2,
    AgingEvolution,
    Algorithm,
    BayesianOptimization,
    GeneticAlgorithm,
    Hyperband,
    LocalSearch,
    MapElites,
    RandomSearch,
    ScreenedEvolution,
    SuccessiveHalving,
)
from evo.testing import AlgorithmConformance
from genomes import Space, spaces

ALGORITHMS: list[Algorithm] = [
    RandomSearch(),
    GeneticAlgorithm(size=6),
    GeneticAlgorithm(size=6, variation="or", crossover=0.3),
    AgingEvolution(population=8, sample=3),
    SuccessiveHalving(),
    Hyperband(),
    LocalSearch(starts=4, patience=3),
]
SEVERAL_OBJECTIVES: list[Algorithm] = [
    NSGA2(size=6),
    ScreenedEvolution(design=5, offspring=20),
    BayesianOptimization(design=5, candidates=20),
    MapElites(design=5),
]


def name(algorithm: Algorithm) -> str:
    return type(algorithm).__name__


class Ours(AlgorithmConformance):
    trials = 20

    def spaces(self) -> dict[str, Space]:
        """Two of them: the third takes as long again, and ends the same way as the small one does."""
        made = super().spaces()
        return {"layered": spaces.image((8, 8, 1), classes=3, max_genes=12), "endless": made["endless"]}


class TestOneObjective(Ours):
    @pytest.fixture(autouse=True, params=ALGORITHMS, ids=name)
    def choose(self, request: pytest.FixtureRequest) -> None:
        self.algorithm: Algorithm = request.param

    def make(self) -> Algorithm:
        return self.algorithm


class TestSeveralObjectives(Ours):
    several_objectives = True

    @pytest.fixture(autouse=True, params=SEVERAL_OBJECTIVES, ids=name)
    def choose(self, request: pytest.FixtureRequest) -> None:
        self.algorithm: Algorithm = request.param

    def make(self) -> Algorithm:
        return self.algorithm

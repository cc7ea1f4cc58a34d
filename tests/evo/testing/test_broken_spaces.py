"""What breaks a promise of spaces fails the check that is named after it: the suite has teeth."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from evo.testing import SpaceConformance
from genomes import Choice, Cost, Float, Genome, Int, Space, spaces
from tests.evo.testing.failing_checks import fails


class SpaceSuite(SpaceConformance):
    samples = 12

    def __init__(self, space: Space) -> None:
        self.space = space

    def make(self) -> Space:
        return self.space


VectorSpace: Any = type(spaces.vector({"x": Float(0.0, 1.0)}))


class GlobalSampling(VectorSpace):
    def sample(self, rng: np.random.Generator) -> Genome:
        return super().sample(np.random.default_rng(random.getrandbits(32)))


class BadMutants(VectorSpace):
    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        return Genome((*genome.genes, *genome.genes))


class OneChild(VectorSpace):
    def crossover(self, first: Genome, second: Genome, rng: np.random.Generator) -> Any:
        return (first,)


class KeyOfInnovations(VectorSpace):
    def key(self, genome: Genome) -> str:
        return str(genome.to_json())


class NoFeatures(VectorSpace):
    def features(self, genome: Genome) -> np.ndarray:
        return np.full(len(self.feature_names), np.nan)


class Forgetting(VectorSpace):
    def arguments(self) -> dict[str, Any]:
        domains = dict(list(super().arguments()["domains"].items())[:1])
        return {"domains": domains}


class AlwaysRepairing(VectorSpace):
    def repair(self, genome: Genome, rng: np.random.Generator) -> Genome:
        return self.sample(rng)


class Careless(VectorSpace):
    def validate(self, genome: Genome) -> None:
        pass


class Miscounted(VectorSpace):
    def size(self) -> int:
        return 5


@pytest.mark.parametrize(
    ("kind", "check", "match"),
    [
        (GlobalSampling, "test_samples_are_valid_and_come_from_the_rng_alone", "equal generators|global random"),
        (BadMutants, "test_mutants_are_valid_and_come_from_the_rng_alone", "not in the space"),
        (OneChild, "test_children_are_valid_and_come_from_the_rng_alone", "two children"),
        (KeyOfInnovations, "test_the_key_is_that_of_the_phenotype", "innovation numbers change the key"),
        (NoFeatures, "test_features_are_numbers_near_0_to_1", "not finite"),
        (Forgetting, "test_it_comes_back_from_json_and_does_the_same", "from JSON draws"),
        (AlwaysRepairing, "test_repair_keeps_what_is_valid_and_mends_the_rest", "changed a valid genome"),
        (Careless, "test_what_is_no_genome_of_the_space_is_a_genome_error", "validate accepts"),
        (Miscounted, "test_a_finite_size_is_no_less_than_what_is_found", r"size\(\) is 5"),
    ],
)
def test_broken_spaces(kind: Any, check: str, match: str) -> None:
    fails(getattr(SpaceSuite(kind({"kind": Choice(["a", "b"]), "width": Int(1, 4)})), check), match=match)


def test_broken_costs_and_models() -> None:
    space: Any = spaces.image((6, 6, 1), classes=3, filters=8, max_genes=6)
    suite, cost = SpaceSuite(space), space.cost
    space.cost = lambda genome: cost(genome) + Cost(1)
    fails(suite.test_costs_are_those_of_the_model, match="the model has")
    space.cost = cost
    space._smallest = space.default()
    fails(suite.test_the_smallest_is_the_smallest, match="the smallest genome has")

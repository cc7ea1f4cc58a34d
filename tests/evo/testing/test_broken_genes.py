"""What breaks a promise of genes fails the check that is named after it: the suite has teeth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evo.testing import GeneConformance
from genomes import Cost, Gene, Int
from tests.evo.testing.failing_checks import fails


class GeneSuite(GeneConformance):
    samples = 1

    def __init__(self, gene: Gene) -> None:
        self.gene = gene

    def make(self) -> Gene:
        return self.gene


class Sound(Gene):
    units = Int(2, 9)

    def build(self, x: Any) -> Any:
        import keras

        return keras.layers.Dense(self.units)(x)


class WrongShape(Sound):
    def output_shape(self, shape: Any) -> Any:
        return (*shape[:-1], self.units + 1)


class WrongCost(Sound):
    def cost(self, shape: Any) -> Cost:
        return Cost(1, 1)


class Unseeded(Sound):
    def build(self, x: Any) -> Any:
        return super().build(x) * float(np.random.default_rng().normal())


class Sharing(Sound):
    def build(self, x: Any) -> Any:
        import keras

        if "layer" not in _SHARED:
            _SHARED["layer"] = keras.layers.Dense(3)
        return _SHARED["layer"](x)


_SHARED: dict[str, Any] = {}


class Forgetful(Sound):
    def to_json(self) -> dict[str, Any]:
        return {"gene": "Forgetful", "innovation": self.innovation}


class Vanishing(Sound):
    def canonical(self) -> tuple[Gene, ...]:
        return ()


class Changeable(Sound):
    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


class NotFinite(Sound):
    def build(self, x: Any) -> Any:
        import keras

        return keras.ops.log(-keras.ops.abs(super().build(x)) - 1.0)


class ByIdentity(Sound):
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class Picky(Sound):
    def output_shape(self, shape: Any) -> Any:
        if shape[-1] % 2:
            raise ZeroDivisionError("odd")
        return (*shape[:-1], self.units)


@pytest.mark.parametrize(
    ("kind", "check", "match"),
    [
        (WrongShape, "test_output_shape_and_parameters_are_those_of_the_model", "output_shape says"),
        (WrongCost, "test_output_shape_and_parameters_are_those_of_the_model", "cost says 1 parameters"),
        (Unseeded, "test_build_is_deterministic_under_a_seed", "outputs differ"),
        (Sharing, "test_building_leaves_the_gene_as_it_is", "share weights"),
        (Forgetful, "test_it_comes_back_from_json", "another gene"),
        (Vanishing, "test_the_canonical_form_builds_the_same_model", "another shape|other weights"),
        (Changeable, "test_it_cannot_be_changed", "must be immutable"),
        (NotFinite, "test_outputs_and_gradients_are_finite", "not finite"),
        (ByIdentity, "test_equality_and_hash_go_by_value", "must be equal"),
        (ByIdentity, "test_it_travels_to_other_processes", "pickled"),
        (Picky, "test_an_input_that_it_cannot_take_is_a_genome_error", "ZeroDivisionError"),
    ],
)
def test_broken_genes(kind: type[Gene], check: str, match: str) -> None:
    fails(getattr(GeneSuite(kind(units=3)), check), match=match)
    if kind in (WrongShape, WrongCost, Unseeded, NotFinite):
        getattr(GeneSuite(Sound(units=3)), check)()

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genomes import Genome, GenomeError, spaces
from genomes.inheritance import assign_weights, inherit, weights_by_mark
from genomes.variation.morphisms import MORPHISMS


def space_of(name: str) -> Any:
    if name == "image":
        return spaces.image((9, 9, 2), classes=4, filters=16)
    if name == "tabular":
        return spaces.tabular(5, outputs=2, units=24)
    return spaces.timeseries((10, 3), classes=3, units=16, recurrent=False)


def inputs_of(name: str, rng: np.random.Generator) -> np.ndarray:
    if name == "image":
        return rng.normal(size=(6, 9, 9, 2)).astype(np.float32)
    if name == "tabular":
        return rng.normal(size=(6, 5)).astype(np.float32)
    x = rng.normal(size=(6, 10, 3)).astype(np.float32)
    x[:3, 7:] = np.nan
    return x


def trained(space: Any, genome: Genome, x: np.ndarray, rng: np.random.Generator) -> tuple[Any, Any]:
    """A model with the weights and moving statistics of one that has been trained."""
    preprocessing = space.adapt(x, rng.normal(size=(len(x), space.target.outputs)))
    model = space.build(genome, preprocessing, seed=1)
    weights = weights_by_mark(model)
    for name, value in weights.items():
        if value.ndim == 1:
            # Biases, scales and statistics alike: variances must be positive.
            weights[name] = rng.uniform(0.5, 1.5, value.shape).astype(np.float32)
    assign_weights(model, weights)
    return model, preprocessing


def check(name: str, morphism: str, seed: int) -> bool:
    """Apply one morphism to a random genome; whether there was a place for it."""
    import keras

    rng = np.random.default_rng(seed)
    space = space_of(name)
    genome = space.sample(rng)
    x = inputs_of(name, rng)
    model, preprocessing = trained(space, genome, x, rng)
    weights = weights_by_mark(model)
    before = {key: value.copy() for key, value in weights.items()}
    result = MORPHISMS[morphism](genome, weights, rng, space)
    assert set(before) == set(weights)
    assert all(np.array_equal(before[key], weights[key]) for key in before)
    if result is None:
        return False
    child, child_weights = result
    space.validate(child)
    assert child.key != genome.key
    assert space.cost(child).parameters > space.cost(genome).parameters
    child_model = space.build(child, preprocessing, seed=2)
    assign_weights(child_model, child_weights)
    np.testing.assert_allclose(np.asarray(child_model(x)), np.asarray(model(x)), rtol=0, atol=1e-5)
    keras.utils.clear_session(free_memory=False)
    return True


CASES = [(name, morphism) for name in ("image", "tabular", "timeseries") for morphism in MORPHISMS]


@pytest.mark.parametrize(("name", "morphism"), CASES)
def test_the_child_computes_what_the_parent_computed(name: str, morphism: str) -> None:
    done = sum(check(name, morphism, seed) for seed in range(2))
    assert done


@pytest.mark.slow
@pytest.mark.parametrize(("name", "morphism"), CASES)
def test_a_hundred_cases_of_each_morphism(name: str, morphism: str) -> None:
    done = seed = 0
    while done < 100:
        done += check(name, morphism, seed)
        seed += 1
        assert seed < 1000


def test_morphisms_of_the_same_rng_agree() -> None:
    space = space_of("tabular")
    genome = space.default()
    dense = genome.genes[1].replace(units=9, activation="relu")
    genome = genome.replace(genes=(genome.genes[0], dense, dense.replace(innovation=50), *genome.genes[2:]))
    x = inputs_of("tabular", np.random.default_rng(0))
    model, _ = trained(space, genome, x, np.random.default_rng(0))
    weights = weights_by_mark(model)
    for morphism in MORPHISMS.values():
        first = morphism(genome, weights, np.random.default_rng(5), space)
        second = morphism(genome, weights, np.random.default_rng(5), space)
        assert first is not None and second is not None
        assert first[0] == second[0]
        assert all(np.array_equal(first[1][name], second[1][name]) for name in first[1])


def test_where_there_is_no_place_nothing_is_made() -> None:
    space = space_of("tabular")
    assert MORPHISMS["widen"](space.smallest(), {}, np.random.default_rng(0), space) is None
    assert MORPHISMS["deepen"](space.smallest(), {}, np.random.default_rng(0), space) is None


# -- inheritance ---------------------------------------------------------------------------
def test_all_weights_of_a_model_have_marks() -> None:
    for name in ("image", "tabular", "timeseries"):
        space = space_of(name)
        rng = np.random.default_rng(3)
        model, _ = trained(space, space.sample(rng), inputs_of(name, rng), rng)
        named = weights_by_mark(model)
        assert len(named) == len(model.weights)
        assert sum(value.size for value in named.values()) == model.count_params()


def test_an_unchanged_child_inherits_everything() -> None:
    space, rng = space_of("image"), np.random.default_rng(1)
    genome, x = space.default(), inputs_of("image", rng)
    parent, preprocessing = trained(space, genome, x, rng)
    child = space.build(genome, preprocessing, seed=9)
    marks = inherit(genome, weights_by_mark(parent), genome, child)
    assert marks == list(weights_by_mark(child))
    np.testing.assert_array_equal(np.asarray(child(x)), np.asarray(parent(x)))


def test_a_mutated_child_inherits_what_it_kept() -> None:
    space, rng = space_of("tabular"), np.random.default_rng(1)
    genome, x = space.default(), inputs_of("tabular", rng)
    parent, preprocessing = trained(space, genome, x, rng)
    dense = genome.genes[1]
    wider = genome.replace(genes=(genome.genes[0], dense.replace(units=24), *genome.genes[2:]))
    narrow = genome.replace(genes=(genome.genes[0], dense.replace(units=9), *genome.genes[2:]))
    for child_genome in (wider, narrow):
        child = space.build(child_genome, preprocessing, seed=9)
        fresh = weights_by_mark(child)
        given = weights_by_mark(parent)
        marks = inherit(genome, given, child_genome, child)
        name = f"{dense.innovation}.0.0/0"
        assert name in marks
        common = min(given[name].shape[1], fresh[name].shape[1])
        after = weights_by_mark(child)[name]
        np.testing.assert_array_equal(after[:, :common], given[name][:, :common])
        np.testing.assert_array_equal(after[:, common:], fresh[name][:, common:])
    # A gene that was replaced by one of another class is not the same gene.
    other = genome.replace(genes=(*genome.genes[:2], genome.genes[1].replace(innovation=77), *genome.genes[2:]))
    child = space.build(other, preprocessing, seed=9)
    assert not any(mark.startswith("77.") for mark in inherit(genome, weights_by_mark(parent), other, child))


def test_shrinking_and_perturbing_touch_kernels_only() -> None:
    space, rng = space_of("tabular"), np.random.default_rng(1)
    genome, x = space.default(), inputs_of("tabular", rng)
    parent, preprocessing = trained(space, genome, x, rng)
    given = weights_by_mark(parent)
    child = space.build(genome, preprocessing, seed=9)
    inherit(genome, given, genome, child, np.random.default_rng(0), shrink=0.4, noise=0.01)
    for name, value in weights_by_mark(child).items():
        if value.ndim == 1:
            np.testing.assert_array_equal(value, given[name])
        else:
            assert 0 < np.abs(value - 0.4 * given[name]).max() < 0.05
    with pytest.raises(GenomeError, match=r"noise=0.1 needs rng"):
        inherit(genome, given, genome, child, noise=0.1)


def test_models_of_unknown_origin_are_refused() -> None:
    import keras

    with pytest.raises(GenomeError, match="remembers no gene's layers"):
        weights_by_mark(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))


def test_assigning_wrong_weights_changes_nothing() -> None:
    space, rng = space_of("tabular"), np.random.default_rng(1)
    model, _ = trained(space, space.default(), inputs_of("tabular", rng), rng)
    weights = weights_by_mark(model)
    name = next(iter(weights))
    with pytest.raises(GenomeError, match="differ in 1 names"):
        assign_weights(model, {k: v for k, v in weights.items() if k != name})
    with pytest.raises(GenomeError, match="expected shape"):
        assign_weights(model, {**weights, name: np.zeros(3)})
    assert all(np.array_equal(v, weights[k]) for k, v in weights_by_mark(model).items())

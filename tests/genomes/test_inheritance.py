"""Weights that pass from parent to child."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genomes import Genome, GenomeError, spaces
from genomes.inheritance import inherit, weights_by_mark


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
    inherit(genome, weights, genome, model)
    return model, preprocessing


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
    fresh = weights_by_mark(child)
    inherit(genome, given, genome, child, np.random.default_rng(0), shrink=0.4, noise=0.01)
    for name, value in weights_by_mark(child).items():
        if value.ndim == 1 or np.ptp(fresh[name]) == 0:
            np.testing.assert_array_equal(value, given[name])
        else:
            assert 0 < np.abs(value - 0.4 * given[name]).max() < 0.05
    with pytest.raises(GenomeError, match=r"noise=0.1 needs rng"):
        inherit(genome, given, genome, child, noise=0.1)


def test_models_of_unknown_origin_are_refused() -> None:
    import keras

    with pytest.raises(GenomeError, match="remembers no gene's layers"):
        weights_by_mark(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))

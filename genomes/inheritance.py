"""Weight inheritance from a parent to a child, matched by innovation, place and shape.

A child keeps the genes of its parent, with their innovation numbers. The
layers that a gene made have marks (:mod:`genomes.build`), and layers with the
same mark in parent and child are the same layer: their weights are copied; where
shapes differ only in width, the part that both have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genomes.errors import GenomeError
from genomes.genome import Genome


def weights_by_mark(model: Any) -> dict[str, np.ndarray]:
    """All weights of a model, trainable or not, under names that parent and child share.

    Args:
        model: what a space's ``build`` returned.

    Returns:
        ``"MARK/PLACE"`` -> array; MARK is the layer's mark, PLACE the weight's place in
        ``layer.weights``. In order of application of the layers.

    Raises:
        GenomeError: the model remembers no marks: it was not built by a space, or was loaded from a file.
    """
    import keras

    return {
        f"{mark}/{place}": np.asarray(keras.ops.convert_to_numpy(weight))
        for mark, layer in _layers(model).items()
        for place, weight in enumerate(layer.weights)
    }


def inherit(
    parent_genome: Genome,
    parent_weights: Mapping[str, np.ndarray],
    child_genome: Genome,
    child_model: Any,
    rng: np.random.Generator | None = None,
    shrink: float = 1.0,
    noise: float = 0.0,
) -> list[str]:
    """Copy the weights that a fresh child has in common with its parent.

    A weight is inherited if gene, place and shape agree. Where only widths
    differ (the last two axes of a kernel, the length of a bias) the common
    part is inherited and the rest keeps its fresh initial values. Optionally
    inherited kernels are shrunk and perturbed (Ash & Adams 2020,
    arXiv 1910.08475, against the generalisation gap of warm starts).

    Args:
        parent_genome: genome of the weights.
        parent_weights: what :func:`weights_by_mark` returned for the parent.
        child_genome: genome of ``child_model``.
        child_model: what the space built for the child, freshly initialised; it is changed.
        rng: draws the noise; needed if ``noise`` is not 0.
        shrink: factor on inherited kernels (weights of two axes and more that begin at random); 1 keeps them.
        noise: standard deviation of the noise added to inherited kernels, relative to the
            standard deviation of the fresh kernel that they replace.

    Returns:
        Names (``"MARK/PLACE"``) of the inherited weights, whole or in part, in order.

    Raises:
        GenomeError: the model remembers no marks, or ``noise`` without ``rng``.
    """
    import keras

    if noise and rng is None:
        raise GenomeError(f"noise={noise} needs rng, a numpy.random.Generator; got None")
    kinds, child_kinds = _kinds(parent_genome), _kinds(child_genome)
    inherited = []
    for mark, layer in _layers(child_model).items():
        innovation = mark.split(".", 1)[0]
        if innovation.isdigit() and kinds.get(innovation) != child_kinds.get(innovation):
            continue
        for place, variable in enumerate(layer.weights):
            name = f"{mark}/{place}"
            given = parent_weights.get(name)
            if given is None:
                continue
            fresh = np.array(keras.ops.convert_to_numpy(variable))
            common = _common(given.shape, fresh.shape)
            if common is None:
                continue
            taken = np.array(given[common], dtype=fresh.dtype)
            # What begins as one value, a scale or a shift in whatever shape, is no kernel: shrunk it would do less.
            if fresh.ndim >= 2 and np.issubdtype(fresh.dtype, np.floating) and np.ptp(fresh) > 0:
                taken *= shrink
                if noise:
                    assert rng is not None
                    taken += (noise * fresh.std() * rng.standard_normal(taken.shape)).astype(fresh.dtype)
            fresh[common] = taken
            variable.assign(fresh)
            inherited.append(name)
    return inherited


def _layers(model: Any) -> Mapping[str, Any]:
    layers = getattr(model, "gene_layers", None)
    if layers is None:
        raise GenomeError("the model remembers no gene's layers: it must come from a space's build")
    return layers


def _kinds(genome: Genome) -> dict[str, str]:
    """What every gene inherits as, by innovation number, as marks write it."""
    return {str(gene.innovation): gene.inherits_as for _, gene in genome.walk()}


def _common(parent: tuple[int, ...], child: tuple[int, ...]) -> tuple[slice, ...] | None:
    """The part that two arrays have in common if they differ in width only, else None."""
    if len(parent) != len(child) or parent[:-2] != child[:-2]:
        return None
    return tuple(slice(0, min(a, b)) for a, b in zip(parent, child, strict=True))

"""Layers and blocks: shapes, parameters and FLOPs as Keras and TensorFlow's profiler have them."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from genomes import Gene, GenomeError
from genomes.build import apply
from genomes.costs import elements, flow
from genomes.gene import canonical_sequence
from genomes.genes.blocks import Parallel, Repeat, Residual
from genomes.genes.convolutional import Bottleneck, ConvNeXtBlock, InvertedResidual, SqueezeExcite, XceptionBlock
from genomes.genes.layers import (
    ACTIVATIONS,
    Activation,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalPool,
    Normalization,
    Pool,
    SeparableConv,
    SpatialDropout,
    StochasticDepth,
)

sys.path.insert(0, os.path.dirname(__file__))
from tests.genomes.profiled_flops import COUNTED, only_profiled_layers, profiled_flops

PICTURE = (9, 7, 6)
CONV = Conv(filters=5, strides=2, innovation=1)
KEEP = Conv(filters=6, normalization="none", activation="linear", innovation=2)

CASES: list[tuple[Gene, tuple[int, ...]]] = [
    (Dense(units=7), (5,)),
    (Dense(units=7, normalization="batch", activation="gelu"), (5,)),
    (Dense(units=3, normalization="layer"), (4, 5)),
    (Conv(filters=4, kernel=5, strides=2), PICTURE),
    (Conv(filters=8, kernel=2, strides=3, normalization="group", activation="swish"), PICTURE),
    (Conv(filters=8, kernel=1, normalization="none", activation="linear"), PICTURE),
    (SeparableConv(filters=4, kernel=3, strides=2, normalization="none"), PICTURE),
    (SeparableConv(filters=9, normalization="layer"), PICTURE),
    (DepthwiseConv(kernel=5, strides=2, normalization="none"), PICTURE),
    (DepthwiseConv(normalization="batch"), PICTURE),
    (Pool(kind="max", window=3, strides=2), PICTURE),
    (Pool(kind="average", window=2, strides=1), PICTURE),
    (GlobalPool(kind="average"), PICTURE),
    (GlobalPool(kind="max"), PICTURE),
    (GlobalPool(kind="average"), (9, 6)),
    (Flatten(), PICTURE),
    (Flatten(), (6,)),
    *((Normalization(kind=kind), shape) for kind in ("batch", "layer", "group") for shape in (PICTURE, (5, 6), (6,))),
    *((Activation(function=name), (6,)) for name in ACTIVATIONS),
    *((Dropout(rate=0.5), shape) for shape in (PICTURE, (6,))),
    *((SpatialDropout(rate=0.5), shape) for shape in (PICTURE, (5, 6))),
    *((StochasticDepth(rate=0.5), shape) for shape in (PICTURE, (5, 6), (6,))),
    (Residual(body=[KEEP]), PICTURE),
    (Residual(body=[CONV, CONV.replace(innovation=3)], activation="relu"), PICTURE),
    (Residual(body=[Pool(window=3, strides=3)]), PICTURE),
    (Residual(body=[Dense(units=6)]), (6,)),
    (Residual(body=[Dense(units=4)]), (5, 6)),
    (Residual(body=[Residual(body=[CONV]), Dropout(rate=0.1)]), PICTURE),
    (Parallel(branches=[[CONV], [Pool()]]), PICTURE),
    (Parallel(branches=[[KEEP], []], merge="add"), PICTURE),
    (Parallel(branches=[[Conv(filters=9)], [Conv(filters=4, kernel=1)]], merge="add"), PICTURE),
    (Parallel(branches=[[Dense(units=3)], []], merge="add"), (6,)),
    (Repeat(times=3, body=[CONV]), PICTURE),
    (Bottleneck(filters=8, strides=2), PICTURE),
    (Bottleneck(filters=6, reduction=2, normalization="none"), PICTURE),
    (SqueezeExcite(ratio=2), PICTURE),
    (InvertedResidual(filters=6, squeeze=True), PICTURE),
    (InvertedResidual(filters=6, expansion=1), PICTURE),
    (InvertedResidual(filters=4, strides=2, normalization="none", activation="linear"), PICTURE),
    (XceptionBlock(filters=6), PICTURE),
    (XceptionBlock(filters=8, strides=2, convolutions=3, normalization="none"), PICTURE),
    (ConvNeXtBlock(kernel=5), PICTURE),
]  # fmt: skip


def label(case: object) -> str:
    return str(case)


@pytest.mark.parametrize(("gene", "shape"), CASES, ids=label)
def test_shape_parameters_and_flops(gene: Gene, shape: tuple[int, ...]) -> None:
    import keras

    inputs = keras.Input(shape)
    model = keras.Model(inputs, apply([gene], inputs))
    expected, cost = flow(gene, shape)
    assert tuple(model.outputs[0].shape[1:]) == expected
    assert model.count_params() == cost.parameters
    with only_profiled_layers():
        counted_by_us = Gene.from_json(gene.to_json()).cost(shape).flops  # the copy remembers nothing
    found = profiled_flops(model, shape)
    counted = sum(found[name] for name in COUNTED)
    # TensorFlow adds some biases by a plain addition, and joins some branches by adding a "bias".
    additions = max(found["AddV2"], elements(expected))
    assert abs(counted_by_us - counted) <= min(0.05 * counted, 100) + additions


@pytest.mark.parametrize(
    "gene",
    [
        Dropout(rate=0.0),
        SpatialDropout(rate=0.0),
        StochasticDepth(rate=0.0),
        Activation(function="linear"),
        Pool(window=1, strides=1),
        Residual(body=[Dropout(rate=0.0)]),
        Residual(),
        Repeat(body=[Dropout(rate=0.0)]),
    ],
    ids=label,
)
def test_no_ops_vanish(gene: Gene) -> None:
    assert gene.canonical() == ()
    assert gene.phenotype == ""


def test_other_spellings_of_one_model() -> None:
    assert Repeat(times=2, body=[KEEP]).phenotype == KEEP.phenotype * 2
    assert Residual(activation="relu").phenotype == Activation(function="relu").phenotype
    assert Residual(body=[KEEP, Dropout(rate=0.0)]).phenotype == Residual(body=[KEEP]).phenotype
    assert Residual(body=[KEEP]).phenotype != KEEP.phenotype
    assert canonical_sequence([KEEP, Dropout(rate=0.0)]) == (KEEP,)


def test_strides_are_fitted_to_the_picture() -> None:
    gene = Conv(strides=4)
    with pytest.raises(GenomeError, match="strides of 4 are too long"):
        flow(gene, (3, 8, 1))
    fitted = gene.fitted((3, 8, 1))
    assert fitted is not None and fitted.strides == 3
    assert gene.fitted((4, 8, 1)) is gene
    assert Pool().fitted((1, 1, 8)) is None
    assert Conv().fitted((8,)) is None


def test_branches_of_different_sizes_lose_their_strides() -> None:
    gene = Parallel(branches=[[CONV], [KEEP]])
    with pytest.raises(GenomeError, match="branches must agree"):
        flow(gene, PICTURE)
    fitted = gene.fitted(PICTURE)
    assert fitted is not None and fitted.output_shape(PICTURE) == (9, 7, 11)


def test_a_body_that_changes_the_rank_is_refused() -> None:
    with pytest.raises(GenomeError, match="rank"):
        flow(Residual(body=[Flatten()]), PICTURE)
    assert Residual(body=[Flatten()]).fitted(PICTURE) is None


def test_unknown_lengths() -> None:
    gene = Residual(body=[CONV, CONV.replace(innovation=9)])
    assert gene.output_shape((None, None, 6)) == (None, None, 5)
    assert gene.cost((None, None, 6)).parameters == gene.cost(PICTURE).parameters
    with pytest.raises(GenomeError, match="alike"):
        flow(Parallel(branches=[[CONV], [KEEP]]), (None, None, 6))
    with pytest.raises(GenomeError, match="known lengths"):
        flow(Flatten(), (None, 3))


def test_stochastic_depth_drops_whole_samples() -> None:
    import keras

    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, StochasticDepth(rate=0.5).build(inputs))
    y = np.asarray(model(np.ones((64, 4, 4, 3), np.float32), training=True))
    per_sample = y.reshape(64, -1)
    assert set(np.unique(per_sample)) == {0.0, 2.0}
    assert (per_sample.min(axis=1) == per_sample.max(axis=1)).all()


def test_errors_name_the_path_inside_blocks() -> None:
    inside = Residual(body=[KEEP, Parallel(branches=[[KEEP], [KEEP, GlobalPool()]])])
    with pytest.raises(GenomeError) as caught:
        flow(inside, PICTURE)
    assert caught.value.path == "body[1]"

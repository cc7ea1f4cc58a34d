from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomes import Gene, GenomeError, masks
from genomes.build import apply
from genomes.genes.sequence import (
    Attention,
    PositionEncoding,
    Recurrent,
    SequenceConv,
    SequencePool,
    SequenceReduce,
    TokenEmbedding,
    TransformerEncoder,
)

STEP_GENES = (Attention, PositionEncoding, Recurrent, SequenceConv, SequencePool, TransformerEncoder)


def sampled(kind: type[Gene], seed: int) -> Gene:
    rng = np.random.default_rng(seed)
    values = {name: domain.sample(rng) for name, domain in kind.fields.items()}
    for name in ("filters", "units", "key_dimension", "tokens"):
        if name in values:
            values[name] = int(values[name]) % 13 + 4
    return kind(**values)


def model_of(genes: list[Gene], length: int, channels: int, masked: bool):
    import keras

    x = keras.Input((length, channels))
    start = x
    if masked:
        start = masks.with_mask(x[:, :, :-1] * 1.0, keras.ops.greater(x[:, :, -1], 0))
    return keras.Model(x, apply(genes, start))


@pytest.mark.parametrize("kind", [*STEP_GENES, SequenceReduce])
@settings(max_examples=6)
@given(seed=st.integers(0, 10**6), length=st.integers(2, 9), channels=st.integers(1, 7))
def test_shapes_and_parameters_are_as_predicted(kind: type[Gene], seed: int, length: int, channels: int) -> None:
    gene = sampled(kind, seed)
    model = model_of([gene], length, channels, masked=False)
    assert model.output_shape[1:] == gene.output_shape((length, channels))
    assert model.count_params() == gene.cost((length, channels)).parameters
    outputs = model(np.random.default_rng(seed).normal(size=(3, length, channels)).astype(np.float32))
    assert np.isfinite(np.asarray(outputs)).all()


@settings(max_examples=5)
@given(seed=st.integers(0, 10**6))
def test_embedding_of_tokens(seed: int) -> None:
    import keras

    gene = sampled(TokenEmbedding, seed)
    x = keras.Input((5,), dtype="int32")
    model = keras.Model(x, apply([gene, SequenceReduce()], x))
    assert model.count_params() == gene.cost((5,)).parameters
    assert gene.output_shape((5,)) == (5, gene.units)
    padded, table = np.array([[1, 2, 0, 0, 0]], np.int32), np.asarray(model.layers[1].embeddings)
    np.testing.assert_allclose(np.asarray(model(padded))[0], (table[1] + table[2]) / 2, rtol=1e-5)


CHAINS = [
    [SequenceConv(filters=5, kernel=5, normalization="none")],
    [SequenceConv(filters=5, kernel=3, dilation=2), SequenceConv(filters=4, kernel=7, normalization="layer")],
    [SequencePool(kind="max", steps=2), SequencePool(kind="average", steps=3)],
    [Recurrent(units=4), Recurrent(cell="gru", units=3, bidirectional=True)],
    [Recurrent(units=4, bidirectional=True), SequencePool(steps=4)],
    [
        PositionEncoding(),
        Attention(heads=2, key_dimension=4),
        TransformerEncoder(heads=1, key_dimension=4, dropout=0.0),
    ],
]


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: "-".join(type(g).__name__ for g in chain))
def test_predictions_do_not_depend_on_padding(chain: list[Gene]) -> None:
    rng = np.random.default_rng(0)
    real, channels = 7, 3
    for kind in ("average", "max", "both", "last", "attention"):
        genes = [*chain, SequenceReduce(kind=kind)]
        short = model_of(genes, real, channels + 1, masked=True)
        long = model_of(genes, 14, channels + 1, masked=True)
        weights = [rng.normal(0, 0.3, w.shape) for w in short.get_weights()]
        weights = [np.abs(w) + 0.1 if w.ndim == 1 else w for w in weights]
        short.set_weights(weights)
        long.set_weights(weights)
        x = np.ones((4, real, channels + 1), np.float32)
        x[..., :-1] = rng.normal(size=(4, real, channels))
        padded = np.concatenate([x, 99 * np.ones((4, 7, channels + 1), np.float32)], axis=1)
        padded[:, real:, -1] = 0
        for training in (False, True):
            outputs = np.asarray(long(padded, training=training))
            np.testing.assert_allclose(np.asarray(short(x, training=training)), outputs, atol=2e-5)
            assert np.isfinite(outputs).all()


def test_a_sequence_without_a_real_step_gives_finite_numbers() -> None:
    for kind in ("average", "max", "both", "last", "attention"):
        for chain in CHAINS:
            model = model_of([*chain, SequenceReduce(kind=kind)], 6, 4, masked=True)
            assert np.isfinite(np.asarray(model(np.zeros((2, 6, 4), np.float32)))).all()


def test_half_precision_stays_finite_and_in_its_dtype() -> None:
    from genomes.spaces.model import dtype_policy

    for chain in CHAINS:
        with dtype_policy("mixed_bfloat16"):
            model = model_of([*chain, SequenceReduce(kind="both")], 6, 4, masked=True)
        outputs = model(np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32))
        assert str(outputs.dtype).endswith("bfloat16'>")
        assert np.isfinite(np.asarray(outputs).astype(np.float32)).all()


def test_models_are_saved_without_code_of_ours(tmp_path) -> None:
    import keras

    genes = [gene for chain in CHAINS for gene in chain] + [SequenceReduce(kind="attention")]
    model = model_of(genes, 40, 4, masked=True)
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(2, 40, 4)).astype(np.float32)
    np.testing.assert_allclose(
        np.asarray(keras.models.load_model(tmp_path / "model.keras")(x)), np.asarray(model(x)), atol=1e-6
    )


def test_wrong_inputs_are_named() -> None:
    import keras

    with pytest.raises(GenomeError, match=r"genes\[0\]: Recurrent takes an input of rank \(2,\)"):
        apply([Recurrent()], keras.Input((4,)))
    with pytest.raises(GenomeError, match="known length"):
        SequencePool().output_shape((None, 3))
    assert SequencePool().fitted((1, 3)) is None


def profiled(model) -> int:
    """FLOPs of one sample as TensorFlow's profiler counts them."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    from tensorflow.python.profiler.model_analyzer import profile
    from tensorflow.python.profiler.option_builder import ProfileOptionBuilder

    inputs = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    graph = convert_variables_to_constants_v2(tf.function(model).get_concrete_function(inputs)).graph
    options = ProfileOptionBuilder(ProfileOptionBuilder.float_operation()).with_empty_output().build()
    return profile(graph, options=options).total_float_ops


@pytest.mark.parametrize(
    "gene",
    [
        SequenceConv(filters=16, kernel=5, normalization="none", activation="linear"),
        SequenceConv(filters=16, kernel=5, dilation=2),
        SequenceConv(filters=16, kernel=3, normalization="layer"),
    ],
    ids=str,
)
def test_flops_are_those_of_the_profiler(gene: Gene) -> None:
    # Products of batches (attention) and loops (recurrent cells) are among what the profiler leaves out.
    predicted = gene.cost((24, 12)).flops
    assert predicted == pytest.approx(profiled(model_of([gene], 24, 12, masked=False)), rel=0.05)

"""The genes of RealMLP, against its formulas written down in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomes import Gene, GenomeError
from genomes.genes import NeuralTangentDense, PeriodicEmbedding, TabularTraining

F = 50.0  # learning rates of RealMLP over those that the genes are made for


def built(gene: Gene, shape: tuple[int, ...], seed: int = 3) -> Any:
    import keras

    keras.utils.set_random_seed(seed)
    x = keras.Input(shape)
    return keras.Model(x, gene.build(x))


def rows(count: int, layout: str, rng: np.random.Generator) -> np.ndarray:
    numbers, flags, codes = layout.split("|")
    categories = [int(n) for n in codes.split(",")] if codes else []
    parts = [rng.normal(size=(count, int(numbers))), rng.random((count, int(numbers)))]
    parts.append(rng.integers(0, 2, (count, int(flags))))
    parts += [rng.integers(0, n, (count, 1)) for n in categories]
    return np.concatenate(parts, axis=1).astype(np.float32)


def mish(z: np.ndarray) -> np.ndarray:
    return z * np.tanh(np.log1p(np.exp(z)))


def selu(z: np.ndarray) -> np.ndarray:
    return 1.05070098 * np.where(z > 0, z, 1.67326324 * np.expm1(np.minimum(z, 0)))


@pytest.mark.parametrize(("activation", "formula"), [("mish", mish), ("selu", selu)])
def test_dense_is_the_neural_tangent_formula(activation: str, formula: Any) -> None:
    model = built(NeuralTangentDense(units=6, activation=activation), (5,))
    dense, mixture = (layer for layer in model.layers if layer.weights)
    rng = np.random.default_rng(0)
    dense.set_weights([rng.normal(size=(5, 6)), rng.normal(size=6)])
    mixture.set_weights([rng.normal(size=(1, 6))])
    x = rng.normal(size=(9, 5)).astype(np.float32)
    # What is trained, times its factor of the learning rate, is RealMLP's own weight.
    weight, bias = F * dense.kernel.numpy(), 0.1 * F * dense.bias.numpy()
    share = 0.1 * F * mixture.embeddings.numpy()
    z = x @ weight / np.sqrt(5) + bias
    np.testing.assert_allclose(model(x), z + (formula(z) - z) * share, rtol=2e-4, atol=2e-4)


def test_dense_begins_as_realmlp_does() -> None:
    model = built(NeuralTangentDense(units=400), (300,))
    dense, mixture = (layer for layer in model.layers if layer.weights)
    assert np.std(F * dense.kernel.numpy()) == pytest.approx(1, rel=0.02)
    assert np.std(0.1 * F * dense.bias.numpy()) == pytest.approx(np.sqrt(1 / 3), rel=0.1)
    np.testing.assert_allclose(0.1 * F * mixture.embeddings.numpy(), 1, rtol=1e-6)


def test_five_random_rows_put_a_kink_where_the_bias_does() -> None:
    """The bias of a unit is minus a random convex combination of five of its sums: variance 1/3."""
    rng = np.random.default_rng(0)
    shares = rng.exponential(size=(100_000, 5))
    shares /= shares.sum(axis=1, keepdims=True)
    assert (shares * rng.normal(size=shares.shape)).sum(axis=1).var() == pytest.approx(1 / 3, rel=0.02)


def test_activation_without_mixture_and_none_at_all() -> None:
    x = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    plain = built(NeuralTangentDense(units=2, parametric=False), (3,))
    linear = built(NeuralTangentDense(units=2, activation="linear"), (3,))
    np.testing.assert_allclose(plain(x), mish(np.asarray(linear(x))), rtol=1e-5, atol=1e-6)


def test_one_step_of_adam_moves_each_weight_by_its_own_rate() -> None:
    """Adam's first step is the learning rate in every weight: F times it in W, a tenth of that in b and a."""
    import keras

    model = built(NeuralTangentDense(units=4, activation="selu"), (3,))
    model.compile(keras.optimizers.Adam(1e-3, epsilon=1e-30), "mse")
    dense, mixture = (layer for layer in model.layers if layer.weights)
    before = [np.copy(w.numpy()) for w in (dense.kernel, dense.bias, mixture.embeddings)]
    rng = np.random.default_rng(0)
    model.train_on_batch(rng.normal(size=(16, 3)).astype(np.float32), rng.normal(size=(16, 4)).astype(np.float32))
    steps = [
        np.abs(w.numpy() - b).max() for w, b in zip((dense.kernel, dense.bias, mixture.embeddings), before, strict=True)
    ]
    np.testing.assert_allclose(np.multiply([F, 0.1 * F, 0.1 * F], steps), np.array([F, 5, 5]) * 1e-3, rtol=1e-3)


def test_periodic_embedding_is_pbld() -> None:
    layout = "2|1|4,30"
    gene = PeriodicEmbedding(layout=layout, frequencies=8, width=4, embedding=4)
    x = rows(7, layout, np.random.default_rng(0))
    model = built(gene, (x.shape[1],))
    held = [layer.embeddings.numpy() for layer in model.layers if layer.weights]
    size = {array.size: array for array in held}
    rate = 0.1 * F
    w, b = (rate * array.reshape(2, 8) for array in held if array.size == 16)
    w, b = (w, b) if np.abs(w).max() < np.abs(b).max() else (b, w)  # drawn small, and from -pi to pi
    a, c = rate * size[48].reshape(2, 8, 3), rate * size[6].reshape(2, 3)
    vectors, scales = F * size[120].reshape(30, 4), 6 * F * size[17][0]
    expected = []
    for row in x:
        features = [*row[:2]]
        for number in range(2):
            waves = np.cos(2 * np.pi * w[number] * row[number] + b[number])
            features += [*(waves @ a[number] + c[number])]
        features.append(row[4])
        features += [*vectors[int(row[6])]]
        features += [*np.eye(4)[int(row[5])]]
        expected.append(np.array(features) * scales)
    np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(scales, 1, rtol=1e-6)
    assert gene.output_shape((x.shape[1],)) == (len(expected[0]),)
    assert gene.cost((x.shape[1],)).parameters == model.count_params()


def test_frequencies_begin_with_the_deviation_asked_for() -> None:
    gene = PeriodicEmbedding(layout="50|0|", frequencies=32, sigma=0.7, width=2)
    model = built(gene, (100,))
    first, second, *_ = (
        layer.embeddings.numpy() for layer in model.layers if layer.weights and layer.output_dim == 1600
    )
    small, wide = sorted((0.1 * F * first, 0.1 * F * second), key=lambda array: float(np.abs(array).max()))
    assert np.std(small) == pytest.approx(0.7, rel=0.05)
    assert np.abs(wide).max() == pytest.approx(np.pi, rel=0.05)


def test_weight_decay_spares_embeddings_and_biases_on_tables() -> None:
    import keras

    x = keras.Input((4,))
    genes = (PeriodicEmbedding(layout="2|0|"), NeuralTangentDense(units=3))
    model = keras.Model(x, genes[1].build(genes[0].build(x)))
    optimizer = TabularTraining(weight_decay=0.5).optimizer_object()
    optimizer.build(model.trainable_variables)
    decayed = [v for v in model.trainable_variables if optimizer._use_weight_decay(v)]
    assert [tuple(v.shape) for v in decayed] == [(8, 3)]


@pytest.mark.parametrize(
    ("gene", "columns"),
    [
        (PeriodicEmbedding(layout="0|0|5,30"), 2),
        (PeriodicEmbedding(layout="3|1|", frequencies=0, scale=False), 7),
        (PeriodicEmbedding(layout="1|0|3", embedding=0), 3),
    ],
)
def test_embedding_of_what_there_is(gene: PeriodicEmbedding, columns: int) -> None:
    x = rows(4, gene.layout, np.random.default_rng(0))
    assert x.shape == (4, columns)
    model = built(gene, (columns,))
    assert tuple(model.output_shape[1:]) == gene.output_shape((columns,)) == np.asarray(model(x)).shape[1:]
    assert model.count_params() == gene.cost((columns,)).parameters
    with pytest.raises(GenomeError, match="layout"):
        gene.output_shape((columns + 1,))


def test_embedding_without_effect_is_canonical() -> None:
    alone = PeriodicEmbedding(layout="0|0|3", frequencies=8, width=16, sigma=1.0, embedding=4)
    (canonical,) = alone.canonical()
    assert canonical == PeriodicEmbedding(layout="0|0|3", frequencies=0, embedding=0)


def coslog(t: np.ndarray, cycles: int) -> np.ndarray:
    """The paper's schedule at the share ``t`` of a training."""
    return np.asarray(0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + (2**cycles - 1) * t))))


@given(epochs=st.integers(1, 60), steps=st.integers(1, 30))
def test_a_whole_training_has_realmlps_cycles(epochs: int, steps: int) -> None:
    training = TabularTraining(schedule="log-cosine", learning_rate=0.5)
    rates = training.learning_rates(0, epochs, True, steps)
    t = (np.arange(epochs * steps) + 0.5) / (epochs * steps)
    np.testing.assert_allclose(rates, 0.5 * coslog(t, 4), rtol=1e-5, atol=1e-6)


@given(first=st.integers(1, 30), more=st.integers(1, 60), steps=st.integers(1, 9))
def test_a_continued_final_training_has_one_cycle(first: int, more: int, steps: int) -> None:
    training = TabularTraining(schedule="log-cosine", learning_rate=0.5)
    rates = training.learning_rates(first, first + more, True, steps)
    t = (np.arange(more * steps) + 0.5) / (more * steps)
    np.testing.assert_allclose(rates, 0.5 * coslog(t, 1), rtol=1e-5, atol=1e-6)


@given(first=st.integers(0, 80), middle=st.integers(0, 80), last=st.integers(0, 80), steps=st.integers(1, 9))
def test_before_that_a_rate_depends_on_its_place_alone(first: int, middle: int, last: int, steps: int) -> None:
    first, middle, last = sorted((first, middle, last))
    training = TabularTraining(schedule="log-cosine", warmup=2.0)
    parts = [training.learning_rates(a, b, False, steps) for a, b in ((first, middle), (middle, last))]
    np.testing.assert_array_equal(np.concatenate(parts), training.learning_rates(first, last, False, steps))


def test_rungs_begin_and_end_at_rate_zero() -> None:
    training = TabularTraining(schedule="log-cosine", learning_rate=1.0)
    rates = training.learning_rates(0, 81, False, 100)
    for rung in (1, 3, 9, 27):
        assert rates[100 * rung - 1] < 0.02
        assert rates[100 * rung] < 0.02
    assert rates.max() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("optimizer", ["adam", "nadam", "lion"])
def test_second_momentum_is_beta_2(optimizer: str) -> None:
    assert TabularTraining(optimizer=optimizer, second_momentum=0.95).optimizer_object().beta_2 == 0.95
    own = TabularTraining(optimizer=optimizer).optimizer_object().beta_2
    assert own == {"adam": 0.999, "nadam": 0.999, "lion": 0.99}[optimizer]


def test_muon_decays_what_the_genome_says() -> None:
    none = TabularTraining(optimizer="muon").optimizer_object()
    assert not none.weight_decay
    assert not none.adam_weight_decay
    some = TabularTraining(optimizer="muon", weight_decay=0.1).optimizer_object()
    assert (some.weight_decay, some.adam_weight_decay) == (0.1, 0.1)


def test_settings_without_effect_are_canonical() -> None:
    (cyclic,) = TabularTraining(schedule="log-cosine", decay="cosine").canonical()
    assert cyclic.decay == TabularTraining().decay
    (plain,) = TabularTraining(optimizer="sgd", second_momentum=0.9).canonical()
    assert plain.second_momentum == 0

"""What hypermodels' models cost: against the genes' own counting, TensorFlow's profiler, and by hand."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("keras_tuner")

import keras
import numpy as np
from keras import layers

from genomes import spaces
from genomes.costs import Cost
from genomes.errors import GenomeError
from genomes.spaces.hypermodel.counting import cost_of
from tests.genomes.profiled_flops import COUNTED, profiled_flops


def model_of(*stack: Any, shape: tuple[int | None, ...], dtype: str = "float32") -> Any:
    return keras.Sequential([keras.Input(shape, dtype=dtype), *stack])


def flops(*stack: Any, shape: tuple[int | None, ...]) -> int:
    return cost_of(model_of(*stack, shape=shape)).flops


def test_pictures_cost_what_their_genes_say() -> None:
    space, rng = spaces.image((16, 16, 3), 10), np.random.default_rng(0)
    for _ in range(12):
        genome = space.sample(rng)
        found, known = cost_of(space.build(genome)), space.cost(genome)
        # The space scales its inputs (two per number), outside of what build gives; it does not count its softmax.
        assert found == Cost(known.parameters, known.flops - 2 * 16 * 16 * 3 + 10)


def test_what_tensorflow_counts_is_counted_so() -> None:
    model = model_of(
        layers.Conv2D(4, 3, strides=2, padding="valid"),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.MaxPooling2D(2),
        layers.Conv2D(6, 1, use_bias=False),
        layers.Flatten(),
        layers.Dense(5),
        shape=(15, 13, 3),
    )
    profiled = profiled_flops(model, (15, 13, 3))
    assert cost_of(model).flops == sum(profiled[name] for name in COUNTED)


@pytest.mark.parametrize(
    ("stack", "shape", "known"),
    [
        ([layers.Dense(3, activation="relu")], (4,), 2 * 12 + 3 + 3),
        ([layers.Dense(3)], (5, 4), 5 * (2 * 12 + 3)),
        ([layers.LSTM(3)], (7, 2), 7 * 4 * (2 * (2 + 3) * 3 + 3)),
        ([layers.GRU(3, reset_after=False)], (7, 2), 7 * 3 * (2 * (2 + 3) * 3 + 3)),
        ([layers.Bidirectional(layers.SimpleRNN(3, return_sequences=True))], (7, 2), 2 * 7 * (2 * 5 * 3 + 3)),
        ([layers.TimeDistributed(layers.Dense(3))], (7, 2), 7 * (2 * 6 + 3)),
        ([layers.BatchNormalization(), layers.Dropout(0.5), layers.Activation("relu")], (8,), 3 * 8),
        ([layers.GlobalAveragePooling1D()], (None, 3), 32 * 3),
        ([layers.Conv1DTranspose(2, 3, padding="same")], (6, 4), 2 * 3 * 2 * 4 * 6 + 12),
        ([layers.SeparableConv1D(5, 3, padding="same")], (6, 4), 6 * (2 * 3 * 4 + 2 * 4 * 5 + 5)),
        ([layers.EinsumDense("abc,cd->abd", (6, 3), bias_axes="d")], (6, 4), 6 * (2 * 12 + 3)),
        ([keras.Sequential([layers.Dense(3), layers.Dense(2)])], (4,), 2 * 12 + 3 + 2 * 6 + 2),
        ([layers.Conv2D(2, 3, data_format="channels_last", padding="same")], (4, 4, 1), 16 * 2 * (2 * 9 + 1)),
    ],
)
def test_by_hand(stack: list[Any], shape: tuple[int | None, ...], known: int) -> None:
    assert flops(*stack, shape=shape) == known


def test_attention_and_merging() -> None:
    x = keras.Input((6, 8))
    y = layers.MultiHeadAttention(2, 5)(x, x)
    model = keras.Model(x, layers.Add()([x, y]))
    inner = 2 * 5
    assert cost_of(model).flops == 6 * (8 * 8 * inner + 3 * inner + 8) + 4 * 6 * 6 * inner + 6 * 8


class Block(layers.Layer):  # type: ignore[misc]
    """A layer made of layers."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.first, self.second = layers.Dense(units, activation="relu"), layers.Dense(units)

    def call(self, x: Any) -> Any:
        return self.second(self.first(x)) + x


class Net(keras.Model):  # type: ignore[misc]
    """A subclassed model, which calls one block twice."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.block, self.head = Block(units), layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.head(self.block(self.block(x)))


def test_layers_of_layers_and_subclassed_models_are_watched() -> None:
    block = 2 * (2 * 16 + 4) + 4
    assert flops(Block(4), shape=(4,)) == block
    model, inputs = Net(4), keras.KerasTensor((None, 4))
    model(inputs)
    assert cost_of(model, inputs) == Cost(2 * 20 + 5, 2 * block + 9)
    assert cost_of(model) == Cost(45, 0)
    assert flops(layers.Dense(4), shape=(4,)) == 36  # nothing is watched any more


def test_a_space_builds_once_per_genome_and_for_no_search() -> None:
    built: list[int] = []

    def build(hp: Any) -> Any:
        built.append(hp.Int("units", 1, 10**6))
        model = model_of(layers.Dense(built[-1]), layers.Dense(100_000), shape=(3,))
        model.compile("adam", "mse")
        return model

    space = spaces.from_hypermodel(build, objective="-val_loss")
    large = space.genome({"units": 10**6})
    before = len(built)
    expected = Cost(4 * 10**6 + (10**6 + 1) * 10**5, 7 * 10**6 + (2 * 10**6 + 1) * 10**5)
    assert space.cost(large) == space.cost(large) == expected  # 400 GB, if it had values
    assert built[before:] == [10**6] and space.cost_without_building(large) == Cost()
    # What is trained is built anew.
    small = space.genome({"units": 2})
    assert space.cost(small).parameters == 8 + 300_000
    model = space.build(small)
    assert np.isfinite(model.predict(np.ones((1, 3)), verbose=0)).all() and space.cost(small).parameters == 300_008


def test_builds_that_need_values_have_them_and_failures_are_told() -> None:
    def build(hp: Any) -> Any:
        if hp.Int("units", 1, 9) == 9:
            raise ValueError("9 is no good")
        model = model_of(layers.Dense(hp["units"]), shape=(3,))
        model.set_weights([np.ones((3, hp["units"])), np.zeros(hp["units"])])
        model.compile("adam", "mse")
        return model

    space = spaces.from_hypermodel(build, objective="-val_loss")
    assert space.cost(space.genome({"units": 4})) == Cost(16, 28)
    with pytest.raises(GenomeError, match="9 is no good"):
        space.cost(space.genome({"units": 9}))


def test_a_model_that_waits_for_its_inputs_is_counted_with_them() -> None:
    def build(hp: Any) -> Any:
        model = Net(hp.Int("units", 4, 4))
        model.compile("adam", "mse")
        return model

    space = spaces.from_hypermodel(build, objective="-val_loss")
    assert space.cost(space.default()) == Cost()
    told = space.with_inputs(np.zeros((2, 4), "float32"))
    assert told.cost(told.default()) == Cost(45, 2 * 76 + 9) and space.cost(space.default()) == Cost()

"""The image space: valid genomes, exact costs, models that train, data checks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from genomes import Choice, Gene, Genome, GenomeError, Int, Space, spaces
from genomes.genes.blocks import Residual
from genomes.genes.layers import Conv, Dense, Dropout, Flatten, GlobalPool
from genomes.spaces.image import ImageSpace

sys.path.insert(0, os.path.dirname(__file__))
from tests.genomes.profiled_flops import COUNTED, only_profiled_layers, profiled_flops

DIGITS = spaces.image((8, 8, 1), classes=10, flip=False)
COLOUR = spaces.image((20, 15, 3), classes=3)
SPACES = {
    "digits": DIGITS,
    "colour": COLOUR,
    "binary": spaces.image((8, 8, 1), classes=2),
    "labels": spaces.image((8, 8, 3), labels=4),
    "regression": spaces.image((8, 8, 1), outputs=2),
    "any size": spaces.image((None, None, 3), classes=5, filters=32),
    "one point": spaces.image((1, 1, 2), classes=3),
    "cheap": spaces.image((16, 16, 1), classes=10, parameters=2000, flops=200_000, max_genes=8),
    "few": spaces.image((8, 8, 1), classes=10, without=[Residual, "Flatten", "Parallel", "Repeat"]),
}


def bred(space: ImageSpace, count: int, seed: int = 0) -> Iterator[Genome]:
    """A third sampled, a third mutated, a third crossed over, each from what came before."""
    rng = np.random.default_rng(seed)
    pool = [space.default(), space.smallest()]
    for number in range(count):
        if number % 3 == 0:
            found = [space.sample(rng)]
        elif number % 3 == 1:
            parent = pool[int(rng.integers(len(pool)))]
            found = [space.mutate(parent, rng)]
            assert found[0].key != parent.key
        else:
            first, second = (pool[int(rng.integers(len(pool)))] for _ in range(2))
            found = list(space.crossover(first, second, rng))
        for genome in found:
            if len(pool) < 60:
                pool.append(genome)
            else:
                pool[int(rng.integers(len(pool)))] = genome
            yield genome


def check_valid(space: ImageSpace, count: int) -> None:
    for genome in bred(space, count):
        space.validate(genome)
        assert Genome.from_json(json.dumps(genome.to_json())) == genome
        numbers = [gene.innovation for _, gene in genome.walk()]
        assert len(set(numbers)) == len(numbers)
        assert space.repair(genome, np.random.default_rng(0)) is genome
        cost = space.cost(genome)
        canonical = genome.canonical()
        assert canonical.key == genome.key
        assert space.cost(canonical) == cost


@pytest.mark.parametrize("name", SPACES)
def test_genomes_are_valid(name: str) -> None:
    check_valid(SPACES[name], 150)


@pytest.mark.slow
@pytest.mark.parametrize("name", ("digits", "colour"))
def test_ten_thousand_genomes_are_valid(name: str) -> None:
    check_valid(SPACES[name], 10_000)


@pytest.mark.parametrize("name", SPACES)
def test_spaces_travel_as_json(name: str) -> None:
    space = SPACES[name]
    copy = Space.from_json(json.loads(json.dumps(space.to_json())))
    assert isinstance(copy, ImageSpace)
    assert copy.fingerprint == space.fingerprint
    assert copy.default() == space.default()
    seeds = [np.random.default_rng(5) for _ in range(2)]
    assert copy.sample(seeds[0]) == space.sample(seeds[1])
    assert copy.feature_names == space.feature_names


def test_features_are_numbers_of_one_length() -> None:
    rows = [COLOUR.features(genome) for genome in bred(COLOUR, 60)]
    assert {row.shape for row in rows} == {(len(COLOUR.feature_names),)}
    assert len(set(COLOUR.feature_names)) == len(COLOUR.feature_names)
    table = np.array(rows)
    assert table.dtype == np.float64 and np.isfinite(table).all()
    assert table.min() >= 0 and table.max() <= 4


def test_features_see_the_phenotype_only() -> None:
    genome = DIGITS.default()
    spelled = genome.replace(genes=(*genome.genes, Dropout(rate=0.0, innovation=99)))
    assert spelled.key == genome.key
    assert (DIGITS.features(spelled) == DIGITS.features(genome)).all()


def test_the_same_rng_gives_the_same_children_in_another_process() -> None:
    code = (
        "import json, numpy as np; from genomes import spaces; rng = np.random.default_rng(3);"
        "s = spaces.image((8, 8, 1), classes=10, flip=False); a = s.sample(rng); b = s.mutate(s.default(), rng);"
        "print(json.dumps([g.to_json() for g in (a, b, *s.crossover(a, b, rng))]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": os.pathsep.join(sys.path)}
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    rng = np.random.default_rng(3)
    a = DIGITS.sample(rng)
    b = DIGITS.mutate(DIGITS.default(), rng)
    here = [genome.to_json() for genome in (a, b, *DIGITS.crossover(a, b, rng))]
    assert json.loads(there.stdout) == here


# -- models ------------------------------------------------------------------------------
def targets(space: ImageSpace, rows: int, rng: np.random.Generator) -> np.ndarray:
    outputs = space.target.outputs
    if space.task == "regression":
        y: Any = rng.normal(size=(rows, outputs))
    elif space.task == "multilabel":
        y = rng.integers(0, 2, (rows, outputs))
    else:
        y = rng.integers(0, max(2, outputs), rows)
    return space.target.prepare(y)


def pictures(space: ImageSpace, rows: int, rng: np.random.Generator) -> np.ndarray:
    shape = tuple(9 if n is None else n for n in space.input_shape)
    return rng.uniform(0, 255, (rows, *shape)).astype(np.float32)


def check_model(space: ImageSpace, genome: Genome, profile: bool) -> None:
    """Forward and backward, finite, with the predicted parameters (and FLOPs, on what the profiler counts)."""
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(0)
    x, y = pictures(space, 8, rng), targets(space, 8, rng)
    model = space.build(genome, space.adapt(x, y), seed=1)
    assert model.count_params() == space.cost(genome).parameters
    assert model.output_shape == (None, space.target.outputs)
    soft = keras.utils.to_categorical(y, space.target.outputs) if space.needs_soft_targets(genome) else y
    with tf.GradientTape() as tape:
        predictions = model(x, training=True)
        loss = space.loss(genome)(soft, predictions)
    gradients = tape.gradient(loss, model.trainable_weights)
    assert np.isfinite(predictions).all() and np.isfinite(loss)
    assert all(gradient is not None and np.isfinite(gradient).all() for gradient in gradients)
    space.optimizer(genome).apply(gradients, model.trainable_weights)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    if profile:
        found = profiled_flops(model, x.shape[1:])
        counted = sum(found[name] for name in COUNTED)
        expected = heavy_flops(space, genome)
        # Where TensorFlow adds a bias by a plain addition, or joins two branches by "adding a bias", counts differ
        # by the size of a tensor or two.
        assert abs(expected - counted) <= 0.05 * counted + 2000, (expected, counted, str(genome))
        if counted > 100_000:
            assert abs(expected - counted) <= 0.05 * counted, (expected, counted, str(genome))


def heavy_flops(space: ImageSpace, genome: Genome) -> int:
    """The space's FLOPs without elementwise work, normalization and global pooling."""
    with only_profiled_layers():
        fresh = Genome.from_json(genome.to_json())  # its genes remember no costs
        return space.cost(fresh).flops - space.input_cost().flops


@pytest.mark.parametrize("name", SPACES)
def test_models_work_and_have_the_predicted_size(name: str) -> None:
    space = SPACES[name]
    genomes = list(bred(space, 9, seed=4))
    for genome in (space.default(), space.smallest(), genomes[-1]):
        check_model(space, genome, profile=name == "digits")


@pytest.mark.slow
@pytest.mark.parametrize("name", ("digits", "colour"))
def test_three_hundred_models_work(name: str) -> None:
    space = SPACES[name]
    genomes = list(bred(space, 3000, seed=1))
    chosen = np.random.default_rng(0).permutation(len(genomes))[:300]
    for index in chosen:
        check_model(space, genomes[index], profile=True)


def test_saved_models_take_raw_input_where_genomes_was_never_imported(tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    x = pictures(COLOUR, 6, rng)
    pool = list(bred(COLOUR, 60, seed=2))
    genome = max(pool, key=lambda g: len({type(gene) for _, gene in g.walk()}))
    model = COLOUR.build(genome, COLOUR.adapt(x, None), seed=1)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import keras, numpy as np, sys; m = keras.models.load_model('model.keras');"
        "np.save('y.npy', m(np.load('x.npy'))); assert 'genomes' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": ""})
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), np.asarray(model(x)), atol=1e-5)


def test_input_is_normalized_inside_the_model() -> None:
    rng = np.random.default_rng(0)
    x = pictures(COLOUR, 50, rng)
    x[..., 1] = 7.0  # never changes: only centred
    state = COLOUR.adapt(x, None)
    model = COLOUR.build(COLOUR.smallest(), state)
    import keras

    layer = next(layer for layer in model.layers if layer.name == "normalize")
    y = np.asarray(keras.Model(model.inputs[0], layer.output)(x))
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), [1, 0, 1], atol=1e-4)


def test_the_global_policy_is_restored_and_the_head_is_float32() -> None:
    import keras

    before = keras.config.dtype_policy().name
    model = DIGITS.build(DIGITS.default(), dtype="mixed_bfloat16", seed=0)
    assert keras.config.dtype_policy().name == before
    policies = {layer.dtype_policy.name for layer in model.layers}
    assert "mixed_bfloat16" in policies
    assert model.layers[-1].dtype_policy.name == "float32"
    assert np.asarray(model(np.zeros((2, 8, 8, 1)))).dtype == np.float32
    broken = Genome([Exploding(innovation=1), GlobalPool(innovation=2)], DIGITS.default().training)
    space = spaces.image((8, 8, 1), classes=10, genes=[Exploding])
    with pytest.raises(GenomeError, match=r"genes\[0\]: Exploding.build failed: ValueError: no"):
        space.build(broken, dtype="mixed_bfloat16")
    assert keras.config.dtype_policy().name == before


def test_equal_phenotypes_and_seeds_give_equal_weights() -> None:
    genome = DIGITS.default()
    spelled = genome.replace(genes=(Dropout(rate=0.0, innovation=77), *genome.genes))
    first, second = DIGITS.build(genome, seed=3), DIGITS.build(spelled, seed=3)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        assert (a == b).all()
    other = DIGITS.build(genome, seed=4).get_weights()
    assert any((a != b).any() for a, b in zip(first.get_weights(), other, strict=True))


def test_every_layer_is_marked_with_its_gene() -> None:
    model = DIGITS.build(DIGITS.default(), DIGITS.adapt(np.ones((2, 8, 8, 1)), None))
    marked = {id(layer) for layer in model.gene_layers.values()}
    with_weights = {id(layer) for layer in model.layers if layer.weights}
    assert with_weights <= marked
    assert {"input.0", "head.0", "1.0.0"} <= set(model.gene_layers)


# -- genes of one's own --------------------------------------------------------------------
class Exploding(Gene):
    """Cannot be built."""

    def build(self, x: Any) -> Any:
        raise ValueError("no")

    def output_shape(self, shape: Any) -> Any:
        return shape

    def cost(self, shape: Any) -> Any:
        from genomes import Cost

        return Cost()


class WrongRank(Exploding):
    """Builds something of another rank than it says."""

    def build(self, x: Any) -> Any:
        import keras

        return keras.layers.GlobalAveragePooling2D()(x)


class Gate(Gene):
    """Says neither shape nor cost."""

    units = Int(2, 16, log=True)
    kind = Choice(["sigmoid", "tanh"])

    def build(self, x: Any) -> Any:
        import keras

        return keras.layers.Multiply()(
            [
                keras.layers.Dense(self.units, activation=self.kind)(x),
                keras.layers.Dense(self.units)(x),
            ]
        )


def test_a_wrong_rank_is_named_with_its_path() -> None:
    space = spaces.image((8, 8, 1), classes=10, genes=[WrongRank])
    block = Residual(innovation=1, body=[Conv(filters=8, innovation=2), WrongRank(innovation=3)])
    genome = Genome([block, Flatten(innovation=4)], DIGITS.default().training)
    space.validate(genome)
    with pytest.raises(GenomeError, match="returned rank 1") as caught:
        space.build(genome)
    assert caught.value.path == "genes[0].body[1]"


def test_a_gene_of_ones_own_takes_part_in_everything() -> None:
    space = spaces.image((8, 8, 1), classes=10, genes=[Gate], domains={"Gate": {"units": Int(4, 8)}})
    rng = np.random.default_rng(0)
    found = [genome for genome in (space.sample(rng) for _ in range(40)) if "Gate" in str(genome)]
    assert found
    assert "Gate.units" in space.feature_names and "Gate" in space.describe()
    genome = found[0]
    for _ in range(15):
        genome = space.mutate(genome, rng)
    child, _ = space.crossover(found[0], genome, rng)
    for one in (found[0], genome, child):
        space.validate(one)
        assert Genome.from_json(one.to_json()) == one
        assert space.build(one).count_params() == space.cost(one).parameters
    assert all(4 <= gene.units <= 8 for _, gene in found[0].walk() if isinstance(gene, Gate))


# -- what is refused -----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"input_shape": (8, 8)}, "input_shape: expected"),
        ({"input_shape": (8, 0, 1)}, "input_shape: expected"),
        ({"input_shape": 8}, "input_shape: expected"),
        ({"input_shape": (8, 8, None)}, "input_shape: expected"),
        ({"classes": None}, "exactly one of classes="),
        ({"classes": 1}, "classes: expected a whole number of 2 or more"),
        ({"labels": 3}, "exactly one of"),
        ({"genes": [int]}, "genes: expected subclasses of Gene"),
        ({"without": ["Convolution"]}, "without: no such genes"),
        ({"without": ["Flatten", "GlobalPool"]}, "one of GlobalPool and Flatten is needed"),
        ({"domains": {"Conv": {"filtres": Int(1, 2)}}}, "no such field"),
        ({"domains": {"Konv": {"filters": Int(1, 2)}}}, "no such gene in this space"),
        ({"domains": {"Conv": {"filters": 3}}}, "expected a domain"),
        ({"domains": {"Dropout": {"rate": Int(0, 3)}}}, r"domains\['Dropout'\]\['rate'\]"),
        ({"parameters": 5}, "smallest genome is not in the space: genome: expected at most 5 parameters, got 20"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(GenomeError, match=words):
        spaces.image(**{"input_shape": (8, 8, 1), "classes": 10, **arguments})


def test_data_of_every_accepted_form() -> None:
    x = np.zeros((5, 8, 8), np.uint8)
    DIGITS.check_data(x, np.arange(5))
    assert DIGITS.prepare(x).shape == (5, 8, 8, 1)
    assert DIGITS.prepare(x).dtype == np.uint8
    assert DIGITS.prepare(x.astype(np.float64)).dtype == np.float32
    DIGITS.check_data(x[..., None], np.eye(10)[:5])


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.zeros((5, 8, 9, 1)), np.arange(5), r"x_train: expected shape \(rows, 8, 8, 1\) or .*got \(5, 8, 9, 1\)"),
        (np.zeros((5, 64)), np.arange(5), r"x_train: expected shape \(rows, 8, 8, 1\)"),
        (np.full((5, 8, 8, 1), np.nan), np.arange(5), "x_train: holds NaN"),
        (np.array([["a"]]), np.arange(5), "x_train: expected numbers"),
        (np.zeros((5, 8, 8, 1)), np.arange(4), "y_train: expected one row per row of x_train, which is 5, got 4"),
        (np.zeros((5, 8, 8, 1)), np.arange(6, 11), "y_train: expected whole numbers 0 to 9"),
    ],
)
def test_wrong_data_are_named(x: np.ndarray, y: np.ndarray, words: str) -> None:
    with pytest.raises(GenomeError, match=words):
        DIGITS.check_data(x, y, "train")


def test_genomes_outside_the_space_are_refused_with_their_path() -> None:
    training = DIGITS.default().training
    reduction = GlobalPool(innovation=9)
    cases = [
        (Genome([Dense(units=32), reduction], training), r"genes\[1\]: GlobalPool may not stand here"),
        (Genome([Conv(filters=8, innovation=1)], training), r"genes\[1\]: stage reduction needs 1"),
        (Genome([Conv(filters=4096), reduction], training), r"genes\[0\]\.filters: expected 8 to 64, got 4096"),
        (Genome([reduction]), "training: expected ImageTraining"),
        (Genome([Residual(body=[Flatten()]), reduction], training), r"genes\[0\]\.body\[0\]: Flatten may not"),
    ]
    for genome, words in cases:
        with pytest.raises(GenomeError, match=words):
            DIGITS.validate(genome)
        repaired = DIGITS.repair(genome, np.random.default_rng(0))
        DIGITS.validate(repaired)
    deep: Gene = Conv(filters=8)
    for _ in range(3):
        deep = Residual(body=[deep])
    with pytest.raises(GenomeError, match="may not stand here .body, 2 blocks deep"):
        DIGITS.validate(Genome([deep, reduction], training))


def test_limits_are_kept_by_repair() -> None:
    space = SPACES["cheap"]
    wide = Genome([Conv(filters=64, kernel=5, innovation=n) for n in range(1, 5)] + [Flatten(innovation=9)])
    wide = wide.replace(training=space.default().training)
    with pytest.raises(GenomeError, match="genome: expected at most 2,000 parameters, got"):
        space.validate(wide)
    repaired = space.repair(wide, np.random.default_rng(0))
    space.validate(repaired)
    assert len(repaired) > 1

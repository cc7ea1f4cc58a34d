"""Spaces for tables, text and time series: valid genomes, exact costs, raw input in the saved model."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from genomes import Float, Gene, Genome, GenomeError, Space, spaces
from genomes.inheritance import inherit, weights_by_mark
from genomes.spaces.columns import Column, infer_columns

pandas = pytest.importorskip("pandas")


def frame(rows: int, rng: np.random.Generator) -> Any:
    table = pandas.DataFrame(
        {
            "age": rng.normal(40, 10, rows),
            "gain/loss": np.where(rng.random(rows) < 0.8, 0, rng.exponential(1e4, rows)),
            "job": rng.choice(["clerk", "cook", "smith", ""], rows),
            "zip": rng.integers(0, 5, rows),
        }
    )
    table.loc[::7, "age"] = np.nan
    table["job"] = table["job"].where(table["job"] != "", None)
    return table


def texts(rows: int, rng: np.random.Generator) -> list[str]:
    words = np.array(["good", "bad", "film,", "The", "plot!", "naïve", "end"])
    return [" ".join(rng.choice(words, int(rng.integers(0, 12)))) for _ in range(rows)]


def series(rows: int, rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.normal(5, 3, (int(rng.integers(2, 13)), 2)) for _ in range(rows)]


TASKS = {
    "binary": {"classes": 2},
    "multiclass": {"classes": 3},
    "multilabel": {"labels": 3},
    "regression": {"outputs": 2},
}
KINDS = ("tabular", "text", "tokens", "timeseries")


def made(kind: str, task: str = "multiclass", rows: int = 60, seed: int = 0) -> tuple[Any, Any, np.ndarray]:
    """A space, raw inputs and targets."""
    rng = np.random.default_rng(seed)
    arguments: dict[str, Any] = TASKS[task]
    if kind == "tabular":
        x: Any = frame(rows, rng)
        space: Any = spaces.tabular(x, categories=["zip"], units=32, **arguments)
    elif kind == "text":
        x, space = texts(rows, rng), spaces.text(length=10, tokens=50, units=16, **arguments)
    elif kind == "tokens":
        x = [rng.integers(1, 20, int(rng.integers(1, 14))) for _ in range(rows)]
        space = spaces.text(length=10, tokens=20, units=16, raw=False, **arguments)
    else:
        x, space = series(rows, rng), spaces.timeseries((12, 2), units=16, **arguments)
    outputs = space.target.outputs
    y = {
        "binary": rng.integers(0, 2, rows),
        "multiclass": rng.integers(0, outputs, rows),
        "multilabel": rng.integers(0, 2, (rows, outputs)),
        "regression": 1000 + 300 * rng.normal(size=(rows, outputs)),
    }[task]
    return space, x, y


def tensors(prepared: Any) -> Any:
    import tensorflow as tf

    if isinstance(prepared, dict):
        return {name: tf.constant(value) for name, value in prepared.items()}
    return tf.constant(prepared)


def breed(space: Any, count: int, rng: np.random.Generator) -> list[Genome]:
    """A third sampled, a third mutated, a third crossed over."""
    found = [space.sample(rng) for _ in range(count // 3 + 1)]
    while len(found) < count:
        first, second = (found[int(i)] for i in rng.integers(len(found), size=2))
        found += [space.mutate(first, rng), space.crossover(first, second, rng)[0]]
    return found[:count]


# -- genomes -----------------------------------------------------------------------------
def check_genomes(kind: str, count: int) -> None:
    space, _, _ = made(kind)
    rng = np.random.default_rng(1)
    for genome in breed(space, count, rng):
        space.validate(genome)
        assert space.cost(genome).parameters > 0
        features = space.features(genome)
        assert features.shape == (len(space.feature_names),) and np.isfinite(features).all()


@pytest.mark.parametrize("kind", KINDS)
def test_genomes_are_valid(kind: str) -> None:
    check_genomes(kind, 150)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_genomes_are_valid(kind: str) -> None:
    check_genomes(kind, 10_000)


@pytest.mark.parametrize("kind", KINDS)
def test_variation_changes_no_parent_and_follows_the_rng(kind: str) -> None:
    space, _, _ = made(kind)
    first, second = space.default(), space.sample(np.random.default_rng(3))
    before = [json.dumps(genome.to_json()) for genome in (first, second)]
    children = [
        (space.mutate(first, np.random.default_rng(n)), *space.crossover(first, second, np.random.default_rng(n)))
        for n in (5, 5)
    ]
    assert children[0] == children[1]
    assert before == [json.dumps(genome.to_json()) for genome in (first, second)]
    assert all(Genome.from_json(json.dumps(child.to_json())) == child for child in children[0])


@pytest.mark.parametrize("kind", KINDS)
def test_spaces_travel_as_json(kind: str) -> None:
    space, x, y = made(kind)
    again = Space.from_json(json.loads(json.dumps(space.to_json())))
    assert type(again) is type(space) and again.fingerprint == space.fingerprint
    assert again.default() == space.default() and again.objective == space.objective
    again.check_data(x, y)
    assert space.describe()


# -- models -------------------------------------------------------------------------------
def check_models(kind: str, count: int, seed: int) -> None:
    """Random models: predicted size, finite, gradients everywhere finite, the encoded twin is the same."""
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    tasks = list(TASKS)
    for number in range(count):
        task = tasks[number % len(tasks)]
        space, x, y = made(kind, task, rows=16, seed=number)
        genome = [space.default(), space.smallest()][number] if number < 2 else breed(space, 3, rng)[-1]
        prepared = space.prepare(x)
        preprocessing = space.adapt(prepared, y)
        encoded = space.encode(prepared, preprocessing)
        model = space.build(genome, preprocessing, seed=number)
        assert model.count_params() == space.cost(genome).parameters, str(genome)
        twin = space.build(genome, preprocessing, seed=number, encoded=True)
        assert [tuple(w.shape) for w in model.weights] == [tuple(w.shape) for w in twin.weights]
        with tf.GradientTape() as tape:
            predictions = twin(encoded, training=True)
            loss = space.loss(genome, preprocessing)
            targets = space.target.prepare(y)
            if space.needs_soft_targets(genome):
                targets = np.eye(space.target.outputs, dtype=np.float32)[targets]
            value = loss(targets, predictions)
        gradients = tape.gradient(value, twin.trainable_weights)
        assert np.isfinite(float(value)) and predictions.dtype == tf.float32
        dense = [tf.convert_to_tensor(g) for g in gradients if g is not None]
        assert dense and all(np.isfinite(np.asarray(g)).all() for g in dense), str(genome)
        model.set_weights(twin.get_weights())
        np.testing.assert_allclose(
            np.asarray(model(tensors(prepared))), np.asarray(twin(encoded)), atol=2e-5, rtol=1e-5
        )
        keras.utils.clear_session(free_memory=False)


@pytest.mark.parametrize("kind", KINDS)
def test_models_have_the_predicted_size_and_a_twin_on_numbers(kind: str) -> None:
    check_models(kind, 4, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_three_hundred_models_work(kind: str) -> None:
    check_models(kind, 300, seed=1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_saved_model_takes_raw_input(kind: str, tmp_path) -> None:
    import keras

    space, x, y = made(kind, "regression")
    prepared = space.prepare(x)
    preprocessing = space.adapt(prepared, y)
    assert all(array.dtype.kind in "fiuSU" for array in preprocessing.values())
    np.savez(tmp_path / "preprocessing.npz", **preprocessing)
    with np.load(tmp_path / "preprocessing.npz", allow_pickle=False) as stored:
        preprocessing = dict(stored)
    twin = space.build(space.default(), preprocessing, seed=1, encoded=True)
    model = space.build(space.default(), preprocessing, seed=2)
    inherit(space.default(), weights_by_mark(twin), space.default(), model)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = np.asarray(twin(space.encode(prepared, preprocessing)))
    np.testing.assert_allclose(np.asarray(loaded(tensors(prepared))), expected, rtol=1e-5)
    # In raw units, although training is on standardized targets.
    assert abs(expected.mean() - 1000) < 1000


def test_mixed_precision_keeps_codes_and_predictions_exact() -> None:
    values = np.array([f"c{i:05d}" for i in range(3000)] * 2)
    space = spaces.tabular([Column("c", "text", 5000)], classes=2)
    prepared = space.prepare({"c": values})
    preprocessing = space.adapt(prepared, None)
    encoded = space.encode(prepared, preprocessing)
    assert len(np.unique(encoded)) == 3000
    genome = Genome([space.smallest().genes[0].replace(embedding=8)], space.smallest().training)
    outputs = [
        np.asarray(space.build(genome, preprocessing, dtype=dtype, seed=1, encoded=True)(encoded))
        for dtype in ("float32", "mixed_float16")
    ]
    assert outputs[1].dtype == np.float32
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-2)


# -- tables -------------------------------------------------------------------------------
def test_kinds_of_columns_are_inferred() -> None:
    table = frame(50, np.random.default_rng(0))
    columns, plain = infer_columns(table, ["zip"])
    assert not plain
    assert [(c.name, c.kind, c.categories, c.missing) for c in columns] == [
        ("age", "numeric", 0, True),
        ("gain/loss", "numeric", 0, False),
        ("job", "text", 3, False),
        ("zip", "integer", 5, False),
    ]
    for same in (
        {name: table[name].to_numpy() for name in table},
        table.astype({"job": "category"}),
        table.convert_dtypes(),
    ):
        assert infer_columns(same, ["zip"])[0] == columns
    structured = np.zeros(4, dtype=[("a", "f4"), ("b", "U3")])
    assert [c.kind for c in infer_columns(structured)[0]] == ["numeric", "text"]
    assert infer_columns(np.zeros((5, 3)))[1] is True
    assert [c.kind for c in infer_columns(np.array([["a", 1.5], ["b", None]], object))[0]] == ["text", "numeric"]


def test_unseen_and_missing_values() -> None:
    space = spaces.tabular(
        {"n": np.array([1.0, 3.0, np.nan]), "c": ["a", "b", "a"], "i": [7, 8, 7]}, outputs=1, categories=["i"]
    )
    training = space.prepare({"n": [1.0, 3.0, np.nan, 1.0], "c": ["a", "b", "a", "b"], "i": [7, 8, 7, 8]})
    preprocessing = space.adapt(training, np.zeros(4))
    given = {"n": [np.nan, 2.0], "c": [None, "zebra"], "i": [np.nan, 99]}
    encoded = space.encode(space.prepare(given), preprocessing)
    # z, quantile position, flag, then codes: 0 missing, 1 unseen.
    np.testing.assert_allclose(encoded[0], [0, 0.5, 1, 0, 0])
    assert encoded[1, 2:].tolist() == [0, 1, 1]
    model = space.build(space.default(), preprocessing, seed=0)
    twin = space.build(space.default(), preprocessing, seed=0, encoded=True)
    twin.set_weights(model.get_weights())
    raw = np.asarray(model(tensors(space.prepare(given))))
    assert np.isfinite(raw).all()
    np.testing.assert_allclose(raw, np.asarray(twin(encoded)), atol=1e-6)
    # Objects, as pandas has them, through Keras' own predict.
    objects = {
        "n": np.array([np.nan, 2.0], np.float32),
        "c": np.array(["", "zebra"], object),
        "i": np.array([-(2**31), 99]),
    }
    np.testing.assert_allclose(model.predict(objects, verbose=0), raw, atol=1e-6)


def test_arrays_without_names_with_integer_categories() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=40), rng.integers(0, 4, 40)])
    x[3, 1] = np.nan
    space = spaces.tabular(x, classes=3, categories=[1])
    prepared = space.prepare(x)
    preprocessing = space.adapt(prepared, rng.integers(0, 3, 40))
    encoded = space.encode(prepared, preprocessing)
    assert encoded[3, -1] == 0 and set(encoded[:, -1]) == {0, 2, 3, 4, 5}
    model = space.build(space.default(), preprocessing, seed=0)
    twin = space.build(space.default(), preprocessing, seed=0, encoded=True)
    twin.set_weights(model.get_weights())
    np.testing.assert_allclose(model.predict(prepared, verbose=0), np.asarray(twin(encoded)), atol=1e-6)


def test_preprocessing_is_learnt_from_what_it_is_given_only() -> None:
    space, x, y = made("tabular")
    prepared = space.prepare(x)
    half = {name: values[:30] for name, values in prepared.items()}
    first = space.adapt(half, y[:30])
    changed = {name: np.concatenate([values[:30], values[:30]]) for name, values in prepared.items()}
    second = space.adapt({name: values[:30] for name, values in changed.items()}, y[:30])
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert space.fingerprint == made("tabular")[0].fingerprint


def test_standardized_loss_of_regression() -> None:
    space, x, y = made("tabular", "regression")
    preprocessing = space.adapt(space.prepare(x), y)
    loss = space.loss(space.default(), preprocessing)
    mean = np.tile(preprocessing["target_mean"], (len(y), 1))
    assert float(loss(y.astype(np.float32), mean)) == pytest.approx(1.0, rel=1e-3)
    assert [metric.name for metric in space.metrics()] == ["rmse", "mae"]


# -- bad input ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: spaces.tabular(np.zeros((4, 2))), "exactly one of classes="),
        (lambda: spaces.tabular(np.zeros(4), classes=2), "columns: expected a data frame"),
        (lambda: spaces.tabular({}, classes=2), "at least one column"),
        (lambda: spaces.tabular(0, classes=2), "columns: expected a whole number of 1 or more, got 0"),
        (lambda: spaces.tabular({"a": "date"}, classes=2), "columns['a']: expected kind"),
        (lambda: spaces.tabular(np.zeros((4, 2)), classes=2, categories=[5]), "'column_5' is no column"),
        (lambda: spaces.tabular(3, classes=2, domains={"Dens": {}}), "domains['Dens']"),
        (lambda: spaces.timeseries((0, 3), classes=2), "input_shape: expected (length, channels), got (0, 3)"),
        (lambda: spaces.timeseries(5, classes=2), "input_shape: expected (length, channels), got 5"),
        (lambda: spaces.text(2, length=0), "length: expected a whole number of 1 or more, got 0"),
        (lambda: spaces.text(2, tokens="many"), "tokens: expected a whole number of 3 or more, got 'many'"),
    ],
)
def test_wrong_arguments_are_named(make, words: str) -> None:
    with pytest.raises(GenomeError) as error:
        make()
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("kind", "x", "words"),
    [
        ("tabular", {"age": [1.0]}, "x_train: column 'gain/loss' is missing; given are ['age']"),
        ("tabular", {"age": ["x"], "gain/loss": [1], "job": ["a"], "zip": [1]}, "x_train['age']: expected numbers"),
        ("tabular", {"age": [1], "gain/loss": [np.inf], "job": ["a"], "zip": [1]}, "x_train['gain/loss']: holds inf"),
        ("tabular", {"age": [1], "gain/loss": [1], "job": ["a"], "zip": [1.5]}, "x_train['zip']: expected whole"),
        ("tabular", {"age": [1, 2], "gain/loss": [1], "job": ["a"], "zip": [1]}, "differ in their number of rows"),
        ("tabular", np.zeros((3, 2)), "x_train: expected a table with the columns"),
        (
            "timeseries",
            np.zeros((3, 13, 2)),
            "x_train: expected numbers of shape (rows, up to 12, 2), got shape (3, 13",
        ),
        ("timeseries", np.full((3, 5, 2), np.inf), "x_train: holds infinite"),
        ("timeseries", [np.zeros((5, 3))], "x_train[0]: expected shape (up to 12, 2), got (5, 3)"),
        ("timeseries", ["abc"], "x_train[0]: expected numbers"),
        ("text", np.zeros(3), "x_train: expected strings of shape (rows,), got shape (3,) of float64"),
        ("text", ["a", 3, "b"], "x_train: expected strings, got 3 of type int"),
        ("tokens", np.array([[1, 20]]), "x_train: expected tokens 0 to 19, got 1 to 20"),
        ("tokens", np.array([[0.5]]), "x_train: expected token numbers"),
        ("tokens", [], "x_train"),
    ],
)
def test_wrong_inputs_are_named(kind: str, x: Any, words: str) -> None:
    space, _, _ = made(kind)
    with pytest.raises(GenomeError) as error:
        space.check_data(x, None)
    assert words in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_targets_are_named(kind: str) -> None:
    space, x, y = made(kind)
    with pytest.raises(GenomeError, match="y_validation: expected 60 rows, one per sample, got 59"):
        space.check_data(x, y[:-1], "validation")
    with pytest.raises(GenomeError, match="y_train: expected whole numbers 0 to 2"):
        space.check_data(x, y + 1)


def test_building_without_preprocessing_says_so() -> None:
    for kind in ("tabular", "text", "timeseries"):
        space, _, _ = made(kind)
        with pytest.raises(GenomeError, match=r"what adapt\(\) found"):
            space.build(space.default())


def test_the_same_rng_gives_the_same_child_in_another_process() -> None:
    code = (
        "import numpy as np\nfrom genomes import spaces\n"
        "space, rng = spaces.timeseries((12, 2), classes=3), np.random.default_rng(3)\n"
        "a, b = space.sample(rng), space.sample(rng)\n"
        "found = [a, b, space.mutate(a, rng), *space.crossover(a, b, rng)]\n"
        "print(space.fingerprint, *(g.key for g in found), *(g.genes[0].innovation for g in found))\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1 and len(said.pop().split()) == 11


class ScaledForTests(Gene):
    """A gene of a user's own."""

    factor = Float(0.5, 2.0)

    def build(self, x: Any) -> Any:
        import keras

        return keras.layers.Rescaling(self.factor)(x)


def test_a_users_gene_takes_part_and_travels_by_reference() -> None:
    space = spaces.tabular(3, classes=2, genes=[ScaledForTests])
    assert space.definitions == (ScaledForTests,)
    assert spaces.tabular(3, classes=2).definitions == ()
    rng = np.random.default_rng(0)
    assert any(isinstance(gene, ScaledForTests) for _ in range(30) for _, gene in space.sample(rng).walk())


@pytest.mark.parametrize("columns", [600, 3000, 20_000])
def test_the_default_genome_of_a_wide_table_fits_its_limit(columns: int) -> None:
    space = spaces.tabular(columns, classes=3)
    cost = space.cost(space.default())
    assert cost.parameters <= space.limits.parameters


def test_a_table_of_very_many_categories_fits_too() -> None:
    space = spaces.tabular([Column(f"c{n}", "text", 1000) for n in range(2500)], classes=2)
    assert space.limits.parameters > 2_000_000
    with pytest.raises(GenomeError, match="at most 1,000 parameters"):
        spaces.tabular([Column(f"c{n}", "text", 1000) for n in range(2500)], classes=2, parameters=1000)

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from genomes import Genome, GenomeError, Space, distance, spaces
from genomes.genes.hyperparameters import values_from_text
from tests.genomes.spaces import hypermodels_for_tests as examples

keras_tuner = pytest.importorskip("keras_tuner")


@pytest.fixture(scope="module")
def loops():
    return spaces.from_hypermodel(examples.loops_and_ifs, builds=40)


@pytest.fixture(scope="module")
def scopes():
    return spaces.from_hypermodel(examples.conditional_scopes, objective="-val_mae", builds=40)


def asked(build, values) -> set[str]:
    """What a function asks for and gets with these values."""
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    build(hp)
    return {p.name for p in hp.space if hp.is_active(p)}


def test_genes_behind_loops_and_ifs_are_found(loops) -> None:
    names = {p.name for p in loops.parameters}
    assert {f"units_{i}" for i in range(4)} <= names
    assert {"layers", "optimizer", "momentum", "rate", "version", "dropout_3", "rate_3"} <= names
    assert "units_3: Int(" in loops.describe() and "where layers is at least 4" in loops.describe()
    assert "where optimizer is sgd" in loops.describe()


def test_values_are_exactly_those_that_the_function_asks_for(loops, scopes) -> None:
    for space, build in ((loops, examples.loops_and_ifs), (scopes, examples.conditional_scopes)):
        rng = np.random.default_rng(0)
        for _ in range(8):
            values = space.values(space.sample(rng))
            assert set(values) == asked(build, values)


def test_default_is_the_default_of_keras_tuner(loops, scopes) -> None:
    for space, build in ((loops, examples.loops_and_ifs), (scopes, examples.conditional_scopes)):
        hp = keras_tuner.HyperParameters()
        build(hp)
        assert space.values(space.default()) == hp.values


def test_one_name_under_two_conditions_has_two_domains(scopes) -> None:
    rng = np.random.default_rng(1)
    seen: dict[str, set[int]] = {"deep": set(), "wide": set()}
    for _ in range(200):
        values = scopes.values(scopes.sample(rng))
        if "units" in values:
            seen[values["kind"]].add(values["units"])
    assert seen["deep"] and max(seen["deep"]) <= 6
    assert seen["wide"] and min(seen["wide"]) >= 64


@pytest.mark.parametrize("name", ["loops", "scopes"])
def test_variation_gives_valid_children_and_changes_no_parent(name: str, request) -> None:
    space = request.getfixturevalue(name)
    rng = np.random.default_rng(2)
    population = [space.default(), space.smallest(), *(space.sample(rng) for _ in range(20))]
    before = [json.dumps(g.to_json()) for g in population]
    for _ in range(200):
        first, second = (population[int(i)] for i in rng.integers(len(population), size=2))
        children = [space.mutate(first, rng), *space.crossover(first, second, rng)]
        for child in children:
            space.validate(child)
            assert space.features(child).shape == (len(space.feature_names),)
            assert np.isfinite(space.features(child)).all()
            assert Genome.from_json(json.dumps(child.to_json())) == child
        assert children[0].key != first.key
        assert distance(first, children[0]) > 0
    assert before == [json.dumps(g.to_json()) for g in population]


def test_distance_is_a_metric_here_too(loops) -> None:
    rng = np.random.default_rng(3)
    found = [loops.sample(rng) for _ in range(12)]
    for a in found:
        for b in found:
            assert (distance(a, b) == 0) == (a.key == b.key)
            assert distance(a, b) == distance(b, a)
            assert all(distance(a, b) <= distance(a, c) + distance(c, b) + 1e-12 for c in found)


def test_same_rng_same_child(loops) -> None:
    genome = loops.default()
    assert loops.mutate(genome, np.random.default_rng(4)) == loops.mutate(genome, np.random.default_rng(4))
    twice = [spaces.from_hypermodel(examples.loops_and_ifs, builds=6) for _ in range(2)]
    assert twice[0].fingerprint == twice[1].fingerprint != loops.fingerprint


def test_models_are_built_as_compiled(loops, scopes) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(8, 4)).astype(np.float32)
    for _ in range(3):
        genome = loops.sample(rng)
        values = loops.values(genome)
        model = loops.build(genome, seed=1)
        assert model(x).shape == (8, 3)
        optimizer = loops.optimizer(genome)
        assert type(optimizer).__name__.lower() == values["optimizer"]
        assert float(optimizer.learning_rate) == pytest.approx(values["rate"])
        assert not optimizer.built
        y = rng.integers(0, 3, 8)
        assert np.isfinite(float(loops.loss(genome)(y, model(x))))
        (accuracy,) = loops.metrics()
        assert accuracy.name == "accuracy"
        accuracy.update_state(y, model(x))
        assert float(accuracy.result()) == pytest.approx(np.mean(np.argmax(np.asarray(model(x)), 1) == y))
        assert len(model.gene_layers) == len(model.layers)
    model = scopes.build(scopes.default(), seed=1)
    assert [metric.name for metric in scopes.metrics()] == ["mae", "root_mean_squared_error"]
    assert scopes.objective == "-val_mae"
    same = [loops.build(loops.default(), seed=3).get_weights()[0] for _ in range(2)]
    np.testing.assert_array_equal(*same)


def test_rates_do_not_depend_on_where_a_trial_begins(loops) -> None:
    genome = loops.default()
    whole = loops.learning_rates(genome, 0, 4, False, 5)
    parts = [loops.learning_rates(genome, a, a + 2, False, 5) for a in (0, 2)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    np.testing.assert_array_equal(loops.learning_rates(genome, 2, 4, True, 5), parts[1])
    asked = spaces.from_hypermodel(loops.hypermodel, builds=1, falling_rate=True)
    assert Space.from_json(json.loads(json.dumps(asked.to_json()))).to_json() == asked.to_json()
    falling = asked.learning_rates(asked.default(), 2, 4, True, 5)
    assert (np.diff(falling) < 0).all() and falling.shape == (10,) and falling[-1] > 0


def test_json_names_the_function_and_imports_nothing(loops, tmp_path: Path) -> None:
    written = json.loads(json.dumps(loops.to_json()))
    again = Space.from_json(written)
    assert again.fingerprint == loops.fingerprint
    assert again.default() == loops.default()
    (tmp_path / "space.json").write_text(json.dumps(written))
    (tmp_path / "definitions").write_bytes(pickle.dumps(loops.definitions))
    code = (
        "import json, pickle, sys\n"
        "from genomes import Space, GenomeError\n"
        "json = json.load(open(sys.argv[1] + '/space.json'))\n"
        "try:\n    Space.from_json(json)\n"
        "except GenomeError as error:\n    print('hypermodels_for_tests' in sys.modules, error)\n"
        "pickle.load(open(sys.argv[1] + '/definitions', 'rb'))\n"
        "print(Space.from_json(json).default().key)\n"
    )
    path = [str(Path(__file__).parent), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(path)},
    )
    refused, key = done.stdout.strip().splitlines()
    assert refused.startswith("False") and "nothing is imported because a file names it" in refused
    assert key == loops.default().key


def test_hypermodel_classes_are_read(loops) -> None:
    class Model(keras_tuner.HyperModel):
        def build(self, hp):
            return examples.loops_and_ifs(hp)

    space = spaces.from_hypermodel(Model(), builds=1)
    assert space.default() == loops.default()
    assert {p.name for p in space.parameters} < {p.name for p in loops.parameters}
    # What exploration did not find is at its default, so that any genome can be built.
    model = space.build(space.genome({**space.values(space.default()), "layers": 3}))
    assert len(model.layers) >= 4


def test_keras_tuners_own_hypermodels() -> None:
    hypermodel = keras_tuner.applications.HyperXception(input_shape=(32, 32, 3), classes=3)
    space = spaces.from_hypermodel(hypermodel, builds=1)
    assert {"sep_num_filters", "num_residual_blocks"} <= {p.name for p in space.parameters}
    smallest = space.smallest()
    model = space.build(smallest, seed=0)
    assert model(np.zeros((2, 32, 32, 3), np.float32)).shape == (2, 3)
    assert space.metrics()[0].name == "accuracy"


@pytest.mark.slow
def test_keras_tuners_residual_net() -> None:
    resnet = spaces.from_hypermodel(keras_tuner.applications.HyperResNet(input_shape=(32, 32, 3), classes=3), builds=1)
    assert {"version", "conv3_depth", "optimizer"} <= {p.name for p in resnet.parameters}
    assert resnet.size() is not None


def test_mistakes_are_named(loops) -> None:
    with pytest.raises(GenomeError, match="failed with default values: RuntimeError: no data"):
        spaces.from_hypermodel(examples.failing)
    with pytest.raises(GenomeError, match="expected a function of hp"):
        spaces.from_hypermodel(3)
    with pytest.raises(GenomeError, match="builds: expected a whole number of 1 or more, got 0"):
        spaces.from_hypermodel(examples.loops_and_ifs, builds=0)
    space = spaces.from_hypermodel(examples.not_compiled)
    with pytest.raises(GenomeError, match="must return a compiled model"):
        space.loss(space.default())
    genome = loops.default()
    wrong = genome.genes[0].replace(chosen='{"layers":9}')
    with pytest.raises(GenomeError, match="layers: expected 1 to 4, got 9"):
        loops.validate(Genome([wrong]))
    with pytest.raises(GenomeError, match="units_7: no such hyperparameter"):
        loops.validate(Genome([genome.genes[0].replace(chosen='{"units_7":9}')]))
    for hostile in ('{"a":[1]}', "[1]", "{", '{"a":NaN}', "[" * 10_000, "x" * 10**6):
        with pytest.raises(GenomeError):
            values_from_text(hostile)


def test_a_fit_of_ones_own_does_not_hide_that_models_wait_for_their_inputs() -> None:
    class Looping(keras_tuner.HyperModel):
        def build(self, hp):
            import keras

            model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(hp.Int("units", 2, 8))])
            model.compile("adam", "mse")
            return model

        def fit(self, hp, model, x, y, **kwargs):
            for batch in np.array_split(np.arange(len(x)), max(1, len(x) // hp.Choice("batch", [32, 64]))):
                model.train_on_batch(x[batch], y[batch])  # builds the model when hyperparameters are looked for
            return 1.0

    space = spaces.from_hypermodel(Looping()).with_inputs(np.zeros((4, 8, 3), np.float32))
    assert space.build(space.default()).built

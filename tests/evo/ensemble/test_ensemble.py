"""The ensemble of trained models: predicting, shipping, and what goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from evo.ensemble import Ensemble, EnsembleWarning, LibraryModel, Member, build
from evo.ensemble.stacking import fit_stacker
from evo.errors import EnsembleError
from genomes.targets import as_target


def make_net(outputs, activation, seed, features=6):
    import keras

    keras.utils.set_random_seed(seed)
    inputs = keras.Input((features,), name="raw")
    normalize = keras.layers.Normalization(name="normalize")
    normalize.adapt(np.random.default_rng(0).normal(3, 2, size=(50, features)))
    x = keras.layers.Dense(5 + seed, activation="relu", name="hidden")(normalize(inputs))
    x = keras.layers.BatchNormalization(name="norm")(x)
    return keras.Model(inputs, keras.layers.Dense(outputs, activation=activation, name="head")(x), name="net")


HEADS = {"binary": (1, "sigmoid"), "multiclass": (3, "softmax"), "multilabel": (2, "sigmoid"), "regression": (1, None)}


@pytest.fixture(scope="module")
def nets():
    made = {}

    def of(task, count=3):
        if task not in made:
            made[task] = [make_net(*HEADS[task], seed) for seed in range(count)]
        return made[task]

    return of


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(1).normal(3, 2, size=(40, 6)).astype(np.float32)


def targets_of(task, rows, seed=0):
    random = np.random.default_rng(seed)
    if task == "regression":
        return random.normal(size=rows)
    return random.integers(0, 3 if task == "multiclass" else 2, (rows, 2) if task == "multilabel" else rows)


@pytest.mark.parametrize("task", HEADS)
def test_it_predicts_what_its_members_mean(nets, x, task):
    ensemble = Ensemble(nets(task), [1, 2, 5], task=task)
    expected = np.average([m.predict(x, verbose=0) for m in nets(task)], axis=0, weights=[1, 2, 5])
    assert ensemble.weights.tolist() == [0.125, 0.25, 0.625]
    assert np.allclose(ensemble.outputs(x), expected, atol=1e-6)
    assert np.allclose(np.asarray(ensemble.as_keras()(x)), expected, atol=1e-6)
    y = targets_of(task, len(x))
    scores = ensemble.evaluate(x, y)
    if task == "regression":
        assert ensemble.predict(x).shape == (40,)
        assert scores["rmse"] == pytest.approx(np.sqrt(np.mean((expected[:, 0] - y) ** 2)), rel=1e-5)
        with pytest.raises(EnsembleError, match="no probabilities"):
            ensemble.predict_proba(x)
        return
    labels = ensemble.predict(x)
    wanted = {
        "multiclass": lambda: expected.argmax(axis=1),
        "binary": lambda: (expected[:, 0] > 0.5).astype(int),
        "multilabel": lambda: (expected > 0.5).astype(int),
    }[task]()
    assert np.array_equal(labels, wanted)
    assert scores["accuracy"] == pytest.approx(np.mean(labels == y))
    if task != "multilabel":
        assert np.allclose(ensemble.predict_proba(x).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("task", HEADS)
def test_the_keras_model_pools_as_the_ensemble_does_in_every_way(nets, x, task, tmp_path):
    import keras

    outputs = [m.predict(x, verbose=0) for m in nets(task)]
    stacker = fit_stacker(
        outputs,
        targets_of(task, len(x)) if task == "multiclass" else targets_of(task, len(x)).reshape(len(x), -1),
        task,
    )
    temperature = 1.0 if task == "regression" else 0.7
    ways = [
        Ensemble(nets(task), [0.2, 0.3, 0.5], task=task, pooling=pooling, temperature=temperature)
        for pooling in as_target(task).poolings
    ]
    ways.append(Ensemble(nets(task), task=task, stacker=stacker))
    if task == "regression":
        ways.append(Ensemble(nets(task), task=task, pooling="median"))
    for number, ensemble in enumerate(ways):
        model = ensemble.as_keras()
        pooled = ensemble.outputs(x)
        # eager calls: compiling `predict` for each of them is most of the time
        assert np.allclose(np.asarray(model(x)), pooled, rtol=1e-5 if ensemble.stacker else 1e-6, atol=1e-6)
        if number != 0:
            model.save(tmp_path / "pooled.keras")
            again = keras.saving.load_model(tmp_path / "pooled.keras")
            assert np.array_equal(np.asarray(again(x)), np.asarray(model(x)))
        if number == 1 + (task == "binary"):
            ensemble.save(tmp_path / "saved.ensemble")
            loaded = Ensemble.load(tmp_path / "saved.ensemble")
            assert loaded.outputs(x).tobytes() == pooled.tobytes()
            assert loaded.weights.tobytes() == ensemble.weights.tobytes()


def test_the_keras_model_trains_further_without_touching_the_members(nets, x, tmp_path):
    before = [w.copy() for w in nets("multiclass")[0].get_weights()]
    model = Ensemble(nets("multiclass"), task="multiclass", pooling="geometric").as_keras()
    model.compile("adam", "sparse_categorical_crossentropy")
    y = targets_of("multiclass", len(x))
    first = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(x, y, verbose=0) < first
    assert all(np.array_equal(a, b) for a, b in zip(before, nets("multiclass")[0].get_weights(), strict=True))
    assert nets("multiclass")[0].name == "net"


def test_it_exports_a_saved_model_that_answers_the_same(nets, x, tmp_path):
    import tensorflow as tf

    model = Ensemble(nets("multiclass"), [0.5, 0.3, 0.2], task="multiclass", temperature=1.3).as_keras()
    model.export(tmp_path / "served", verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "served"))
    served = loaded.serve(tf.constant(x)).numpy()
    assert np.allclose(served, model.predict(x, verbose=0), atol=1e-6)


def test_it_exports_litert_that_answers_the_same(nets, x, tmp_path):
    import tensorflow as tf

    model = Ensemble(nets("multiclass"), [0.5, 0.3, 0.2], task="multiclass", temperature=1.3).as_keras()
    model.export(tmp_path / "small.tflite", format="litert", verbose=False)
    run = tf.lite.Interpreter(str(tmp_path / "small.tflite")).get_signature_runner()
    (name,) = run.get_input_details()
    (answers,) = run(**{name: x}).values()
    assert np.allclose(answers, model.predict(x, verbose=0), atol=1e-6)


def test_it_exports_onnx_that_answers_the_same(nets, x, tmp_path):
    pytest.importorskip("tf2onnx")  # which Keras' own export needs
    runtime = pytest.importorskip("onnxruntime")
    model = Ensemble(nets("multiclass"), [0.5, 0.3, 0.2], task="multiclass", temperature=1.3).as_keras()
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    (answers,) = session.run(None, {session.get_inputs()[0].name: x})
    assert np.allclose(answers, model.predict(x, verbose=0), atol=1e-6)


def test_many_members_give_no_warning_of_tensorflow(x, caplog):
    members = [make_net(3, "softmax", seed) for seed in range(7)]
    Ensemble(members, task="multiclass").outputs(x)
    assert "retracing" not in caplog.text


def chosen(nets, x, task="multiclass", **options):
    y = targets_of(task, len(x))
    candidates = [
        LibraryModel(
            n * 10,
            m.predict(x, verbose=0),
            {"val_accuracy": 0.5 + n / 10},
            m.count_params(),
            load=lambda m=m: m,
            data="d",
        )
        for n, m in enumerate(nets(task))
    ]
    options = {"confidence": None, "method": "average", "rng": np.random.default_rng(0), **options}
    return candidates, y, options


def test_a_file_loads_in_a_process_that_knows_nothing_and_predicts_the_same_bytes(nets, x, tmp_path):
    candidates, y, options = chosen(nets, x)
    ensemble = Ensemble.select(candidates, y, "multiclass", 3, **options)
    ensemble.save(tmp_path / "a.ensemble")
    np.save(tmp_path / "x.npy", x)
    script = (
        "import sys, numpy as np; from evo.ensemble import Ensemble\n"
        "assert 'keras' not in sys.modules and 'tensorflow' not in sys.modules\n"
        f"e = Ensemble.load({str(tmp_path / 'a.ensemble')!r})\n"
        f"np.save({str(tmp_path / 'p.npy')!r}, e.outputs(np.load({str(tmp_path / 'x.npy')!r})))\n"
        "print(sorted(m.number for m in e.members), e.diversity()['members'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "p.npy").tobytes() == ensemble.outputs(x).tobytes()
    assert done.stdout.startswith("[0, 10, 20]")
    loaded = Ensemble.load(tmp_path / "a.ensemble")
    assert loaded.diversity() == ensemble.diversity()
    assert loaded.report == json.loads(json.dumps(ensemble.report))
    assert [m.scores for m in loaded.members] == [m.scores for m in ensemble.members]


def test_diversity_on_validation_data_and_on_other_data(nets, x):
    candidates, y, options = chosen(nets, x)
    ensemble = Ensemble.select(candidates, y, "multiclass", 3, **options)
    stored = ensemble.diversity()
    measured = ensemble.diversity(x, y)
    assert stored["pairs"].keys() == measured["pairs"].keys() == {"disagreement", "q_statistic", "error_correlation"}
    assert np.allclose(stored["pairs"]["disagreement"], measured["pairs"]["disagreement"])
    assert stored["ambiguity"] >= 0
    with pytest.raises(EnsembleError, match="both x and y"):
        ensemble.diversity(x)
    with pytest.raises(EnsembleError, match="no validation predictions"):
        Ensemble(nets("multiclass"), task="multiclass").diversity()


def test_a_member_whose_weights_are_gone_is_replaced_with_a_warning(nets, x):
    candidates, y, options = chosen(nets, x)

    def gone():
        raise FileNotFoundError("state-10.h5")

    object.__setattr__(candidates[1], "load", gone)
    with pytest.warns(EnsembleWarning, match="member 10.*state-10.h5"):
        ensemble = Ensemble.select(candidates, y, "multiclass", 3, **options)
    assert sorted(m.number for m in ensemble.members) == [0, 20]
    assert any("state-10.h5" in note for note in ensemble.report["notes"])
    with pytest.raises(EnsembleError, match=r"member 10.*state-10\.h5"):
        Ensemble.from_selection(build(candidates, y, "multiclass", 3, **options)).outputs(x)
    for candidate in candidates:
        object.__setattr__(candidate, "load", gone)
    with pytest.raises(EnsembleError, match="none of 3"), pytest.warns(EnsembleWarning):
        Ensemble.select(candidates, y, "multiclass", 3, **options)


def test_members_of_other_classes_are_refused(nets, x):
    with pytest.raises(EnsembleError, match="other classes"):
        Ensemble([nets("multiclass")[0], make_net(4, "softmax", 9)], task="multiclass").outputs(x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"members": []}, "members"),
        ({"weights": [1, 2]}, "weights"),
        ({"weights": [1, -2, 3]}, "weights"),
        ({"weights": [0, 0, 0]}, "weights"),
        ({"weights": [1, np.nan, 3]}, "weights"),
        ({"task": "dance"}, "task"),
        ({"pooling": "median"}, "pooling"),
        ({"temperature": 0}, "temperature"),
        ({"members": [1, 2, 3]}, "members"),
    ],
)
def test_a_wrong_argument_is_named(nets, arguments, message):
    with pytest.raises(EnsembleError, match=message):
        Ensemble(**{"members": nets("multiclass"), "task": "multiclass", **arguments})


def test_wrong_labels_are_named(nets, x):
    ensemble = Ensemble(nets("multiclass"), task="multiclass")
    with pytest.raises(EnsembleError, match=r"labels must lie in 0 \.\. 2"):
        ensemble.evaluate(x, np.full(len(x), 3))
    with pytest.raises(EnsembleError, match="39 rows"):
        ensemble.evaluate(x, np.zeros(39))


def test_a_corrupt_file_is_a_clear_error(nets, tmp_path):
    path = tmp_path / "e.ensemble"
    with pytest.raises(EnsembleError, match="no file"):
        Ensemble.load(path)
    Ensemble(nets("multiclass"), task="multiclass").save(path)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(25):
        damaged = bytearray(whole)
        if random.random() < 0.5:
            damaged = damaged[: random.integers(0, len(whole))]
        else:
            at = int(random.integers(0, len(whole)))
            damaged[at] ^= 0xFF
        path.write_bytes(damaged)
        try:
            Ensemble.load(path)
        except EnsembleError:
            continue
        # some bytes of a zip archive (dates, say) mean nothing: then all is as it was
    path.write_bytes(b"not a zip")
    with pytest.raises(EnsembleError, match="damaged or no ensemble"):
        Ensemble.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ensemble.json", json.dumps({"format": "evo.ensemble", "version": 99}))
    with pytest.raises(EnsembleError, match="version 99"):
        Ensemble.load(path)
    with pytest.raises(EnsembleError, match="cannot be written"):
        Ensemble(nets("multiclass"), task="multiclass").save(tmp_path / "no" / "such" / "folder")


def test_a_table_with_texts_goes_in_as_the_user_has_it(tmp_path):
    """A DataFrame in, the space brings it into the models' form; also after loading, and in the Keras model."""
    import pandas as pd
    import tensorflow as tf

    from evo.ensemble import fit_trees
    from genomes import spaces

    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": random.integers(18, 80, 60).astype(float),
            "work": random.choice(["farm", "shop", None], 60),
            "hours": random.normal(40, 8, 60),
        }
    )
    y = random.integers(0, 2, 60)
    space = spaces.tabular(frame, classes=2)
    prepared = space.prepare(frame)
    state = space.adapt(prepared, y)
    nets = [space.build(space.default(), state, seed=seed) for seed in range(2)]
    only_nets = Ensemble(nets, task="binary", space=space)
    outputs = only_nets.outputs(frame)
    assert outputs.shape == (60, 1) and np.ptp(outputs) > 0
    tensors = {k: tf.constant(v.astype(object)) if v.dtype.kind == "U" else v for k, v in prepared.items()}
    assert np.allclose(only_nets.as_keras().predict(tensors, verbose=0), outputs, atol=1e-6)
    trees = fit_trees(prepared, y, "binary", settings={"max_iter": 10, "early_stopping": False})
    mixed = Ensemble([*nets, Member(trees, -1, kind="trees")], task="binary", space=space)
    mixed.save(tmp_path / "table.ensemble")
    loaded = Ensemble.load(tmp_path / "table.ensemble")
    assert loaded.predict_proba(frame).tobytes() == mixed.predict_proba(frame).tobytes()
    assert only_nets.distill(frame, y, epochs=1).count_params() == nets[0].count_params()

"""An ensemble from a stranger: refused by EnsembleError, with nothing run, written or read elsewhere."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from evo.ensemble.keras_archive import check_keras_archive, check_keras_size
from evo.errors import EnsembleError


def saved(tmp_path: Path) -> bytes:
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, "softmax", kernel_regularizer="l2")])
    model.save(tmp_path / "model.keras")
    content = (tmp_path / "model.keras").read_bytes()
    from evo.ensemble.reproducible import keras_archive

    return keras_archive(content)


def rebuilt(content: bytes, changes: dict[str, bytes | None], compress: int = zipfile.ZIP_STORED) -> bytes:
    """The archive with some entries replaced, added or (None) removed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", compress) as new:
        for name in old.namelist():
            if name not in changes:
                new.writestr(name, old.read(name))
        for name, value in changes.items():
            if value is not None:
                new.writestr(name, value)
    return buffer.getvalue()


def with_config(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        config = json.loads(archive.read("config.json"))
    change(config["config"]["layers"][1])
    return rebuilt(content, {"config.json": json.dumps(config).encode()})


def replaced(**entries: Any) -> Callable[[dict[str, Any]], None]:
    return lambda layer: layer.update(entries)


def test_what_evo_writes_is_read(tmp_path: Path) -> None:
    content = saved(tmp_path)
    check_keras_archive(content, None)
    (tmp_path / "again.keras").write_bytes(content)
    assert keras.saving.load_model(tmp_path / "again.keras", compile=False).count_params() == 8


@pytest.mark.parametrize(
    "change",
    [
        replaced(module="os", class_name="system", registered_name=None),
        replaced(module="subprocess", class_name="Popen", registered_name="Popen"),
        replaced(module="keras.layers", class_name="Lambda", registered_name=None),
        replaced(module="keras.layers", class_name="TFSMLayer", registered_name=None, config={"filepath": "gs://x/y"}),
        replaced(module="keras.layers", class_name="TorchModuleWrapper", registered_name=None),
        replaced(module="keras.layers", class_name="JaxLayer", registered_name=None),
        replaced(module="keras.src.export.tfsm_layer", class_name="TFSMLayer", registered_name=None),
        replaced(module="antigravity", class_name="known>Dense", registered_name="unknown>Dense"),
        replaced(module="keras.utils", class_name="get_file", registered_name=None),
        replaced(module="keras.src.utils.file_utils", class_name="get_file", registered_name=None),
        replaced(module="keras.config", class_name="enable_unsafe_deserialization", registered_name=None),
        replaced(module="keras.src.saving.serialization_lib", class_name="x", registered_name=None),
        replaced(module=None, class_name="eval", registered_name=None),
        replaced(module="builtins", class_name="eval", registered_name=None),
        replaced(module=["keras"], class_name="Dense"),
        replaced(class_name={"a": 1}),
        replaced(class_name="__lambda__", config={"value": "x"}),
        replaced(class_name="__typespec__", module="os", spec_name="system", config=["touch x"]),
        lambda layer: layer["config"].update(
            activation={"class_name": "function", "config": "system", "module": "os", "registered_name": "system"}
        ),
        lambda layer: layer["config"].update(vocabulary="/etc/passwd"),
    ],
)
def test_a_configuration_that_reaches_out_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(EnsembleError):
        check_keras_archive(with_config(saved(tmp_path), change), None)


def hdf5(fill: Callable[[h5py.File], None]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("changes", "compress"),
    [
        ({"../../evil.py": b"x"}, zipfile.ZIP_STORED),
        ({"/tmp/evil.py": b"x"}, zipfile.ZIP_STORED),
        ({"assets/../../evil.py": b"x"}, zipfile.ZIP_STORED),
        ({"assets\\..\\..\\evil.py": b"x"}, zipfile.ZIP_STORED),
        ({"evil.py": b"x"}, zipfile.ZIP_STORED),
        ({"assets/bomb": bytes(10**6)}, zipfile.ZIP_DEFLATED),
        ({"config.json": b"[" * 100_000}, zipfile.ZIP_STORED),
        ({"config.json": b'{"class_name": "a", "class_name": "b"}'}, zipfile.ZIP_STORED),
        ({"config.json": b"\xff\xfe"}, zipfile.ZIP_STORED),
        ({"model.weights.h5": b"not HDF5"}, zipfile.ZIP_STORED),
        ({"model.weights.h5": hdf5(lambda f: f.update({"x": h5py.ExternalLink("/etc/passwd", "/")}))}, 0),
        ({"model.weights.h5": hdf5(lambda f: f.create_dataset("x", (10**9,), "f4") and None)}, 0),
    ],
)
def test_an_archive_that_reaches_out_is_refused(tmp_path: Path, changes: dict[str, bytes], compress: int) -> None:
    with pytest.raises(EnsembleError):
        check_keras_archive(rebuilt(saved(tmp_path), changes, compress), None)


def test_a_class_of_ones_own_is_read_where_it_is_registered(tmp_path: Path) -> None:
    change = replaced(module="mine", class_name="Mine", registered_name="here>Mine")
    content = with_config(saved(tmp_path), change)
    with pytest.raises(EnsembleError, match="import the module"):
        check_keras_archive(content, None)
    check_keras_archive(content, {"here>Mine": keras.layers.Dense})


def test_a_registered_name_opens_the_door_for_no_other_module(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable("known")
    class Layer(keras.layers.Dense):
        pass

    change = replaced(module="antigravity", class_name="known>Layer", registered_name="unknown>Layer")
    with pytest.raises(EnsembleError, match="neither Keras' nor registered"):
        check_keras_archive(with_config(saved(tmp_path), change), None)
    check_keras_archive(with_config(saved(tmp_path), replaced(module="mine", registered_name="known>Layer")), None)


def test_a_model_that_declares_more_weights_than_its_file_holds_is_refused_before_they_are_made(tmp_path: Path) -> None:
    content = saved(tmp_path)
    check_keras_size(content, None)

    def grown(layer: dict[str, Any]) -> None:
        layer["config"]["units"] = 10**12

    with pytest.raises(EnsembleError, match="a Keras model of 4,000,000,000,000 weights in a file of"):
        check_keras_size(with_config(content, grown), None)
    keras.layers.Dense(2)(keras.Input((3,)))  # nothing of it waits to be made


@pytest.fixture(scope="module")
def ensemble_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An ensemble of one small net, as it is stored."""
    from evo.ensemble import Ensemble, Member

    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, "softmax")])
    folder = tmp_path_factory.mktemp("ensemble")
    Ensemble([Member(model, 0)], task="multiclass").save(folder / "e.ensemble")
    return (folder / "e.ensemble").read_bytes()


def changed(content: bytes, path: list[Any], value: Any) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        manifest = json.loads(archive.read("ensemble.json"))
    whole = copy.deepcopy(manifest)
    place = whole
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return rebuilt(content, {"ensemble.json": json.dumps(whole).encode()})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["version"], "1"), (["version"], True), (["version"], 0), (["members"], {}), (["members"], []),
        (["members", 0, "file"], "../../etc/passwd"), (["members", 0, "file"], "ensemble.json"),
        (["members", 0, "kind"], "pickle"), (["members", 0, "number"], "0"), (["members", 0, "number"], None),
        (["members", 0, "weight"], "heavy"), (["members", 0, "weight"], float("nan")), (["members", 0, "scores"], [1]),
        (["members", 0, "scores"], {"a": {}}), (["members", 0, "parameters"], "many"), (["pooling"], 3),
        (["temperature"], []), (["temperature"], float("nan")), (["report"], 7), (["diversity"], 7),
        (["stacker"], {"coefficients": "x", "intercept": 1}), (["task"], {"a": 1}), (["space"], [1]),
    ],
)  # fmt: skip
def test_a_manifest_of_other_types_is_refused(
    tmp_path: Path, ensemble_file: bytes, path: list[Any], value: Any
) -> None:
    from evo import Ensemble

    file = tmp_path / "e.ensemble"
    file.write_bytes(changed(ensemble_file, path, value))
    if path == ["space"]:
        Ensemble.load(file)  # a space that is not known here is no reason not to predict
        return
    with pytest.raises(EnsembleError):
        Ensemble.load(file)


def test_a_member_with_the_right_checksum_and_another_class_is_refused(tmp_path: Path, ensemble_file: bytes) -> None:
    from evo import Ensemble

    with zipfile.ZipFile(io.BytesIO(ensemble_file)) as archive:
        member = archive.read("members/0.keras")
    hostile = with_config(member, replaced(module="os", class_name="system", registered_name=None))
    forged = changed(ensemble_file, ["members", 0, "sha256"], hashlib.sha256(hostile).hexdigest())
    (tmp_path / "e.ensemble").write_bytes(rebuilt(forged, {"members/0.keras": hostile}))
    with pytest.raises(EnsembleError, match="neither Keras' nor registered"):
        Ensemble.load(tmp_path / "e.ensemble")
    (tmp_path / "e.ensemble").write_bytes(ensemble_file)
    assert Ensemble.load(tmp_path / "e.ensemble").predict(np.zeros((2, 3), np.float32)).shape[0] == 2

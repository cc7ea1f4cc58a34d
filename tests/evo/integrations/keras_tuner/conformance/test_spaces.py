"""What KerasTuner's tests expect of spaces that are searched; docs/keras-tuner-conformance.md lists them."""

from __future__ import annotations

import itertools
import zlib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras_tuner")

import keras
import keras_tuner

from evo.integrations.keras_tuner import EvolutionTuner

tuners = pytest.mark.parametrize("kind", [keras_tuner.RandomSearch, EvolutionTuner])


class Described(keras_tuner.HyperModel):  # type: ignore[misc]
    """A space without a model worth training: ``ask`` is what ``build`` asks, ``ask_fit`` what ``fit`` asks."""

    def __init__(self, ask: Any, ask_fit: Any = None) -> None:
        super().__init__()
        self.ask, self.ask_fit = ask, ask_fit

    def build(self, hp: Any) -> Any:
        self.ask(hp)
        return keras.Sequential()

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> float:
        if self.ask_fit is not None:
            self.ask_fit(hp)
        return float(zlib.crc32(str(sorted(hp.values.items())).encode()) % 7)


def tuner_of(kind: Any, directory: Path, ask: Any, ask_fit: Any = None, **settings: Any) -> Any:
    return kind(Described(ask, ask_fit), **{"max_trials": 60, "seed": 1, "directory": directory} | settings)


def names(tuner: Any) -> set[str]:
    return {hp.name for hp in tuner.oracle.get_space().space}


def tried(tuner: Any) -> list[dict[str, Any]]:
    return [dict(trial.hyperparameters.values) for trial in tuner.oracle.trials.values()]


def test_a_small_space_is_tried_completely(tmp_path: Path) -> None:
    domains: dict[str, list[Any]] = {"first": [2, 4], "dropout": [False, True], "second": [1, 3], "by": ["a", "b", "c"]}

    def ask(hp: Any) -> None:
        for name, values in domains.items():
            hp.Boolean(name) if name == "dropout" else hp.Choice(name, values)
        hp.Fixed("loss", "crossentropy")

    expected = [
        dict(zip(domains, values, strict=True)) | {"loss": "crossentropy"}
        for values in itertools.product(*domains.values())
    ]
    counts = []
    for kind in (keras_tuner.GridSearch, keras_tuner.RandomSearch, EvolutionTuner):
        tuner = tuner_of(kind, tmp_path / kind.__name__, ask)
        tuner.search(verbose=0)
        found = tried(tuner)
        assert all(values in expected for values in found)
        counts.append(len(found))
    grid, random, ours = counts
    assert grid == ours == len(expected) == 24 and random <= 24


def test_hyperparameters_behind_an_if_are_tried_completely(tmp_path: Path) -> None:
    def ask(hp: Any) -> None:
        hp.Choice("three", [0, 1, 2]) if hp.Boolean("bool") else hp.Choice("other", [3, 4, 5])

    counts = []
    for kind in (keras_tuner.GridSearch, EvolutionTuner):
        tuner = tuner_of(kind, tmp_path / kind.__name__, ask)
        tuner.search(verbose=0)
        counts.append(len(tuner.oracle.trials))
    # KerasTuner also varies "other" where no model asks for it.
    assert counts == [12, 6]


def test_conditional_scopes_are_tried_completely(tmp_path: Path) -> None:
    def ask(hp: Any, suffix: str = "") -> None:
        chosen = hp.Boolean(f"bool{suffix}")
        for value, values in ((True, [1, 2]), (False, [3, 4])):
            with hp.conditional_scope(f"bool{suffix}", [value]):
                if chosen == value:
                    hp.Choice(f"choice{value}{suffix}", values)

    for kind in (keras_tuner.GridSearch, EvolutionTuner):
        tuner = tuner_of(kind, tmp_path / kind.__name__, ask, lambda hp: ask(hp, "2"))
        tuner.search(verbose=0)
        assert len(tuner.oracle.trials) == len({str(sorted(v.items())) for v in tried(tuner)}) == 16


@tuners
def test_hyperparameters_of_fit_join_the_space(tmp_path: Path, kind: Any) -> None:
    tuner = tuner_of(kind, tmp_path, lambda hp: hp.Fixed("fixed", 3), lambda hp: hp.Choice("choice", [0, 1, 2]))
    assert names(tuner) == {"fixed"}
    tuner.search(verbose=0)
    assert names(tuner) == {"fixed", "choice"}
    assert sorted(values["choice"] for values in tried(tuner)) == [0, 1, 2]


@tuners
def test_layers_that_a_trial_reaches_join_the_space(tmp_path: Path, kind: Any) -> None:
    def ask(hp: Any) -> None:
        for number in range(hp.Int("layers", 0, 2)):
            hp.Int(f"units_{number}", 2, 4, 2)

    tuner = tuner_of(kind, tmp_path, ask, max_trials=7)
    assert names(tuner) == {"layers"}
    tuner.search(verbose=0)
    assert names(tuner) == {"layers", "units_0", "units_1"}


@tuners
def test_every_scope_is_in_the_space_before_the_search(tmp_path: Path, kind: Any) -> None:
    def ask(hp: Any) -> None:
        model = hp.Choice("model", ["cnn", "mlp"])
        for name in ("cnn", "mlp"):
            with hp.conditional_scope("model", [name]):
                if model == name:
                    sub = hp.Choice(f"sub_{name}", ["a", "b"])
                    for letter in "ab":
                        with hp.conditional_scope(f"sub_{name}", [letter]):
                            if sub == letter:
                                hp.Int(f"units_{name}_{letter}", 2, 4)
        more = hp.Boolean("more")
        with hp.conditional_scope("more", [True]):
            if more:
                hp.Int("block", 1, 3)

    tuner = tuner_of(kind, tmp_path, ask)
    expected = {
        "model",
        "sub_cnn",
        "sub_mlp",
        "more",
        "block",
        *(f"units_{m}_{x}" for m in ("cnn", "mlp") for x in "ab"),
    }
    assert names(tuner) == expected
    tuner.oracle.verbose = 0
    values = tuner.oracle.create_trial("tuner").hyperparameters.values
    assert f"sub_{values['model']}" in values and len([name for name in values if name.startswith("units")]) == 1


@tuners
def test_parents_by_argument_and_declared_hyperparameters(tmp_path: Path, kind: Any) -> None:
    class Declared(Described):
        def declare_hyperparameters(self, hp: Any) -> None:
            hp.Boolean("declared")

    def ask(hp: Any) -> None:
        hp.Boolean("parent", default=True)
        hp.Boolean("child", parent_name="parent", parent_values=[False])

    tuner = kind(Declared(ask), max_trials=20, seed=1, directory=tmp_path)
    assert names(tuner) == {"declared", "parent", "child"}
    tuner.search(verbose=0)
    assert all(("child" in values) == (values["parent"] is False) for values in tried(tuner))


def given() -> Any:
    hp = keras_tuner.HyperParameters()
    hp.Int("layers", 1, 3, default=2)
    hp.Choice("rate", [0.01, 0.001])
    hp.Fixed("units_0", 4)
    return hp


def ask_layers(hp: Any) -> None:
    for number in range(hp.Int("layers", 1, 9)):
        hp.Int(f"units_{number}", 5, 9, default=6)
    hp.Choice("rate", [1.0, 2.0])


@tuners
def test_a_closed_space_is_searched_as_it_is_given(tmp_path: Path, kind: Any) -> None:
    def ask(hp: Any) -> None:
        hp.get("layers"), hp.get("rate"), hp.get("units_0")

    hp = given()
    tuner = tuner_of(kind, tmp_path / "fits", ask, hyperparameters=hp, allow_new_entries=False)
    assert tuner.oracle.hyperparameters == hp
    tuner.search(verbose=0)
    assert {(v["layers"], v["rate"]) for v in tried(tuner)} == {(n, r) for n in (1, 2, 3) for r in (0.01, 0.001)}
    with pytest.raises(RuntimeError, match="`allow_new_entries` is `False`"):
        tuner_of(kind, tmp_path / "new", ask_layers, hyperparameters=given(), allow_new_entries=False)


@tuners
def test_only_what_is_given_is_tuned(tmp_path: Path, kind: Any) -> None:
    tuner = tuner_of(kind, tmp_path, ask_layers, hyperparameters=given(), tune_new_entries=False, max_trials=12)
    tuner.search(verbose=0)
    assert names(tuner) == {"layers", "rate", "units_0"}
    if kind is EvolutionTuner:  # theirs does not see that it has tried all of it
        assert len(tuner.oracle.trials) == 6
    for values in tried(tuner):
        assert values["units_0"] == 4 and values["rate"] in (0.01, 0.001)
        assert all(values[f"units_{n}"] == 6 for n in range(1, values["layers"]))


@tuners
def test_given_ranges_replace_those_of_build(tmp_path: Path, kind: Any) -> None:
    tuner = tuner_of(kind, tmp_path, ask_layers, hyperparameters=given(), max_trials=12)
    assert names(tuner) >= {"layers", "rate", "units_0", "units_1"}
    tuner.search(verbose=0)
    assert {v["layers"] for v in tried(tuner)} <= {1, 2, 3} and {v["rate"] for v in tried(tuner)} <= {0.01, 0.001}
    assert {v["units_0"] for v in tried(tuner)} == {4} and len({v.get("units_1") for v in tried(tuner)}) > 2


@tuners
def test_a_hypermodel_that_is_not_tunable_adds_nothing(tmp_path: Path, kind: Any) -> None:
    def ask(hp: Any) -> None:
        with hp.name_scope("inner"):
            hp.Choice("pooling", ["avg", "max"])
            Described(lambda hp: (hp.Choice("pooling", ["avg", "max"]), hp.Int("depth", 1, 9))).build(hp)
        hp.Int("units", 1, 2)

    class Fixed(Described):
        def __init__(self) -> None:
            super().__init__(lambda hp: (hp.Choice("pooling", ["avg", "max"]), hp.Int("depth", 1, 9)))
            self.tunable = False

    def with_fixed(hp: Any) -> None:
        with hp.name_scope("inner"):
            hp.Choice("pooling", ["avg", "max"])
            Fixed().build(hp)
        hp.Int("units", 1, 2)

    assert names(tuner_of(kind, tmp_path / "tunable", ask)) == {"inner/pooling", "inner/depth", "units"}
    tuner = tuner_of(kind, tmp_path / "fixed", with_fixed)
    tuner.search(verbose=0)
    assert names(tuner) == {"inner/pooling", "units"} and len(tuner.oracle.trials) == 4


@tuners
def test_an_int_and_a_float_without_a_step_are_within_their_ranges(tmp_path: Path, kind: Any) -> None:
    def ask(hp: Any) -> None:
        hp.Int("int", 1, 5)
        hp.Float("float", 1, 2)
        hp.Float("rate", 1e-4, 1e-1, sampling="log")

    tuner = tuner_of(kind, tmp_path, ask, max_trials=20)
    tuner.search(verbose=0)
    values = tried(tuner)
    assert {v["int"] for v in values} <= {1, 2, 3, 4, 5} and all(1 <= v["float"] <= 2 for v in values)
    assert all(1e-4 <= v["rate"] <= 1e-1 for v in values)
    assert sum(v["rate"] < 1e-2 for v in values) >= 5  # by decades
    assert len({v["float"] for v in values}) > 10


@tuners
def test_reverse_log_is_dense_at_the_upper_end(tmp_path: Path, kind: Any) -> None:
    def ask(hp: Any) -> None:
        hp.Float("momentum", 0.001, 1.0, sampling="reverse_log")
        hp.Int("units", 2, 64, step=2, sampling="reverse_log")

    tuner = tuner_of(kind, tmp_path, ask, max_trials=20)
    tuner.search(verbose=0)
    values = tried(tuner)
    assert all(0.001 <= v["momentum"] <= 1.0 for v in values) and sum(v["momentum"] > 0.9 for v in values) >= 10
    assert {v["units"] for v in values} <= {2, 34, 50, 58, 62, 64}

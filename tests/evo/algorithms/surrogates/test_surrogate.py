"""A surrogate of one's own in place of the Gaussian process."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest

from evo.algorithms import AskTell, ScreenedEvolution
from evo.campaign.settings import algorithm_from_json
from evo.core.trial import Outcome, Status
from evo.errors import SettingsError
from genomes import Space
from tests.evo.algorithms.test_algorithms import mixed_space, proposals, run
from tests.evo.search_parts import last_choice


class NearestNeighbour:
    """Predicts the target of the nearest observation, and the distance as the deviation."""

    def __init__(self, space: Space) -> None:
        self.space, self.chosen, self.asked = space, 0, 0

    def choose(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        assert len(inputs) == len(targets)
        self.chosen += 1

    def fit(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        width = len(self.space.features(self.space.default()))
        assert inputs.dtype == targets.dtype == np.float64
        assert inputs.shape == (len(targets), width + 1)
        self.inputs, self.targets = inputs, targets

    def means(self, inputs: np.ndarray) -> np.ndarray:
        return self.predict(inputs)[0]

    def predict(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.asked += 1
        apart = np.abs(inputs[:, None] - self.inputs[None]).sum(axis=2)
        return self.targets[apart.argmin(axis=1)], apart.min(axis=1)


def test_a_surrogate_of_ones_own_decides_what_is_trained() -> None:
    made: list[NearestNeighbour] = []

    def make(space: Space) -> NearestNeighbour:
        made.append(NearestNeighbour(space))
        return made[-1]

    mine = ScreenedEvolution(design=5, offspring=20, surrogate=make)
    history = run(mine, trials=30)
    assert len(made) == 1 and made[0].chosen > 0 and made[0].asked > 10
    assert proposals(history) == proposals(run(mine, trials=30))
    default = proposals(run(ScreenedEvolution(design=5, offspring=20), trials=30))
    assert proposals(history)[:5] == default[:5] and proposals(history) != default


def test_the_gaussian_process_has_a_name_which_is_the_default_and_not_written_down() -> None:
    named = ScreenedEvolution(surrogate="gaussian_process")
    assert named == ScreenedEvolution()
    record = json.loads(json.dumps(named.to_json()))
    assert "surrogate" not in record
    assert algorithm_from_json(record) == named
    assert algorithm_from_json({**record, "surrogate": "gaussian_process"}) == named


def test_a_campaign_with_a_surrogate_of_ones_own_is_resumed_with_the_algorithm_given_again() -> None:
    record = json.loads(json.dumps(ScreenedEvolution(surrogate=NearestNeighbour).to_json()))
    assert record["surrogate"] == f"{__name__}:NearestNeighbour"
    with pytest.raises(SettingsError, match="surrogate: expected one of gaussian_process or a callable .*NearestNeigh"):
        algorithm_from_json(record)


def test_a_surrogate_without_a_name_of_its_own_is_known_by_its_class() -> None:
    assert (
        ScreenedEvolution(surrogate=functools.partial(NearestNeighbour)).to_json()["surrogate"] == "functools:partial"
    )
    # A method of a built-in class has no module.
    assert ScreenedEvolution(surrogate=str.upper).to_json()["surrogate"] == ":str.upper"  # type: ignore[arg-type]


def test_an_unknown_surrogate_is_named() -> None:
    with pytest.raises(SettingsError, match="surrogate: expected one of gaussian_process or a callable .* 'forest'"):
        ScreenedEvolution(surrogate="forest")


def test_without_screening_no_surrogate_is_asked() -> None:
    class Silent(NearestNeighbour):
        def fit(self, inputs: np.ndarray, targets: np.ndarray) -> None:
            raise AssertionError("nobody screens")

    search = AskTell(ScreenedEvolution(design=3, screening=False, surrogate=Silent), mixed_space())
    for number in range(12):
        trial = search.ask()
        assert trial is not None
        search.tell(number, Outcome(Status.COMPLETED, {"val_accuracy": number / 20}, epochs=1))


def test_hyperparameters_are_chosen_on_ever_longer_beginnings() -> None:
    values = [last_choice(n) for n in range(1, 200)]
    assert values == sorted(values) and all(v <= n for n, v in enumerate(values, start=1))
    assert sorted({*values} - {*range(8)})[:5] == [8, 10, 12, 15, 19]
    assert len(set(values)) < 25

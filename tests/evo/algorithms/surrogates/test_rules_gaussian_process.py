"""Rules of the Gaussian process: which settings are compared on what, how long that is remembered, predictions."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evo.algorithms.surrogates import gaussian_process
from evo.algorithms.surrogates.gaussian_process import GaussianProcess, RungKernel

Likelihood = Callable[[float, float, float], float]


class Compared:
    """The settings that a search compares, and on which inputs; their likelihood is given."""

    def __init__(self, patch: pytest.MonkeyPatch, likelihood: Likelihood) -> None:
        self.settings: list[tuple[float, float, float]] = []
        self.rows: list[list[float]] = []

        def fitted(inputs: np.ndarray, targets: np.ndarray, *setting: float) -> Any:
            assert inputs[:, 0].tolist() == targets.tolist()
            self.settings.append(setting)  # type: ignore[arg-type]
            self.rows.append(targets.tolist())
            return SimpleNamespace(log_marginal_likelihood_value_=likelihood(*setting))

        patch.setattr(gaussian_process, "_fitted", fitted)


def numbered(count: int, rungs: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Observations whose two features and target are their number."""
    numbers = np.arange(count, dtype=float)
    return np.column_stack([numbers, numbers, np.arange(count) % rungs]), numbers


def surrogate(**settings: Any) -> GaussianProcess:
    grid: dict[str, Any] = {"lengths": (1.0, 2.0, 3.0, 4.0), "noises": (0.1, 0.2), "correlations": (0.5, 0.7, 0.9)}
    return GaussianProcess(**(grid | settings))


def test_on_one_rung_length_and_noise_are_chosen_in_turn_twice_and_the_correlation_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the highest correlation and the least noise; nothing is compared a second time."""
    best = {(2.0, 0.9, 0.1): 1.0, (2.0, 0.9, 0.2): 2.0, (3.0, 0.9, 0.2): 3.0, (3.0, 0.9, 0.3): 4.0}
    compared = Compared(monkeypatch, lambda *setting: best.get(setting, 0.0))
    mine = surrogate(noises=(0.1, 0.2, 0.3))
    mine.choose(*numbered(4))
    first = [(length, 0.9, 0.1) for length in (1.0, 2.0, 3.0, 4.0)]
    again = [(length, 0.9, 0.2) for length in (1.0, 3.0, 4.0)]
    assert compared.settings == [*first, (2.0, 0.9, 0.2), (2.0, 0.9, 0.3), *again, (3.0, 0.9, 0.3)]
    assert mine._setting == (3.0, 0.9, 0.3)


def test_on_several_rungs_the_correlation_is_chosen_after_them(monkeypatch: pytest.MonkeyPatch) -> None:
    order = [(2.0, 0.9, 0.1), (2.0, 0.9, 0.2), (2.0, 0.5, 0.2), (4.0, 0.5, 0.2), (4.0, 0.5, 0.1), (4.0, 0.7, 0.1)]
    compared = Compared(monkeypatch, lambda *setting: order.index(setting) if setting in order else -1.0)
    mine = surrogate()
    mine.choose(*numbered(4, rungs=2))
    first = [(length, 0.9, 0.1) for length in (1.0, 2.0, 3.0, 4.0)]
    first += [(2.0, 0.9, 0.2), (2.0, 0.5, 0.2), (2.0, 0.7, 0.2)]
    again = [(length, 0.5, 0.2) for length in (1.0, 3.0, 4.0)]
    assert compared.settings == [*first, *again, (4.0, 0.5, 0.1), (4.0, 0.7, 0.1)]
    assert mine._setting == order[-1]


@pytest.mark.parametrize(("count", "rows"), [(3, [0, 1, 2]), (5, [0, 1, 2, 3, 4]), (9, [0, 2, 4, 6, 8])])
def test_the_choice_is_made_on_so_many_observations_evenly_from_first_to_last(
    monkeypatch: pytest.MonkeyPatch, count: int, rows: list[int]
) -> None:
    compared = Compared(monkeypatch, lambda *setting: 0.0)
    surrogate(rows=5).choose(*numbered(count))
    assert compared.rows[0] == rows
    compared.rows.clear()
    GaussianProcess().choose(*numbered(200))
    assert len(compared.rows[0]) == 100


def test_a_choice_is_remembered_for_its_observations_and_the_oldest_of_eighteen_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = Compared(monkeypatch, lambda length, correlation, noise: -length)
    mine = surrogate(lengths=(1.0,), noises=(0.1,))
    for count in range(2, 19):
        mine.choose(*numbered(count))
    assert len(compared.settings) == 17
    mine.choose(*numbered(2))
    assert len(compared.settings) == 17
    mine.choose(*numbered(19))
    mine.choose(*numbered(3))
    assert len(compared.settings) == 18
    mine.choose(*numbered(2))
    assert len(compared.settings) == 19


def test_what_is_remembered_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    best = {"length": 1.0}
    Compared(monkeypatch, lambda length, correlation, noise: -abs(length - best["length"]))
    mine = surrogate()
    mine.choose(*numbered(3))
    best["length"] = 4.0
    mine.choose(*numbered(4))
    assert mine._setting[0] == 4.0
    mine.choose(*numbered(3))
    assert mine._setting[0] == 1.0


# -- predictions ------------------------------------------------------------------------------------
@pytest.mark.parametrize(("chosen", "setting"), [(True, (1.7, 0.9, 0.3)), (False, (1.7, 0.6, 0.3))])
def test_mean_and_deviation_are_those_of_a_process_of_mean_zero_with_the_chosen_setting_or_the_first_of_each(
    chosen: bool, setting: tuple[float, float, float]
) -> None:
    x = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [2.5, 1.0]])
    y = np.array([0.3, -0.8, -0.8, 1.2])
    ahead = np.array([[0.5, 0.0], [2.0, 1.0], [9.0, 0.0]])
    mine = surrogate(lengths=(1.7,), noises=(0.3,), correlations=(0.6, 0.9))
    if not chosen:
        mine = surrogate(lengths=(1.7, 0.1), noises=(0.3, 0.1), correlations=(0.6, 0.9))
    else:
        mine.choose(x, y)
    mine.fit(x, y)
    kernel = RungKernel(*setting[:2])
    solved = np.linalg.solve(kernel(x) + setting[2] * np.eye(4), np.column_stack([y, kernel(x, ahead)]))
    mean, deviation = mine.predict(ahead)
    assert mean == pytest.approx(kernel(ahead, x) @ solved[:, 0])
    assert deviation**2 == pytest.approx(1 - np.diag(kernel(ahead, x) @ solved[:, 1:]))


def test_a_kernel_of_its_own_has_length_one_and_a_correlation_of_nine_tenths() -> None:
    assert (RungKernel().length, RungKernel().correlation) == (1.0, 0.9)


def test_one_rung_for_all_is_the_same_kernel_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    known = np.column_stack([rng.random((40, 3)), rng.integers(0, 4, 40)])
    asked = np.column_stack([rng.random((30, 3)), np.full(30, 3.0)])
    kernel = RungKernel(0.7, 0.8)
    mixed = np.vstack([asked, known[:1] * 0])
    np.testing.assert_array_equal(kernel(asked, known), kernel(mixed, known)[:30])

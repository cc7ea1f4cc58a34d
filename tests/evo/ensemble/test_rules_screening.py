"""Rules of who is a candidate: limits of size, and the screening of a library that is too large."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evo.ensemble.arguments import as_target
from evo.ensemble.library import LibraryModel
from evo.ensemble.selection import selection
from evo.ensemble.selection.selection import build, screen
from evo.errors import EnsembleError
from tests.evo.ensemble.noisy_models import ROWS, noisy, numbers, rng

#: A warning that no rule asks for is a mistake.
pytestmark = pytest.mark.filterwarnings("error")


# -- limits ------------------------------------------------------------------------
def test_the_smaller_of_size_and_most_members_holds() -> None:
    candidates, y = noisy()
    for size, most, expected in ((4, 2, 2), (2, 4, 2), (3, None, 3)):
        chosen = build(candidates, y, "binary", size, "average", max_members=most, confidence=None, rng=rng())
        assert len(chosen.candidates) == expected


def test_who_does_not_fit_alone_is_no_candidate() -> None:
    candidates, y = noisy(count=4)
    best_first = [LibraryModel(c.number, c.predictions, parameters=9 - c.number) for c in candidates]
    chosen = build(best_first, y, "binary", 4, "best", max_parameters=7, rng=rng())
    assert numbers(chosen)[0] in (2, 3)
    alone = build(best_first[2:], y, "binary", 4, "best", rng=rng())
    assert numbers(alone) == numbers(chosen) and alone.estimates == chosen.estimates


def test_none_that_fits_is_an_error_that_names_the_least() -> None:
    candidates, y = noisy()
    with pytest.raises(EnsembleError, match=r"max_parameters=9, max_latency=None; the least are \[1.0, 10.0\]"):
        build(candidates, y, "binary", 4, max_parameters=9, rng=rng())


# -- screening ---------------------------------------------------------------------
def test_screening_begins_above_four_million_numbers_and_leaves_64() -> None:
    assert selection._TERMS == 4_000_000 and selection._FEWEST == 64


#: Chances of the true class in ten rows, per model.
TIMID = [0.6] * 10  # log loss .51, never wrong, brier .16
ROUGH = [0.99] * 8 + [0.4] * 2  # log loss .19, wrong in 2, brier .07
BLIND = [1.0] * 9 + [1e-4]  # log loss .92, wrong in 1, brier .10


def two_classes(*chances: list[float]) -> tuple[list[LibraryModel], np.ndarray]:
    predictions = [np.stack([1 - np.array(p), np.array(p)], axis=1).astype(np.float32) for p in chances]
    return [LibraryModel(n, p) for n, p in enumerate(predictions)], np.ones(10, dtype=np.int64)


def screened(monkeypatch: pytest.MonkeyPatch, most: int, *chances: list[float], **options: Any) -> list[int]:
    """Numbers of those that are left where this many may stay, whatever the rows."""
    candidates, y = two_classes(*chances)
    monkeypatch.setattr(selection, "_FEWEST", most)
    monkeypatch.setattr(selection, "_TERMS", 0)
    given = {"target": "multiclass", "loss": "log_loss", "pooling": "arithmetic", **options}
    return [c.number for c in screen(candidates, y, **given)]


@pytest.mark.parametrize(("loss", "left"), [("log_loss", 1), ("brier", 1), ("error", 1), ("calibrated_log_loss", 0)])
def test_screening_leaves_those_of_the_least_own_loss(monkeypatch: pytest.MonkeyPatch, loss: str, left: int) -> None:
    """The error rate ranks too coarsely, so that log loss stands in for it; where it is what is aimed at, it ranks."""
    assert screened(monkeypatch, 1, TIMID, ROUGH, BLIND, loss=loss) == [left]


def test_screening_by_brier_is_by_brier(monkeypatch: pytest.MonkeyPatch) -> None:
    assert screened(monkeypatch, 1, TIMID, BLIND, loss="brier") == [1]
    assert screened(monkeypatch, 1, TIMID, BLIND, loss="log_loss") == [0]


def test_screening_keeps_the_order_and_of_equals_the_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    assert screened(monkeypatch, 2, TIMID, BLIND, ROUGH) == [0, 2]
    assert screened(monkeypatch, 2, TIMID, TIMID, TIMID) == [0, 1]
    assert screened(monkeypatch, 25, *[TIMID] * 20, *[ROUGH] * 20) == [0, 1, 2, 3, 4, *range(20, 40)]
    assert screened(monkeypatch, 3, TIMID, BLIND, ROUGH) == [0, 1, 2]


def test_screening_counts_row_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = np.array([1.0] * 9 + [0.0])
    assert screened(monkeypatch, 1, ROUGH, BLIND, row_weight=weight) == [1]
    assert screened(monkeypatch, 1, ROUGH, BLIND) == [0]


@pytest.mark.parametrize("odd", [0, 1, 15, 16, 17, 31, 32, 33])
def test_screening_looks_at_every_candidate(monkeypatch: pytest.MonkeyPatch, odd: int) -> None:
    good = [[0.6 + 0.001 * n] * 10 for n in range(34)]
    first = [[0.99] * 10 if n == odd else p for n, p in enumerate(good)]
    assert screened(monkeypatch, 1, *first) == [odd]
    last = [[0.01] * 10 if n == odd else p for n, p in enumerate(good)]
    assert screened(monkeypatch, 33, *last) == [n for n in range(34) if n != odd]


@pytest.mark.parametrize(
    ("task", "loss", "pooling", "left"),
    [
        ("multiclass", "log_loss", "arithmetic", 6),  # one number per row, however many classes
        ("multiclass", "log_loss", "geometric", 2),
        ("multiclass", "brier", "arithmetic", 2),
        ("multiclass", "error", "arithmetic", 2),
        ("multiclass", "calibrated_log_loss", "arithmetic", 2),
        ("multilabel", "log_loss", "arithmetic", 2),
        ("regression", "rmse", "arithmetic", 2),
    ],
)
def test_screening_leaves_as_many_as_a_selection_can_hold(
    monkeypatch: pytest.MonkeyPatch, task: str, loss: str, pooling: str, left: int
) -> None:
    monkeypatch.setattr(selection, "_FEWEST", 1)
    monkeypatch.setattr(selection, "_TERMS", 10 * 6 + 9)
    random = np.random.default_rng(0)
    candidates = [LibraryModel(n, random.dirichlet(np.ones(3), 10).astype(np.float32)) for n in range(8)]
    y = np.zeros(10, np.int64) if task == "multiclass" else np.zeros((10, 3), np.float32)
    assert len(screen(candidates, y, task, loss, pooling)) == left


def test_no_target_is_asked_to_pool_a_calibrated_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no function of a sum over models; as much memory is taken as by any other of so many outputs."""
    kind = type(as_target("multiclass"))
    pooled_loss = kind.pooled_loss

    def watched(self: Any, loss: str, pooling: str) -> Any:
        assert loss not in self.calibrated_losses
        return pooled_loss(self, loss, pooling)

    monkeypatch.setattr(kind, "pooled_loss", watched)
    assert screened(monkeypatch, 3, TIMID, BLIND, ROUGH, loss="calibrated_log_loss") == [0, 1, 2]
    assert screened(monkeypatch, 1, TIMID, BLIND, ROUGH, loss="calibrated_log_loss") == [0]


def test_build_screens_by_its_own_loss_pooling_and_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Any, ...]] = []

    def watched(kept: list[LibraryModel], *rest: Any) -> list[LibraryModel]:
        seen.append((len(kept), *rest))
        return kept[1:]

    monkeypatch.setattr(selection, "screen", watched)
    candidates, y = noisy("multiclass")
    weight = np.ones(ROWS)
    options = {"loss": "brier", "pooling": "geometric", "sample_weight": weight, "max_parameters": 40}
    chosen = build(candidates, y, "multiclass", 3, "average", confidence=None, rng=rng(), **options)  # type: ignore[arg-type]
    (count, targets, *rest) = seen[0]
    assert count == 4 and np.array_equal(targets, y) and 0 not in numbers(chosen)
    assert rest[:3] == [as_target("multiclass"), "brier", "geometric"] and rest[3] is weight

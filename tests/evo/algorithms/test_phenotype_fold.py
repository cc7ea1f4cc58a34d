"""A fold over one history after another gives what a fold over each alone gives."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from evo import History
from evo.algorithms.phenotypes import Keys, PhenotypeFold, phenotypes
from tests.evo.small_histories import SPACE, Row, done, failed, history_of, waiting


def rows(rng: np.random.Generator, count: int) -> list[Row]:
    """Trials of a few phenotypes at two lengths: completed, failed, waiting, continued, repeated."""
    found: list[Row] = []
    for _ in range(count):
        x, last = float(rng.integers(1, 8)) / 10, int(rng.choice([1, 9]))
        kind = rng.random()
        if kind < 0.6:
            found.append(done(x, float(rng.random()), last, replicate=int(kind < 0.1)))
        else:
            found.append(failed(x, last) if kind < 0.8 else waiting(x, last))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_histories_in_any_order_give_what_each_gives_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = Keys(SPACE)
    fold = PhenotypeFold(keys)
    whole = history_of(*rows(rng, 40))
    other = history_of(*rows(rng, 30))
    answers = []
    for _ in range(60):
        source = whole if rng.random() < 0.8 else other
        until = int(rng.integers(0, len(source) + 1))
        seen = History(source[:until], source.objectives).seen(int(rng.integers(0, until + 1)))
        found = fold(seen)
        assert found == phenotypes(seen, keys) and list(found) == list(phenotypes(seen, keys))
        answers.append((seen, copy.deepcopy(found)))
    for seen, found in answers:
        assert fold(seen) == found


def test_a_history_that_grows_is_read_once() -> None:
    asked: list[str] = []
    keys = Keys(SPACE)

    def counted(genome: object) -> str:
        asked.append("")
        return keys(genome)  # type: ignore[arg-type]

    fold, history = PhenotypeFold(counted), History()
    for trial in history_of(*(row for row in rows(np.random.default_rng(0), 200) if row[1] is not None)):
        history.append(trial)
        fold(history.seen(len(history)))
    assert len(asked) == len(history) > 100


def test_another_measure_of_what_is_finite_counts_anew() -> None:
    fold = PhenotypeFold(Keys(SPACE))
    one = history_of(done(0.1, 0.5))
    assert not next(iter(fold(one).values())).failed
    # Under objectives that the trial does not have it failed.
    assert next(iter(fold(history_of(done(0.1, 0.5), objectives=("other",))).values())).failed

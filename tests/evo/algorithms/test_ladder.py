"""The ladder of rungs, and who is promoted on it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo.algorithms import Ladder
from evo.errors import SettingsError
from tests.evo.algorithms.scored_histories import history_of, line
from tests.evo.search_parts import Keys, best_first_at, phenotypes, promotable


@given(st.integers(1, 500), st.floats(1.5, 5))
def test_rungs_increase_to_the_full_length(epochs: int, eta: float) -> None:
    rungs = Ladder.make(epochs, eta).rungs
    assert rungs[-1] == epochs and rungs[0] >= 1
    assert list(rungs) == sorted(set(rungs))


def test_rungs_for_known_lengths() -> None:
    assert Ladder.make(27).rungs == (1, 3, 9, 27)
    assert Ladder.make(52).rungs == (2, 6, 17, 52)
    assert Ladder.make(1).rungs == (1,)
    with pytest.raises(SettingsError, match="rungs: expected increasing epochs that end at the full length 9"):
        Ladder.make(9, rungs=(1, 3))


def test_asynchronous_promotion_takes_the_best_third() -> None:
    ladder = Ladder.make(9)
    history = history_of([(0.1,), (0.9,), (0.5,)], epochs=1)
    trained = list(phenotypes(history, Keys(line())).values())
    chosen = promotable(ladder, trained, lambda group, epochs: best_first_at(history, group, epochs))
    assert chosen is not None and chosen.best == 1
    promotion = ladder.promote(chosen)
    assert (promotion.first_epoch, promotion.last_epoch, promotion.continues, promotion.final) == (1, 3, 1, False)

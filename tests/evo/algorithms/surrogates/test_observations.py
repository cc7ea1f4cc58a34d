"""What a surrogate learns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evo.algorithms import Ladder
from evo.algorithms.surrogates.observations import average_ranks, gaussianized
from evo.core.trial import Outcome, Proposal, Status, Trial
from tests.evo.algorithms.scored_histories import history_of, line
from tests.evo.search_parts import Keys, observations, phenotypes


def test_targets_of_a_rung_continue_those_below() -> None:
    """The chosen few of a rung are not taken for average."""
    ladder = Ladder.make(3)
    history = history_of([(n / 10,) for n in range(9)], epochs=1)
    for number in (7, 8):
        old = history[number]
        proposal = Proposal(old.genome, 1, 3, continues=number, rung=1)
        history.append(Trial(len(history), proposal))
        outcome = Outcome(Status.COMPLETED, {"val_accuracy": 0.95 - number / 100}, epochs=2)
        history.tell(len(history) - 1, outcome)
    seen = observations(history, phenotypes(history, Keys(line())).values(), ladder)
    low = {o.trial: o.target for o in seen if o.level == 0}
    high = {o.trial: o.target for o in seen if o.level == 1}
    assert sorted(low, key=low.__getitem__) == list(range(9))
    assert high[9] > high[10] > low[4]
    assert np.mean(list(high.values())) == pytest.approx((low[7] + low[8]) / 2)


def test_failed_phenotypes_get_the_lowest_target() -> None:
    history = history_of([(0.5,), (0.1,)])
    history.append(Trial(2, Proposal(line().genome(x=0.9))))
    history.tell(2, Outcome(Status.DIVERGED))
    seen = observations(history, phenotypes(history, Keys(line())).values(), Ladder.make(1))
    assert min(seen, key=lambda o: o.target).trial == 2


@given(st.lists(st.one_of(st.integers(-3, 3).map(float), st.floats(allow_nan=False)), min_size=1, max_size=60))
def test_ranks_and_quantiles_are_scipys_to_the_last_bit(values: list[float]) -> None:
    array = np.array(values)
    ranks = stats.rankdata(array)
    assert average_ranks(array).tobytes() == ranks.tobytes()
    assert gaussianized(array).tobytes() == stats.norm.ppf((ranks - 0.5) / len(values)).tobytes()


def test_no_values_have_no_quantiles() -> None:
    assert gaussianized(np.zeros(0)).shape == (0,) == average_ranks(np.zeros(0)).shape

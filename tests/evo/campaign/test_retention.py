from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evo.campaign.retention import kept_states
from evo.core.history import History
from evo.core.trial import Outcome, Proposal, Status, Trial
from tests.evo.simulated_campaigns import space

GENOME = space().default()


def history(scores: list[float], continued: dict[int, int] | None = None, pending: int = 0) -> History:
    trials = []
    for number, score in enumerate(scores):
        before = (continued or {}).get(number)
        proposal = Proposal(GENOME, last_epoch=1) if before is None else Proposal(GENOME, 1, 3, before)
        outcome = Outcome(Status.COMPLETED, {"val_accuracy": score}, epochs=proposal.epochs)
        trials.append(Trial(number, proposal, None if number >= len(scores) - pending else outcome))
    return History(trials)


@given(
    scores=st.lists(st.floats(0, 1), min_size=1, max_size=40),
    more=st.lists(st.floats(0, 1), max_size=10),
    limit=st.integers(1, 20),
)
def test_what_was_dropped_does_not_come_back(scores: list[float], more: list[float], limit: int) -> None:
    before = kept_states(history(scores), limit, [])
    after = kept_states(history(scores + more), limit, [])
    assert after & set(range(len(scores))) <= before
    assert len(before) == min(limit, len(scores))


def test_survivors_what_is_used_and_what_is_under_way_is_kept() -> None:
    scores = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    kept = kept_states(history(scores, continued={5: 0}, pending=1), 2, survivors=[1])
    assert kept == {0, 5, 1, 4}


def test_the_best_and_the_longest_trained_take_turns() -> None:
    kept = kept_states(history([0.9, 0.8, 0.1, 0.2], continued={3: 2}), 2, survivors=[])
    assert kept == {0, 3}

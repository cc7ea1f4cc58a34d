from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evo.core.history import History
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.display import summary
from tests.evo.display.synthetic_history import SPACE, make_history


@given(st.integers(0, 40), st.integers(0, 5), st.integers(0, 3))
def test_improvements_are_the_running_maximum(trials: int, pending: int, seed: int) -> None:
    history = make_history(trials, min(pending, trials), seed)
    steps = summary.improvements(history)
    values = [step.value for step in steps]
    assert values == sorted(set(values))
    best = summary.best(history)
    assert (best is None) == (not steps)
    if best is not None:
        assert history.fitness(best.number)[0] == values[-1] == max(history.fitness(t.number)[0] for t in history)


def test_a_loss_is_shown_as_a_loss() -> None:
    history = make_history(30, 0, objectives="-val_loss")
    values = [step.value for step in summary.improvements(history)]
    assert values == sorted(values, reverse=True)
    assert all(value > 0 for value in values)


def test_causes_count_alike_what_differs_in_numbers_only() -> None:
    history = History()
    for number, message in enumerate(["more than 3 seconds", "more than 4 seconds", "", "out of memory"]):
        history.append(Trial(number, Proposal(SPACE.default())))
        status = Status.TIMED_OUT if message.startswith("more") else Status.FAILED
        history.tell(number, Outcome(status, message=message))
    assert summary.causes(history) == {
        "timed out: more than # seconds": 2,
        "failed": 1,
        "failed: out of memory": 1,
    }
    same = History()
    for number in range(2):
        same.append(Trial(number, Proposal(SPACE.default())))
        same.tell(number, Outcome(Status.TIMED_OUT, message="more than 3 seconds"))
    assert summary.causes(same) == {"timed out: more than 3 seconds": 2}


def test_lineage_holds_all_ancestors_oldest_first() -> None:
    history = make_history(60, 0)
    for trial in history:
        numbers = [t.number for t in summary.lineage(history, trial.number)]
        assert numbers == sorted(numbers) and numbers[-1] == trial.number
        for number in numbers:
            assert set(history[number].proposal.parents) <= set(numbers)

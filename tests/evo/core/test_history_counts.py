"""What a history counts as it grows is what counting all of its trials gives."""

from __future__ import annotations

import numpy as np
import pytest

from evo import History, Outcome, Status, Trial
from tests.evo.small_histories import waiting


def counted_anew(history: History) -> tuple[int, int, list[int], int]:
    """Epochs spent, epochs charged, pending trials, trials at the front with an outcome: by going through all."""
    spent = sum(t.proposal.epochs if t.outcome is None else t.outcome.epochs for t in history)
    free = sum(t.outcome is not None and t.outcome.epochs == 0 for t in history)
    pending = [t.number for t in history if t.outcome is None]
    return spent, spent + free, pending, pending[0] if pending else len(history)


def counts(history: History) -> tuple[int, int, list[int], int]:
    return (
        history.epochs_spent,
        history.epochs_charged,
        [trial.number for trial in history.pending()],
        history.settled,
    )


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_all_trials(seed: int) -> None:
    rng = np.random.default_rng(seed)
    history = History()
    assert counts(history) == counted_anew(history) == (0, 0, [], 0)
    for _ in range(120):
        pending = history.pending()
        if not pending or rng.random() < 0.5:
            history.append(Trial(len(history), waiting(0.1, int(rng.integers(1, 10)))[0]))
        else:
            number = int(rng.choice([trial.number for trial in pending]))
            failed = rng.random() < 0.3
            status = Status.FAILED if failed else Status.COMPLETED
            history.tell(number, Outcome(status, {"val_accuracy": 0.5}, epochs=0 if failed else int(rng.integers(10))))
        assert counts(history) == counted_anew(history)
        some = set(rng.integers(0, len(history), size=3).tolist())
        for view in (history.seen(int(rng.integers(0, len(history) + 1))), history.seen(some)):
            assert counts(view) == counted_anew(view)
            assert counts(view.seen(2)) == counted_anew(view.seen(2))
    copy = History(list(history), history.objectives)
    assert counts(copy) == counts(history)

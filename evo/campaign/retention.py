"""Which weights are worth their disk: a pure function of the history."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from evo.core.history import History


def kept_states(history: History, limit: int, survivors: Sequence[int]) -> set[int]:
    """Numbers of the trials whose weights are kept.

    Kept are the states that something under way begins from, those of the
    survivors, and, up to ``limit`` in all, the best completed trials (they
    may become members of an ensemble) in turn with those that were trained
    longest and not continued (they may be continued). A trial that has
    dropped out comes back only as the start of a promotion; then it is
    trained again, to the same bits.

    Args:
        history: all trials; those without a visible outcome count as under way.
        limit: how many states are kept, besides those in use.
        survivors: numbers of the trials that form the population.
    """
    under_way = history.pending()
    in_use = {trial.number for trial in under_way}
    for trial in under_way:
        in_use |= {n for n in (trial.proposal.continues, trial.proposal.inherits) if n is not None}
    completed = [trial.number for trial in history.completed()]
    continued = {history[number].proposal.continues for number in completed}
    best = sorted(completed, key=history.rank_key, reverse=True)
    longest = sorted(
        (number for number in completed if number not in continued),
        key=lambda number: (history[number].epochs, history.rank_key(number)),
        reverse=True,
    )
    turns = itertools.chain.from_iterable(itertools.zip_longest(best, longest))
    wanted = dict.fromkeys([*survivors, *(number for number in turns if number is not None)])
    return in_use | set(itertools.islice(wanted, max(limit, len(survivors))))

"""Which weights are worth their disk: a pure function of the history."""

from __future__ import annotations

from evo.history import History


def kept_states(history: History, limit: int, survivors: list[int]) -> set[int]:
    """Numbers of the trials whose weights are kept.

    Kept are the states that something under way begins from, those of the
    survivors, and those of the best completed trials that no completed trial
    continues, up to ``limit`` in all. A trial that has dropped out of this set
    comes back only as the start of a promotion; then it is trained again, to
    the same bits.

    Args:
        history: all trials.
        limit: how many states are kept, besides those in use.
        survivors: numbers of the trials that form the population.
    """
    in_use = {
        number
        for trial in history.pending()
        for number in (trial.proposal.continues, trial.proposal.inherits)
        if number is not None
    }
    in_use |= {trial.number for trial in history.pending()}
    continued = {t.proposal.continues for t in history if t.completed and t.proposal.continues is not None}
    leaves = [t.number for t in history if t.completed and t.number not in continued]
    # The rung comes first: what was trained longer is dearer to get back.
    leaves.sort(key=lambda number: (history[number].epochs, history.rank_key(number)), reverse=True)
    by_fitness = sorted(leaves, key=history.rank_key, reverse=True)
    kept: list[int] = list(dict.fromkeys(survivors))
    for pair in zip(by_fitness, leaves, strict=True):
        kept.extend(number for number in pair if number not in kept)
        if len(kept) >= limit:
            break
    return in_use | set(kept[: max(limit, len(survivors))])

"""The planner of a campaign: which proposal comes next, and what it may see.

Ordered look-ahead: with ``concurrency=c`` the proposal of trial n sees exactly
the outcomes of the trials below n - c + 1, in order, however many have come
back by then. So one worker, eight workers, or a run that was killed twenty
times give the same history. Where an algorithm cannot propose on that (a generation that is not
complete yet), the same trial is asked for again with one more outcome
visible, and so on: still a function of the history alone.

In free-running mode (``deterministic=False``) a proposal sees whatever has
arrived.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace

from evo.algorithms.algorithm import Step
from evo.campaign.time_left import MARGIN, TimeLeft
from evo.core.budget import Budget
from evo.core.errors import SpaceExhaustedError
from evo.core.history import History
from evo.core.randomness import Purpose, generator
from evo.core.trial import Proposal, Trial


class Wait(enum.Enum):
    """Why there is no proposal; the values of the last two are reasons why a campaign ended."""

    OUTCOMES = "waiting for outcomes"
    BUDGET = "budget"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True)
class Planner:
    """Decides what a campaign does next; a pure function of the history (and of the minutes, if they are limited).

    Args:
        search: the algorithm.
        finish: proposes the final trainings of the survivors.
        budget: what may be spent.
        seed: the campaign's seed.
        concurrency: trials that may be under way at once.
        final_share: share of the budget that is kept for the final trainings.
        deterministic: ordered look-ahead; otherwise free-running.
        time: where minutes alone limit the campaign: what fits into them. Then the final
            trainings share the time that is left, and wait for no other trial.
    """

    search: Step
    finish: Step
    budget: Budget
    seed: int
    concurrency: int
    final_share: float
    deterministic: bool = True
    time: TimeLeft | None = None

    def next(self, history: History, minutes: float = 0.0) -> Proposal | Wait:
        """The proposal of trial ``len(history)``, or why there is none.

        Args:
            history: all trials so far, with every outcome that is known.
            minutes: wall-clock minutes that the campaign has run.
        """
        number = len(history)
        time = self.time if self.time is not None and self.time.pace.fit(history) else None
        if time is not None and not time.searching(minutes):
            return self._finish_in_time(history, time, minutes, Wait.BUDGET)
        if not self.deterministic:
            pending = len(history.pending())
            if pending >= self.concurrency:
                return Wait.OUTCOMES
            decided = self._decide(history, history, minutes, time)
            return Wait.OUTCOMES if isinstance(decided, Wait) and pending else decided
        known = leading_outcomes(history)
        found: Proposal | Wait = Wait.OUTCOMES
        for visible in range(max(0, number - self.concurrency + 1), number + 1):
            if visible > known:
                return Wait.OUTCOMES
            found = self._decide(history.seen(visible), history, minutes, time)
            if isinstance(found, Proposal):
                return found
        return found

    def _decide(self, view: History, history: History, minutes: float, time: TimeLeft | None) -> Proposal | Wait:
        """What is done on the outcomes in ``view``; a Wait is final only if nothing is pending in it."""
        spent = self.budget.spent(view, minutes)
        if spent >= 1:
            return Wait.BUDGET
        reason = Wait.BUDGET
        searching = spent < 1 - self.final_share or spent < self._searched_until(view)
        if searching:
            found = self._search(view, history, minutes, time)
            if isinstance(found, Proposal) or found is Wait.OUTCOMES:
                return found
            reason = found
        if time is not None:
            return self._finish_in_time(history, time, minutes, reason)
        # The choice of the survivors needs every outcome of the search.
        if self.final_share == 0 or (view.pending() and not _finishing(view)):
            return reason
        final = self._final(view, lambda proposal: self._epochs_left(view, proposal, minutes))
        if final is None and not searching and not view.pending() and self.budget.minutes is None:
            # All that is worth finishing is finished: what is left of the budget is searched with.
            return self._search(view, history, minutes, time)
        return final or reason

    def _search(self, view: History, history: History, minutes: float, time: TimeLeft | None) -> Proposal | Wait:
        """The algorithm's proposal, if it fits into the budget; else why there is none."""
        try:
            proposal = self.search(view, generator(self.seed, Purpose.PROPOSAL, len(history)))
        except SpaceExhaustedError:
            return Wait.EXHAUSTED
        if proposal is None:
            return Wait.OUTCOMES if view.pending() else Wait.BUDGET
        if time is not None:
            fits = time.fits(history, proposal, minutes)
        else:
            fits = self._epochs_left(view, proposal, minutes) >= proposal.epochs
        return proposal if fits else Wait.BUDGET

    def _searched_until(self, view: History) -> float:
        """Share of the budget at which the search gives way to final trainings once more.

        They may need less than their share. Then the search goes on, and of what was left they get their share again.
        """
        if self.budget.minutes is not None:
            return 0.0  # what was spent when they ended is not in the history
        last = next((trial.number for trial in reversed(view) if _finishes(trial)), None)
        if last is None or last == len(view) - 1:
            return 0.0  # they are not begun, or under way
        before = self.budget.spent(History(view[: last + 1], view.objectives))
        return before + (1 - before) * (1 - self.final_share)

    def _final(self, view: History, epochs: Callable[[Proposal], int]) -> Proposal | None:
        """The next final training, of as many epochs as it is given; None if there is none or it is given none."""
        proposal = self.finish(view, generator(self.seed, Purpose.FINISH, len(view)))
        given = 0 if proposal is None else epochs(proposal)
        return None if proposal is None or given < 1 else replace(proposal, last_epoch=proposal.first_epoch + given)

    def _finish_in_time(self, history: History, time: TimeLeft, minutes: float, reason: Wait) -> Proposal | Wait:
        """The next final training, as long as the time left allows; from all that is known by now."""
        if not time.ready(history):
            return Wait.OUTCOMES
        found = None
        if self.final_share > 0 and self.budget.spent(history, minutes) < 1:
            found = self._final(history, lambda proposal: time.epochs(history, proposal, minutes))
        return found or (Wait.OUTCOMES if history.pending() else reason)

    def _epochs_left(self, view: History, proposal: Proposal, minutes: float) -> int:
        """Epochs that the budget leaves for a proposal."""
        left = proposal.epochs
        if self.budget.epochs is not None:
            left = min(left, self.budget.epochs - view.epochs_charged)
        if self.budget.minutes is not None and proposal.continues is not None:
            outcome = view[proposal.continues].outcome
            if outcome is not None and outcome.epochs and outcome.seconds:
                per_epoch = sum(outcome.seconds.values()) / outcome.epochs
                seconds = 60 * (self.budget.minutes - minutes) * MARGIN
                left = min(left, int(seconds / max(per_epoch, 1e-9)))
        return left


def leading_outcomes(history: History) -> int:
    """Number of trials at the front of the history whose outcomes are all known."""
    return history.settled


def _finishes(trial: Trial) -> bool:
    """Whether a trial was proposed as a final training; the search, too, may train to the end of a schedule."""
    return trial.proposal.origin == "final" or trial.proposal.replicate > 0


def _finishing(view: History) -> bool:
    """Whether all that is pending belongs to the final trainings."""
    return all(trial.proposal.final or trial.proposal.replicate for trial in view.pending())

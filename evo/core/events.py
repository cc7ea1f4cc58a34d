"""Events of a campaign, and the callbacks that hear of them.

A callback observes; it cannot change a campaign, and one that raises is
reported once and no longer called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evo.core.budget import Budget
from evo.core.history import History
from evo.core.trial import Trial


@dataclass(frozen=True)
class CampaignInfo:
    """What is known before the first trial of a session.

    Attributes:
        directory: the campaign's directory.
        seed: the campaign's seed.
        budget: what may be spent.
        objectives: names with their signs.
        space: one line on the space.
        workers: number of workers.
        precision: what was chosen, and why.
        strategy: what was chosen, and why.
        resumed: trials that were found in the directory (0 for a new campaign).
        minutes: wall-clock minutes that earlier sessions took.
        settings: every other setting, by name.
    """

    directory: str
    seed: int
    budget: Budget
    objectives: tuple[str, ...]
    space: str
    workers: int
    precision: str
    strategy: str
    resumed: int = 0
    minutes: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)


class Callback:
    """Base of all callbacks: override what you want to hear of. Called in the driver's main thread."""

    def on_begin(self, info: CampaignInfo, history: History) -> None:
        """A session begins; ``history`` holds what was found in the directory."""

    def on_submit(self, trial: Trial, history: History) -> None:
        """A trial was handed to a worker."""

    def on_outcome(self, trial: Trial, history: History) -> None:
        """A trial's outcome was stored; ``trial.outcome`` is set."""

    def on_population(self, generation: int, members: Sequence[int], history: History) -> None:
        """A checkpoint of the population (numbers of trials, best first) was stored."""

    def on_message(self, text: str) -> None:
        """Something worth telling: a repair, a fallback, a phase that begins."""

    def on_tick(self, minutes: float, running: int, history: History) -> None:
        """About twice a second: wall-clock minutes so far, trials running now."""

    def on_end(self, reason: str, history: History) -> None:
        """The session ends: ``budget``, ``stopped``, ``exhausted`` or ``undecided``."""

"""Ask and tell: an algorithm driven by another program."""

from __future__ import annotations

from evo.algorithms.algorithm import Algorithm
from evo.algorithms.problem import Problem
from evo.core.checks import whole_number
from evo.core.history import History
from evo.core.objectives import Objective, Objectives
from evo.core.randomness import Purpose, generator
from evo.core.trial import Outcome, Trial
from genomes.spaces.base import Space


class AskTell:
    """The same proposals as a campaign's, for programs that do the training themselves.

    Trial n sees the outcomes of the trials below ``n - concurrency + 1``, in whatever order they
    were told: equal seeds give equal histories.

    Args:
        algorithm: settings of the algorithm.
        space: where genomes come from.
        objectives: what is maximised.
        seed: of the campaign.
        concurrency: how many trials may be asked for before the oldest is told.
        epochs: full length of training.

    Raises:
        SettingsError: concurrency or epochs that are no whole number of 1 or more.

    Example:
        >>> search = AskTell(RandomSearch(), space, "val_accuracy", seed=0)  # doctest: +SKIP
        >>> trial = search.ask()                                             # doctest: +SKIP
        >>> search.tell(trial.number, outcome)                               # doctest: +SKIP
    """

    def __init__(
        self,
        algorithm: Algorithm,
        space: Space,
        objectives: Objectives | Objective = "val_accuracy",
        seed: int = 0,
        concurrency: int = 1,
        epochs: int = 1,
    ) -> None:
        whole_number(concurrency, "concurrency", 1)
        if not isinstance(objectives, Objectives):
            objectives = Objectives(objectives)
        self.seed, self.concurrency = seed, concurrency
        self.problem = Problem(space, epochs, objectives)
        self.history = History((), objectives)
        self._propose = algorithm.bind(self.problem)
        self._told = 0  # all trials below it are told

    def ask(self) -> Trial | None:
        """The next trial; None if nothing can be proposed before another outcome is told.

        Raises:
            SpaceExhaustedError: every phenotype of a finite space has been trained.
        """
        number = len(self.history)
        # An algorithm that waits (the end of a generation) is shown one outcome more at a time.
        for seen in range(max(0, number - self.concurrency + 1), number + 1):
            if seen > self._told:
                return None
            rng = generator(self.seed, Purpose.PROPOSAL, number)
            proposal = self._propose(self.history.seen(seen), rng)
            if proposal is not None:
                trial = Trial(number, proposal)
                self.history.append(trial)
                return trial
        return None

    def tell(self, number: int, outcome: Outcome) -> None:
        """Record the outcome of a trial.

        Args:
            number: the trial's.
            outcome: its outcome.

        Raises:
            ValueError: there is no such trial, or its outcome has been told before.
        """
        if not 0 <= number < len(self.history):
            raise ValueError(f"trial {number}: expected a trial that was asked for, 0 to {len(self.history) - 1}")
        self.history.tell(number, outcome)
        while self._told < len(self.history) and not self.history[self._told].pending:
            self._told += 1

"""Searches in which nothing is trained: the loop of a campaign without its workers."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from evo import History, Outcome, Proposal, Status, Trial
from evo.algorithms import Algorithm, Problem, Step
from evo.core.objectives import Objectives
from evo.core.randomness import Purpose, generator
from evo.errors import SpaceExhaustedError
from genomes import Space

#: What a simulated training says of a trial.
SimulatedTraining = Callable[[Space, Trial], Outcome]


def simulated_training(space: Space, trial: Trial) -> Outcome:
    """An outcome that depends on the phenotype and the epochs alone; a third of the phenotypes has bad luck.

    The score rises with the epochs and is highest where the features are near 0.4. Some phenotypes
    fail, diverge, time out, are rejected, complete with a score that is NaN, or stop an epoch early
    (as trials do at the end of a budget of minutes).
    """
    proposal = trial.proposal
    luck = int(hashlib.sha256(space.key(trial.genome).encode()).hexdigest()[:8], 16) % 18
    if luck == 0:
        return Outcome(Status.FAILED, message="ValueError: simulated")
    if luck == 1:
        return Outcome(Status.DIVERGED, epochs=1, message="epoch 1: the loss is not finite")
    if luck == 2:
        return Outcome(Status.TIMED_OUT, message="time: simulated")
    if luck == 3:
        return Outcome(Status.REJECTED, message="too large: simulated")
    epochs = max(1, proposal.epochs - (luck == 4))
    features = space.features(trial.genome)
    distance = float(np.mean((features - 0.4) ** 2)) if len(features) else 0.0
    score = math.nan if luck == 5 else 1 - distance - 0.5 / (1 + proposal.first_epoch + epochs)
    cost = space.cost(trial.genome)
    return Outcome(
        Status.COMPLETED,
        {"val_accuracy": score, "val_loss": 1 - score},
        {"val_accuracy": (score,) * epochs},
        epochs,
        max(1, cost.parameters),
        cost.flops,
        seconds={"build": 0.1, "train": 0.01 * epochs * (1 + luck), "evaluate": 0.001 * epochs},
    )


#: Trainings that all go wrong, by name.
MISFORTUNES: dict[str, SimulatedTraining] = {
    "every trial fails": lambda space, trial: Outcome(Status.FAILED, message="ValueError: simulated"),
    "every trial diverges": lambda space, trial: Outcome(Status.DIVERGED, epochs=1, message="simulated"),
    "every trial times out": lambda space, trial: Outcome(Status.TIMED_OUT, message="time: simulated"),
    "every trial is rejected": lambda space, trial: Outcome(Status.REJECTED, message="too large"),
    "every score is NaN": lambda space, trial: Outcome(
        Status.COMPLETED, {"val_accuracy": math.nan}, epochs=trial.proposal.epochs
    ),
    "every score is infinite": lambda space, trial: Outcome(
        Status.COMPLETED, {"val_accuracy": math.inf}, epochs=trial.proposal.epochs
    ),
    "no score is given": lambda space, trial: Outcome(Status.COMPLETED, epochs=trial.proposal.epochs),
    "every score is the same": lambda space, trial: Outcome(
        Status.COMPLETED, {"val_accuracy": 0.5}, epochs=trial.proposal.epochs, parameters=1
    ),
}


@dataclass(frozen=True)
class Asked:
    """One call of an algorithm: what it was shown, and what it proposed."""

    number: int
    seen: History
    proposal: Proposal | None


@dataclass
class SimulatedSearch:
    """A finished search.

    Attributes:
        history: all trials with their outcomes.
        asked: every call of the algorithm, in order.
        exhausted: the message of the SpaceExhaustedError that ended it, or None.
    """

    history: History
    asked: list[Asked] = field(default_factory=list)
    exhausted: str | None = None

    @property
    def proposals(self) -> list[Proposal]:
        """What was proposed, in order."""
        return [trial.proposal for trial in self.history]


def run_search(
    algorithm: Algorithm,
    problem: Problem,
    trials: int,
    *,
    seed: int = 0,
    concurrency: int = 1,
    training: SimulatedTraining = simulated_training,
) -> SimulatedSearch:
    """What a campaign does, with simulated trainings in place of workers.

    Trial n sees the outcomes of the trials below ``n - concurrency + 1``; an algorithm that
    waits is shown one outcome more at a time.

    Raises:
        AssertionError: the algorithm waits although nothing is pending, which would be for ever.
    """
    step: Step = algorithm.bind(problem)
    search = SimulatedSearch(History((), problem.objectives))
    history, told = search.history, 0

    def tell(end: int) -> None:
        nonlocal told
        for number in range(told, end):
            history.tell(number, training(problem.space, history[number]))
        told = max(told, end)

    while len(history) < trials:
        number = len(history)
        proposal = None
        for visible in range(max(0, number - concurrency + 1), number + 1):
            tell(visible)
            seen = history.seen(visible)
            try:
                proposal = step(seen, generator(seed, Purpose.PROPOSAL, number))
            except SpaceExhaustedError as error:
                search.exhausted = str(error)
            search.asked.append(Asked(number, seen, proposal))
            if proposal is not None or search.exhausted is not None:
                break
            assert seen.pending(), (
                f"trial {number}: the algorithm waits (it returned None) although no outcome is pending: the campaign "
                "would never continue. Propose something, or raise SpaceExhaustedError"
            )
        if proposal is None:
            break
        history.append(Trial(number, proposal))
    tell(len(history))
    return search


def next_proposal(
    algorithm: Algorithm,
    space: Space,
    epochs: int,
    objectives: tuple[str, ...],
    trials: list[Trial],
    seed: int,
    number: int,
) -> Proposal | None:
    """What a fresh binding of the algorithm proposes after these trials."""
    chosen = Objectives(objectives)
    step = algorithm.bind(Problem(space, epochs, chosen))
    return step(History(trials, chosen), generator(seed, Purpose.PROPOSAL, number))


def replayed(
    algorithm: Algorithm,
    kind: type[Space],
    definitions: tuple[object, ...],
    space: dict[str, object],
    epochs: int,
    objectives: tuple[str, ...],
    asked: list[tuple[int, list[Trial]]],
    seed: int,
) -> list[Proposal | None]:
    """:func:`next_proposal` for several histories, with the space made anew from its JSON.

    Args:
        algorithm: its settings.
        kind: class of the space; unpickling it imports the module that registers it.
        definitions: of the space; unpickling them makes its genes known.
        space: JSON of the space.
        epochs: full length of training.
        objectives: names of the objectives.
        asked: number and visible trials of every call.
        seed: of the campaign.
    """
    made = Space.from_json(space)
    return [next_proposal(algorithm, made, epochs, objectives, trials, seed, number) for number, trials in asked]


def read_again(trial: Trial) -> Trial:
    """The trial as a resumed campaign reads it: the genome from its JSON, nothing shared."""
    genome = type(trial.genome).from_json(trial.genome.to_json())
    return dataclasses.replace(trial, proposal=dataclasses.replace(trial.proposal, genome=genome))

"""This project's algorithms on a table, through ask and tell."""

from __future__ import annotations

import dataclasses

from benchmarks.search.evaluator import Evaluator
from evo.algorithms import (
    AgingEvolution,
    Algorithm,
    AskTell,
    BayesianOptimization,
    GeneticAlgorithm,
    Hyperband,
    LocalSearch,
    RandomSearch,
    ScreenedEvolution,
    SuccessiveHalving,
)
from evo.core.trial import Outcome, Status, Trial
from evo.errors import SpaceExhaustedError

#: The default with one part changed, for the ablation table.
ABLATIONS: dict[str, Algorithm] = {
    "evo": ScreenedEvolution(),
    "evo without screening": ScreenedEvolution(screening=False),
    "evo without rungs": ScreenedEvolution(eta=0.0),
    "evo without crossover": ScreenedEvolution(crossover=0.0),
    "evo without strangers": ScreenedEvolution(random=0.0),
    "evo without second mutations": ScreenedEvolution(second=0.0),
    "evo with aging": ScreenedEvolution(aging=True),
}

ALGORITHMS: dict[str, Algorithm] = {
    "evo": ScreenedEvolution(),
    "random": RandomSearch(),
    "genetic": GeneticAlgorithm(),
    "aging 100/25": AgingEvolution(),
    "aging 20/10": AgingEvolution(population=20, sample=10),
    "halving": SuccessiveHalving(),
    "hyperband": Hyperband(),
    "bayesian": BayesianOptimization(),
    "local search 10/20": LocalSearch(),
}


def run_own(algorithm: Algorithm, evaluator: Evaluator, seed: int) -> None:
    """Let an algorithm spend the evaluator's budget.

    Raises:
        BudgetSpent: it is spent.
    """
    table = evaluator.table
    if table.rungs is not None and hasattr(algorithm, "rungs"):
        rungs = table.rungs if getattr(algorithm, "eta", 1.0) else (table.epochs,)
        algorithm = dataclasses.replace(algorithm, rungs=rungs)  # type: ignore[call-arg]
    search = AskTell(algorithm, table.space, seed=seed, epochs=table.epochs)
    while True:
        try:
            trial = search.ask()
        except SpaceExhaustedError:
            return
        assert trial is not None
        search.tell(trial.number, trained(evaluator, trial))


def trained(evaluator: Evaluator, trial: Trial) -> Outcome:
    """The outcome of a trial on the table."""
    proposal = trial.proposal
    score = evaluator.train(evaluator.table.space.values(trial.genome), proposal.last_epoch)  # type: ignore[attr-defined]
    return Outcome(Status.COMPLETED, {"val_accuracy": score}, epochs=proposal.epochs)

"""Simulates clusters on a virtual clock: how busy ordered look-ahead and free running keep the workers.

Durations are log-normal with a factor of 10 between their 2.5th and 97.5th percentiles.
"""

from __future__ import annotations

import argparse
import math
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import tidy
from evo.algorithms import Problem, RandomSearch, Step
from evo.campaign.planner import Planner
from evo.core.budget import Budget
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.workers.simulated import SimulatedExecutor
from genomes.domains import Float
from genomes.spaces.vector import vector

#: Standard deviation of the logarithm: 2 * 1.96 of them make a factor of 10.
SIGMA = math.log(10) / (2 * 1.959964)

_COLUMNS = ["workers", "mode", "concurrency", "trials", "busy"]


def busy_share(
    workers: int, concurrency: int, trials: int, deterministic: bool = True, seed: int = 0, dies: float = 0.0
) -> float:
    """Share of the workers' time that is spent on trials while there are trials to propose.

    Proposals come from a campaign's own planner; what is simulated are the trainings.

    Args:
        workers: number of workers.
        concurrency: of the campaign.
        trials: proposals that are made.
        deterministic: ordered look-ahead; otherwise free-running.
        seed: of the durations.
        dies: probability that a trial takes its worker with it (another one starts at once).
    """
    rng = np.random.default_rng(seed)
    durations = rng.lognormal(sigma=SIGMA, size=trials)
    deaths = rng.random(trials) < dies
    problem = Problem(vector({"x": Float(0.0, 1.0)}), 1, Objectives("val_accuracy"))
    planner = Planner(
        RandomSearch().bind(problem),
        _nothing,
        Budget(trials=trials),
        seed,
        concurrency,
        final_share=0.0,
        deterministic=deterministic,
    )
    cluster = SimulatedExecutor(workers, lambda number: durations[number], lambda number: bool(deaths[number]))
    history = History((), problem.objectives)
    running: dict[Future[Any], int] = {}
    while True:
        while len(history) < trials and isinstance(found := planner.next(history), Proposal):
            trial = Trial(len(history), found)
            history.append(trial)
            running[cluster.submit(_trained, trial.number)] = trial.number
        if len(history) == trials:
            # What follows is the end of the budget: no scheduling fills it.
            return cluster.busy_share
        for future in cluster.wait_any(running):
            number = running.pop(future)
            failed = future.exception() is not None
            history.tell(number, Outcome(Status.FAILED) if failed else future.result())


def _trained(number: int) -> Outcome:
    return Outcome(Status.COMPLETED, {"val_accuracy": float(number)}, epochs=1)


_nothing: Step = lambda history, rng: None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--workers", nargs="+", type=int, default=[2, 8, 64], help="numbers of workers")
    parser.add_argument("--factors", nargs="+", type=float, default=[1, 2, 3, 4, 5], help="concurrency / workers")
    parser.add_argument("--trials", type=int, default=1500, help="trials per simulation")
    parser.add_argument("--out", type=Path, help="folder for scheduling.csv")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    rows: list[dict[str, Any]] = []
    for workers in arguments.workers:
        for factor in arguments.factors:
            concurrency = round(factor * workers)
            share = busy_share(workers, concurrency, arguments.trials)
            rows.append(dict(zip(_COLUMNS, (workers, "ordered", concurrency, arguments.trials, share), strict=True)))
        share = busy_share(workers, workers, arguments.trials, deterministic=False)
        rows.append(dict(zip(_COLUMNS, (workers, "free", workers, arguments.trials, share), strict=True)))
    print("| workers | mode | concurrency | busy |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row['workers']} | {row['mode']} | {row['concurrency']} | {row['busy']:.1%} |")
    if arguments.out:
        tidy.write(arguments.out / "scheduling.csv", rows, _COLUMNS)
    return 0

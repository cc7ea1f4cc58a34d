"""Times the driver of a large campaign: what planning one trial and recording its end cost after many others.

Recorded are random genomes with made-up scores; so many workers are busy all the time (free running: what has arrived
is seen). Seconds are of processor time; memory is the most that a process of its own held.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import tidy
from benchmarks.proposals import space
from evo.algorithms import (
    AgingEvolution,
    Algorithm,
    BayesianOptimization,
    LocalSearch,
    MapElites,
    Problem,
    RandomSearch,
    ScreenedEvolution,
    Step,
)
from evo.campaign.planner import Planner
from evo.core.budget import Budget
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial

#: Full length of a training, in epochs.
EPOCHS = 27

ALGORITHMS: dict[str, Algorithm] = {
    "random": RandomSearch(),
    "aging": AgingEvolution(),
    "local search": LocalSearch(),
    "map-elites": MapElites(),
    "bayesian": BayesianOptimization(),
    "evo": ScreenedEvolution(),
}

_COLUMNS = ["algorithm", "trials", "workers", "first_ms", "median_ms", "largest_ms", "megabytes"]


def recorded(trials: int, workers: int, seed: int = 0) -> tuple[History, Problem]:
    """A history of completed trials, the newest as many as there are workers still under way."""
    problem = Problem(space(), EPOCHS, Objectives("val_accuracy"))
    rng = np.random.default_rng(seed)
    history = History((), problem.objectives)
    for number in range(trials + workers):
        history.append(Trial(number, Proposal(problem.space.sample(rng), last_epoch=1)))
        if number < trials:
            history.tell(number, outcome(float(rng.normal()), 1))
    return history, problem


def outcome(score: float, epochs: int) -> Outcome:
    """What came of a trial."""
    return Outcome(Status.COMPLETED, {"val_accuracy": score}, epochs=epochs)


def driver_seconds(algorithm: Algorithm, trials: int, workers: int, repeats: int) -> list[float]:
    """Seconds of planning a trial, appending it, and telling the end of the oldest; the first one reads the history."""
    history, problem = recorded(trials, workers)
    planner = Planner(
        algorithm.bind(problem),
        _nothing,
        Budget(epochs=10**9),
        seed=0,
        concurrency=workers + 1,
        final_share=0.0,
        deterministic=False,
    )
    rng, seconds = np.random.default_rng(1), []
    busy = deque(range(trials, trials + workers))
    for _ in range(repeats):
        begun = time.process_time()
        proposal = planner.next(history)
        if not isinstance(proposal, Proposal):
            raise RuntimeError(f"after {trials} trials nothing was proposed: {proposal}")
        busy.append(len(history))
        history.append(Trial(len(history), proposal))
        number = busy.popleft()
        history.tell(number, outcome(float(rng.normal()), history[number].proposal.epochs))
        seconds.append(time.process_time() - begun)
    return seconds


_nothing: Step = lambda history, rng: None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--trials", nargs="+", type=int, default=[1_000, 10_000, 100_000], help="recorded trials")
    parser.add_argument("--workers", type=int, default=1000, help="trials under way (default: 1000)")
    parser.add_argument("--algorithms", nargs="+", default=list(ALGORITHMS), choices=list(ALGORITHMS))
    parser.add_argument("--repeats", type=int, default=20, help="trials timed at each length (default: 20)")
    parser.add_argument("--out", type=Path, help="folder for scaling.csv")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    rows: list[dict[str, Any]] = []
    print("| algorithm | trials | workers | first, ms | median, ms | largest, ms | memory, MB |\n" + "|---" * 7 + "|")
    for name in arguments.algorithms:
        for trials in arguments.trials:
            # In a process of its own, so that its memory is its own.
            asked = json.dumps([name, trials, arguments.workers, arguments.repeats])
            program = [sys.executable, "-c", "import sys, benchmarks.scaling as s; s.measure(sys.argv[1])", asked]
            printed = subprocess.run(program, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
            rows.append(json.loads(printed.stdout))
            row = "| {algorithm} | {trials} | {workers} | {first_ms:.0f} | {median_ms:.2f} | {largest_ms:.2f} |"
            print(row.format(**rows[-1]) + f" {rows[-1]['megabytes']:.0f} |", flush=True)
    if arguments.out:
        tidy.write(arguments.out / "scaling.csv", rows, _COLUMNS)
    return 0


def measure(asked: str) -> None:
    """Measure what a JSON list asks for (algorithm, trials, workers, repeats), and print it as a JSON object."""
    name, trials, workers, repeats = json.loads(asked)
    seconds = 1000 * np.array(driver_seconds(ALGORITHMS[name], trials, workers, repeats + 1))
    known = {
        "algorithm": name,
        "trials": trials,
        "workers": workers,
        "first_ms": float(seconds[0]),
        "median_ms": float(np.median(seconds[1:])),
        "largest_ms": float(seconds[1:].max()),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(known))

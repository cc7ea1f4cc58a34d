"""Times one proposal of the default search, beside KerasTuner's Bayesian tuner on the same machine.

Seconds are of processor time, so that what else the machine does counts little.

The space has 7 fields (LCBench's); histories are of random genomes with made-up scores.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import tidy
from evo.algorithms import Problem, ScreenedEvolution
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.randomness import Purpose, generator
from evo.core.trial import Outcome, Proposal, Status, Trial
from genomes.domains import Float, Int
from genomes.spaces.vector import VectorSpace, vector

_COLUMNS = ["method", "trials", "median_ms", "largest_ms"]


def space() -> VectorSpace:
    """Seven numbers."""
    return vector(
        {
            "batch_size": Int(16, 512, log=True),
            "learning_rate": Float(1e-4, 1e-1, log=True),
            "momentum": Float(0.1, 0.99),
            "weight_decay": Float(1e-5, 0.1),
            "num_layers": Int(1, 5),
            "max_units": Int(64, 1024, log=True),
            "max_dropout": Float(0.0, 1.0),
        }
    )


def _score(values: dict[str, Any]) -> float:
    return -((np.log10(values["learning_rate"]) + 2) ** 2) - (values["momentum"] - 0.7) ** 2


def own_seconds(trials: int, repeats: int) -> list[float]:
    """Seconds of each proposal after ``trials`` trials; the first one pays for caches."""
    problem = Problem(space(), 27, Objectives("val_accuracy"))
    rng = np.random.default_rng(0)
    history = History((), problem.objectives)
    for number in range(trials):
        genome = problem.space.sample(rng)
        history.append(Trial(number, Proposal(genome, last_epoch=27, final=True)))
        score = _score(problem.space.values(genome))  # type: ignore[attr-defined]
        history.tell(number, Outcome(Status.COMPLETED, {"val_accuracy": score}, epochs=27))
    propose = ScreenedEvolution().bind(problem)
    seconds = []
    for number in range(trials, trials + repeats):
        begin = time.process_time()
        proposal = propose(history, generator(0, Purpose.PROPOSAL, number))
        seconds.append(time.process_time() - begin)
        assert proposal is not None
        history.append(Trial(number, proposal))
        score = _score(problem.space.values(proposal.genome))  # type: ignore[attr-defined]
        history.tell(number, Outcome(Status.COMPLETED, {"val_accuracy": score}, epochs=proposal.epochs))
    return seconds


def keras_tuner_seconds(trials: int, repeats: int) -> list[float]:
    """Seconds of each proposal of KerasTuner's BayesianOptimizationOracle after ``trials`` random ones."""
    import keras_tuner

    parameters = keras_tuner.HyperParameters()
    for name, domain in space().domains.items():
        add = parameters.Int if isinstance(domain, Int) else parameters.Float
        assert isinstance(domain, (Int, Float))
        add(name, domain.low, domain.high, sampling="log" if domain.log else "linear")
    oracle = keras_tuner.oracles.BayesianOptimizationOracle(
        objective=keras_tuner.Objective("score", "max"),
        max_trials=trials + repeats,
        num_initial_points=trials,
        seed=1,
        hyperparameters=parameters,
    )
    seconds = []
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        oracle._set_project_dir(folder, "timing")
        for number in range(trials + repeats):
            begin = time.process_time()
            trial = oracle.create_trial("tuner0")
            if number >= trials:
                seconds.append(time.process_time() - begin)
            oracle.update_trial(trial.trial_id, {"score": _score(trial.hyperparameters.values)})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
    return seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--trials", nargs="+", type=int, default=[20, 200, 1000, 5000], help="lengths of histories")
    parser.add_argument("--repeats", type=int, default=10, help="proposals timed at each length")
    parser.add_argument("--keras-tuner-up-to", type=int, default=200, help="longest history for KerasTuner")
    parser.add_argument("--out", type=Path, help="folder for proposals.csv")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    rows: list[dict[str, Any]] = []
    print("| method | trials | median, ms | largest, ms |\n|---|---|---|---|")
    for method, timed in (("evo", own_seconds), ("keras-tuner bayesian", keras_tuner_seconds)):
        for trials in arguments.trials:
            if method != "evo" and trials > arguments.keras_tuner_up_to:
                continue
            repeats = arguments.repeats if method == "evo" else min(3, arguments.repeats)
            seconds = 1000 * np.array(timed(trials, repeats))
            rows.append(
                dict(zip(_COLUMNS, (method, trials, float(np.median(seconds)), float(seconds.max())), strict=True))
            )
            print("| {method} | {trials} | {median_ms:.0f} | {largest_ms:.0f} |".format(**rows[-1]), flush=True)
    if arguments.out:
        tidy.write(arguments.out / "proposals.csv", rows, _COLUMNS)
    return 0

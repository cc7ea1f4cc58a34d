"""Other people's searches on a table, each the real package through its own ask and tell."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import os
import tempfile
import warnings
from typing import Any

import numpy as np

from benchmarks.search.config_spaces import config_space, plain_values
from benchmarks.search.evaluator import Evaluator
from benchmarks.tables import Table
from genomes.domains import Choice, Domain, Float, Int, Value

#: Trials that the packages are told to plan for: the evaluator ends them before.
_MANY = 100_000


# -- Optuna --------------------------------------------------------------------------
def _optuna_values(trial: Any, table: Table) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, domain in table.space.domains.items():
        if isinstance(domain, Int):
            values[name] = trial.suggest_int(name, domain.low, domain.high, log=domain.log)
        elif isinstance(domain, Float):
            values[name] = trial.suggest_float(name, domain.low, domain.high, log=domain.log)
        else:
            assert isinstance(domain, Choice)
            values[name] = trial.suggest_categorical(name, domain.values)
    return values


def _optuna(evaluator: Evaluator, sampler: Any) -> None:
    """Every trial at full length."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    while True:
        trial = study.ask()
        study.tell(trial, evaluator.train(_optuna_values(trial, evaluator.table), evaluator.table.epochs))


def optuna_tpe(evaluator: Evaluator, seed: int) -> None:
    """Optuna's TPE (Bergstra et al. 2011) as it is by default, every trial at full length."""
    import optuna

    _optuna(evaluator, optuna.samplers.TPESampler(seed=seed))


def optuna_tpe_multivariate(evaluator: Evaluator, seed: int) -> None:
    """Optuna's TPE with one density over all parameters (Falkner et al. 2018), every trial at full length."""
    import optuna

    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    _optuna(evaluator, optuna.samplers.TPESampler(seed=seed, multivariate=True))


def optuna_gp(evaluator: Evaluator, seed: int) -> None:
    """Optuna's Gaussian process (its GPSampler, which needs torch), every trial at full length."""
    import optuna

    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    _optuna(evaluator, optuna.samplers.GPSampler(seed=seed, deterministic_objective=evaluator.table.name != "nb-macro"))


def optuna_tpe_hyperband(evaluator: Evaluator, seed: int) -> None:
    """Optuna's TPE with its Hyperband pruner, told the score after every epoch (or rung)."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    table = evaluator.table
    lengths = evaluator.lengths
    study = optuna.create_study(
        direction="maximize",
        study_name=f"{table.name}-{seed}",  # the pruner's brackets hash it
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.HyperbandPruner(min_resource=lengths[0], max_resource=table.epochs),
    )
    while True:
        trial = study.ask()
        values = _optuna_values(trial, table)
        for length in lengths:
            score = evaluator.train(values, length)
            trial.report(score, length)
            if length < table.epochs and trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, score)


# -- DEHB ----------------------------------------------------------------------------
def dehb(evaluator: Evaluator, seed: int) -> None:
    """DEHB (Awad et al. 2021), fidelities rounded up to what the table knows."""
    from dehb import DEHB
    from loguru import logger

    logger.remove()
    table = evaluator.table
    lengths = evaluator.lengths
    # With one length only there is nothing to halve: a ladder of one step is DEHB's smallest.
    lowest = lengths[0] if len(lengths) > 1 else table.epochs / 3
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        search = DEHB(
            f=lambda config, fidelity: {},
            cs=config_space(table, seed),
            dimensions=len(table.space.domains),
            min_fidelity=lowest,
            max_fidelity=table.epochs,
            eta=3,
            n_workers=1,
            seed=seed,
            output_path=folder,
            log_level="CRITICAL",
        )
        while True:
            job = search.ask()
            length = next(known for known in lengths if known >= math.floor(job["fidelity"] + 1e-6))
            score = evaluator.train(plain_values(table, job["config"]), length)
            search.tell(job, {"fitness": -score, "cost": length})


# -- KerasTuner ------------------------------------------------------------------------
def _keras_tuner_space(table: Table) -> Any:
    import keras_tuner

    parameters = keras_tuner.HyperParameters()
    for name, domain in table.space.domains.items():
        sampling = "log" if getattr(domain, "log", False) else "linear"
        if isinstance(domain, Int):
            parameters.Int(name, domain.low, domain.high, sampling=sampling)
        elif isinstance(domain, Float):
            parameters.Float(name, domain.low, domain.high, sampling=sampling)
        else:
            assert isinstance(domain, Choice)
            parameters.Choice(name, [str(value) for value in domain.values], ordered=False)
    return parameters


def _from_keras_tuner(values: dict[str, Any], domains: dict[str, Domain]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, domain in domains.items():
        if isinstance(domain, Choice):
            found[name] = next(value for value in domain.values if str(value) == values[name])
        else:
            found[name] = domain.validate(values[name], name)
    return found


def _drive_oracle(oracle: Any, evaluator: Evaluator, name: str) -> None:
    table = evaluator.table
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        oracle._set_project_dir(folder, name)
        while True:
            trial = oracle.create_trial("tuner0")
            if trial.status != "RUNNING":
                return
            given = trial.hyperparameters.values
            epochs = given.get("tuner/epochs", table.epochs)
            length = next(known for known in evaluator.lengths if known >= epochs)
            score = evaluator.train(_from_keras_tuner(given, table.space.domains), length)
            oracle.update_trial(trial.trial_id, {"score": score})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)


def _keras_tuner(evaluator: Evaluator, seed: int, kind: str, **settings: Any) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras_tuner

    logging.getLogger("keras_tuner").setLevel(logging.ERROR)
    oracle = getattr(keras_tuner.oracles, kind)(
        objective=keras_tuner.Objective("score", "max"),
        seed=seed + 1,  # it takes a seed of 0 for none
        hyperparameters=_keras_tuner_space(evaluator.table),
        **settings,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _drive_oracle(oracle, evaluator, kind)


def keras_tuner_random(evaluator: Evaluator, seed: int) -> None:
    """KerasTuner's RandomSearchOracle, every trial at full length."""
    _keras_tuner(evaluator, seed, "RandomSearchOracle", max_trials=_MANY)


def keras_tuner_bayesian(evaluator: Evaluator, seed: int) -> None:
    """KerasTuner's BayesianOptimizationOracle with its defaults: seconds per proposal."""
    _keras_tuner(evaluator, seed, "BayesianOptimizationOracle", max_trials=_MANY)


def keras_tuner_hyperband(evaluator: Evaluator, seed: int) -> None:
    """KerasTuner's HyperbandOracle, factor 3, lengths rounded up to what the table knows."""
    _keras_tuner(
        evaluator,
        seed,
        "HyperbandOracle",
        max_epochs=evaluator.table.epochs,
        factor=3,
        hyperband_iterations=1000,
    )


# -- local search ------------------------------------------------------------------------
def local_search(evaluator: Evaluator, seed: int) -> None:
    """Local search (White et al. 2021): to the first better neighbour; at a local optimum anew at random.

    After 3 mutations per field without gain a point counts as a local optimum.
    """
    rng = np.random.default_rng(seed)
    table = evaluator.table
    patience = 3 * len(table.space.domains)
    known: set[str] = set()

    def score(genome: Any) -> float:
        known.add(table.space.key(genome))
        return evaluator.train(table.space.values(genome), table.epochs)

    while True:
        here = table.space.sample(rng)
        best, failures = score(here), 0
        while failures < patience:
            neighbour = table.space.mutate(here, rng)
            failures += 1
            if table.space.key(neighbour) in known:
                continue
            found = score(neighbour)
            if found > best:
                here, best, failures = neighbour, found, 0

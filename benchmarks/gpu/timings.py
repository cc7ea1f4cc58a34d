"""What is timed: precisions and Keras' own fit in turns, and workers that share a device; all of it in workers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from benchmarks.throughput.candidates import Inputs, genomes
from evo.training import train
from evo.training.task import TrainingSettings, TrialReport, TrialTask
from evo.workers import LocalProcesses, settle
from genomes.genome import Genome

#: How a model is trained: by evo in a precision, or by Keras' ``fit`` in float32.
WAYS = ("float32", "mixed_bfloat16", "mixed_float16", "Keras' fit")

_models: list[tuple[Any, Any, Any, int]] = []


def training(
    inputs: Inputs, rows: int, epochs: int, repeats: int, models: Mapping[str, Genome]
) -> Iterator[dict[str, Any]]:
    """Each model in each way, in turns.

    Every pair of model and way has a worker of its own. All of them compile at once, in a first epoch that is not
    counted; then one trains at a time, and each goes on with its own weights.

    Args:
        inputs: the data.
        rows: their training rows.
        epochs: of each training.
        repeats: trainings of each pair.
        models: the genomes by name.

    Yields:
        For each training: subject, way, repeat, parameters, seconds, rows a second, and the validation accuracy
        after its last epoch; ``first`` is the seconds from the start of the worker to the end of the first epoch.
    """
    with contextlib.ExitStack() as stack:
        pools, first, began = {}, {}, time.perf_counter()
        ready: dict[Any, float] = {}
        for subject, genome in models.items():
            for way in WAYS:
                pair = (subject, way)
                pools[pair] = stack.enter_context(LocalProcesses(1, _settings(), replace_after=10**6))
                task = inputs.task(0, genome, 0, 1, 0, f"{subject}-{way}-first", _settings(way))
                future: Future[Any] = pools[pair].submit(compile_fit if way == WAYS[-1] else train, task)
                future.add_done_callback(partial(_note, ready, pair, began))
                first[pair] = (future, task)
        states = {pair: _result(future, task) for pair, (future, task) in first.items()}
        for repeat in range(repeats):
            for pair, pool in pools.items():
                subject, way = pair
                done = 1 + repeat * epochs
                row: dict[str, Any] = {"subject": subject, "way": way, "repeat": repeat}
                found: dict[str, Any]
                if way == WAYS[-1]:
                    seconds, accuracy, parameters = pool.submit(go_on_with_fit, epochs).result()
                    found = {"parameters": parameters, "seconds": seconds, "val_accuracy": accuracy, "message": ""}
                else:
                    task = inputs.task(
                        repeat + 1, models[subject], done, done + epochs, 0, f"{subject}-{way}-{repeat}",
                        _settings(way), start=states[pair].state,
                    )  # fmt: skip
                    states[pair] = settle(pool.submit(train, task), task)
                    found = _measured(states[pair])
                yield {**row, **found, "rows_per_second": rows * epochs / found["seconds"], "first": ready[pair]}


def _note(ready: dict[Any, float], pair: Any, began: float, _: Future[Any]) -> None:
    ready[pair] = time.perf_counter() - began


def _result(future: Future[Any], task: TrialTask) -> Any:
    return future.result() if isinstance(future.result(), str) else settle(future, task)


def _settings(way: str = "float32") -> TrainingSettings:
    return TrainingSettings(precision="float32" if way == WAYS[-1] else way, deterministic=False)


def _measured(report: TrialReport) -> dict[str, Any]:
    outcome = report.outcome
    return {
        "parameters": outcome.parameters,
        "seconds": outcome.seconds.get("train", float("nan")),
        "val_accuracy": outcome.scores.get("val_accuracy"),
        "message": outcome.message,
    }


def compile_fit(task: TrialTask) -> str:
    """In a worker: make the task's model, compile it as Keras has it, and train a first epoch."""
    import keras
    import numpy as np

    from evo.training.task_inputs import load_preprocessing
    from genomes.spaces.base import Space

    space, genome = Space.from_json(task.space), Genome.from_json(task.genome)
    arrays = {name: np.load(f"{task.data.directory}/{file}") for name, file in task.data.arrays.items()}
    keras.utils.set_random_seed(task.seed)
    model = space.build(genome, load_preprocessing(task.preprocessing), dtype="float32", seed=task.seed)
    model.compile(space.optimizer(genome), space.loss(genome), metrics=["accuracy"])
    size = int(space.batch_size(genome))
    data, validation = (
        (arrays[f"x_{part}"].astype(np.float32), arrays[f"y_{part}"]) for part in ("train", "validation")
    )
    model.fit(*data, batch_size=size, epochs=1, verbose=0)
    model.evaluate(*validation, verbose=0)
    _models[:] = [(model, data, validation, size)]
    return "compiled"


def go_on_with_fit(epochs: int) -> tuple[float, float, int]:
    """In the same worker: seconds of further epochs, the validation accuracy after them, the number of parameters."""
    model, data, validation, size = _models[0]
    began = time.perf_counter()
    model.fit(*data, batch_size=size, epochs=epochs, verbose=0)
    seconds = time.perf_counter() - began
    found = model.evaluate(*validation, verbose=0, return_dict=True)
    return seconds, float(found["accuracy"]), int(model.count_params())


def sharing(inputs: Inputs, count: int, epochs: int, workers: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Different candidates, as a campaign has them, by several workers on one device.

    The workers are up, and each has trained one other candidate, before the clock starts.

    Yields:
        For each number of workers: candidates, seconds, candidates a minute, failures, and the seconds that the
        workers spent in the first calls of functions (which compile) and in the others.
    """
    candidates = genomes(count + 1)
    with contextlib.ExitStack() as stack:
        pools = {n: stack.enter_context(LocalProcesses(n, _settings(), replace_after=10**6)) for n in workers}
        first = []
        for number, pool in pools.items():
            for n in range(number):
                task = inputs.task(n, candidates[count], 0, 1, n, f"first-{number}", _settings())
                first.append((pool.submit(train, task), task))
        for future, task in first:
            settle(future, task)
        for number, pool in pools.items():
            tasks = [
                inputs.task(n, genome, 0, epochs, n, f"shared-{number}", _settings())
                for n, genome in enumerate(candidates[:count])
            ]
            began = time.perf_counter()
            futures = [pool.submit(train, task) for task in tasks]
            reports = [settle(future, task) for future, task in zip(futures, tasks, strict=True)]
            seconds = time.perf_counter() - began
            failed = [report.outcome.message for report in reports if not report.outcome.completed]
            spent = {
                phase: sum(report.outcome.seconds.get(phase, 0.0) for report in reports)
                for phase in ("build", "trace", "train")
            }
            yield {
                "workers": number, "candidates": count, "seconds": seconds, "per_minute": 60 * count / seconds,
                **spent, "failed": len(failed), "message": failed[0] if failed else "",
            }  # fmt: skip

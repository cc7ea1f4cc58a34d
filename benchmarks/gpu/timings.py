"""What is timed: precisions, workers that share a device, Keras' own fit; every figure comes from a worker."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.gpu.subjects import subjects
from benchmarks.throughput.candidates import Inputs, genomes
from benchmarks.throughput.our_side import done
from evo.training.task import TrainingSettings, TrialReport, TrialTask
from evo.workers import LocalProcesses
from genomes.genome import Genome

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def precision(inputs: Inputs, rows: int, epochs: int, repeats: int, quick: bool) -> list[dict[str, Any]]:
    """Each subject in each precision, in turns, by one worker that has compiled everything before.

    Args:
        inputs: the data.
        rows: their training rows.
        epochs: of each training.
        repeats: trainings with different seeds.
        quick: see :func:`~benchmarks.gpu.subjects.subjects`.

    Returns:
        One row for each training: subject, precision, repeat, parameters, seconds, rows a second and validation
        accuracy, and the seconds of the compilation before.
    """
    found = []
    for subject, genome in subjects(quick).items():
        with LocalProcesses(1, _settings(), replace_after=10**6) as pool:
            compiling = {}
            for name in PRECISIONS:
                report = done(pool, [_precision_task(inputs, genome, 0, name, 1, f"{subject}-first-{name}")])[0]
                compiling[name] = report.outcome.seconds.get("trace")
            for repeat in range(repeats):
                for name in PRECISIONS:
                    task = _precision_task(inputs, genome, repeat, name, epochs, f"{subject}-{name}-{repeat}")
                    report = done(pool, [task])[0]
                    found.append({"subject": subject, "precision": name, "repeat": repeat}
                                 | _measured(report, rows * epochs) | {"compiling": compiling[name]})  # fmt: skip
    return found


def _precision_task(inputs: Inputs, genome: Genome, seed: int, name: str, epochs: int, folder: str) -> TrialTask:
    return inputs.task(seed, genome, 0, epochs, seed, folder, _settings(name))


def _settings(precision: str = "float32") -> TrainingSettings:
    return TrainingSettings(precision=precision, deterministic=False)


def _measured(report: TrialReport, rows: int) -> dict[str, Any]:
    outcome = report.outcome
    seconds = outcome.seconds.get("train", float("nan"))
    return {
        "parameters": outcome.parameters,
        "seconds": seconds,
        "rows_per_second": rows / seconds,
        "val_accuracy": outcome.scores.get("val_accuracy"),
        "message": outcome.message,
    }


def sharing(inputs: Inputs, count: int, epochs: int, workers: tuple[int, ...] = (1, 2, 4)) -> list[dict[str, Any]]:
    """Different candidates, as a campaign has them, by several workers on one device.

    The workers are up, and each has trained one other candidate, before the clock starts.

    Returns:
        One row for each number of workers: candidates, seconds, candidates a minute, failures.
    """
    candidates = genomes(count + 1)
    found = []
    for number in workers:
        with LocalProcesses(number, _settings(), replace_after=10**6) as pool:
            first = [inputs.task(n, candidates[count], 0, 1, n, f"first-{number}", _settings()) for n in range(number)]
            done(pool, first)
            tasks = [
                inputs.task(n, genome, 0, epochs, n, f"shared-{number}", _settings())
                for n, genome in enumerate(candidates[:count])
            ]
            began = time.perf_counter()
            reports = done(pool, tasks)
            seconds = time.perf_counter() - began
        failed = [report.outcome.message for report in reports if not report.outcome.completed]
        spent = {
            phase: sum(report.outcome.seconds.get(phase, 0.0) for report in reports) for phase in ("trace", "train")
        }
        found.append(
            {"workers": number, "candidates": count, "seconds": seconds, "per_minute": 60 * count / seconds}
            | spent | {"failed": len(failed), "message": failed[0] if failed else ""}
        )  # fmt: skip
    return found


def beside_fit(inputs: Inputs, rows: int, epochs: int, repeats: int, quick: bool) -> list[dict[str, Any]]:
    """Each subject by evo's engine and by ``model.fit``, in float32, in turns, both after one epoch that compiles.

    Returns:
        One row for each training: subject, side, repeat, seconds, rows a second, validation accuracy.
    """
    found = []
    for subject, genome in subjects(quick).items():
        with LocalProcesses(1, _settings(), replace_after=10**6) as pool:
            done(pool, [inputs.task(0, genome, 0, 1, 0, f"fit-{subject}-first", _settings())])
            for repeat in range(repeats):
                task = inputs.task(repeat, genome, 0, epochs, repeat, f"fit-{subject}-{repeat}", _settings())
                ours = _measured(done(pool, [task])[0], rows * epochs)
                seconds, accuracy = pool.submit(by_fit, task).result()
                theirs = {"seconds": seconds, "rows_per_second": rows * epochs / seconds, "val_accuracy": accuracy}
                names = ("seconds", "rows_per_second", "val_accuracy")
                for side, values in (("evo", ours), ("fit", theirs)):
                    found.append({"subject": subject, "side": side, "repeat": repeat}
                                 | {name: values[name] for name in names})  # fmt: skip
    return found


def by_fit(task: TrialTask) -> tuple[float, float]:
    """In a worker: the task's model, compiled and trained by Keras alone.

    Returns:
        Seconds of all epochs after a first one that compiles and is not counted, and the validation accuracy.
    """
    import keras
    import numpy as np

    from evo.training.task_inputs import load_preprocessing
    from genomes.spaces.base import Space

    space, genome = Space.from_json(task.space), Genome.from_json(task.genome)
    arrays = {name: np.load(f"{task.data.directory}/{file}") for name, file in task.data.arrays.items()}
    keras.utils.set_random_seed(task.seed)
    preprocessing = load_preprocessing(task.preprocessing)
    model = space.build(genome, preprocessing, dtype="float32", seed=task.seed)
    model.compile(space.optimizer(genome), space.loss(genome), metrics=["accuracy"])
    size = int(space.batch_size(genome))
    x, y = arrays["x_train"].astype(np.float32), arrays["y_train"]
    before = model.get_weights()
    model.fit(x, y, batch_size=size, epochs=1, verbose=0)
    model.set_weights(before)
    began = time.perf_counter()
    model.fit(x, y, batch_size=size, epochs=task.last_epoch, verbose=0)
    seconds = time.perf_counter() - began
    inputs = arrays["x_validation"].astype(np.float32)
    found = model.evaluate(inputs, arrays["y_validation"], verbose=0, return_dict=True)
    return seconds, float(found["accuracy"])

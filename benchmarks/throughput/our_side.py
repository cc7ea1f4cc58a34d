"""The same candidates through :class:`evo.workers.LocalProcesses`."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.throughput.candidates import EPOCHS, Inputs, genomes
from evo.core.trial import Status
from evo.training import train
from evo.training.task import TrialReport, TrialTask
from evo.workers import LocalProcesses, settle


def done(pool: LocalProcesses, tasks: list[TrialTask], call: Any = train) -> list[TrialReport]:
    """Do all tasks."""
    futures = [pool.submit(call, task) for task in tasks]
    return [settle(future, task) for future, task in zip(futures, tasks, strict=True)]


def arithmetic(task: TrialTask) -> TrialReport:
    """In a worker: train twice; the second report has nothing in ``train`` and ``evaluate`` but warm loops."""
    train(task)
    return train(TrialTask(**{**task.__dict__, "directory": task.directory + "-again", "seed": task.seed + 1}))


def measure(inputs: Inputs, count: int, seed: int, workers: int, shares: bool) -> dict[str, Any]:
    """Train the candidates; the workers are up and have trained one candidate each before the clock starts.

    Args:
        inputs: the data.
        count: number of candidates.
        seed: seeds weights and order.
        workers: worker processes of one thread each.
        shares: train everything once more to tell the arithmetic from the rest.
    """
    candidates = genomes(count + 1)
    with LocalProcesses(workers, replace_after=10**6) as pool:
        began = time.perf_counter()
        done(pool, [inputs.task(-1 - n, candidates[count], 0, EPOCHS, seed, f"warm-{seed}") for n in range(workers)])
        start_up = time.perf_counter() - began
        tasks = [
            inputs.task(n, genome, 0, EPOCHS, seed * 1000 + n, f"ours-{seed}")
            for n, genome in enumerate(candidates[:-1])
        ]
        began = time.perf_counter()
        reports = done(pool, tasks)
        seconds = time.perf_counter() - began
        phases: dict[str, float] = {}
        for report in reports:
            for phase, spent in report.outcome.seconds.items():
                phases[phase] = phases.get(phase, 0.0) + spent
        result: dict[str, Any] = {
            "seconds": seconds,
            "start_up": start_up,
            "phases": phases,
            "failed": sum(report.outcome.status is not Status.COMPLETED for report in reports),
            "accuracies": [report.outcome.scores.get("val_accuracy", float("nan")) for report in reports],
        }
        if shares:
            again = [
                inputs.task(n, genome, 0, EPOCHS, seed * 1000 + n, f"share-{seed}")
                for n, genome in enumerate(candidates[:-1])
            ]
            warm = done(pool, again, arithmetic)
            result["warm_train"] = sum(report.outcome.seconds.get("train", 0.0) for report in warm)
            result["warm_evaluate"] = sum(report.outcome.seconds.get("evaluate", 0.0) for report in warm)
    return result


def climb(inputs: Inputs, count: int) -> list[dict[str, Any]]:
    """Trials that climb a rung on a warm worker: what is spent besides training and evaluation."""
    rows = []
    with LocalProcesses(1, replace_after=10**6) as pool:
        for number, genome in enumerate(genomes(count)):
            first = done(pool, [inputs.task(2 * number, genome, 0, 1, number, "climb")])[0]
            began = time.perf_counter()
            task = inputs.task(2 * number + 1, genome, 1, 3, number, "climb", start=first.state)
            second = done(pool, [task])[0]
            wall = time.perf_counter() - began
            spent = second.outcome.seconds
            rows.append(
                {
                    "candidate": number,
                    "status": second.outcome.status.value,
                    "parameters": second.outcome.parameters,
                    "wall": wall,
                    "overhead": wall - spent.get("train", 0.0) - spent.get("evaluate", 0.0),
                    "traced_again": "trace" in spent,
                }
            )
    return rows


def memory(inputs: Inputs, count: int, workers: int) -> list[dict[str, Any]]:
    """Bytes that driver and workers hold after each of many candidates."""
    import psutil

    rows = []
    me = psutil.Process()
    with LocalProcesses(workers) as pool:
        waiting: list[tuple[Any, TrialTask]] = []
        candidates = genomes(count)
        for number in range(count + workers):
            if number < count:
                task = inputs.task(number, candidates[number], 0, 1, number, "memory")
                waiting.append((pool.submit(train, task), task))
            if number < workers:
                continue
            report = settle(*waiting.pop(0))
            held = [_resident(child) for child in me.children(recursive=True)]
            rows.append(
                {
                    "candidate": number - workers,
                    "status": report.outcome.status.value,
                    "driver": me.memory_info().rss,
                    "workers": sum(held),
                    "processes": len(held),
                }
            )
    return rows


def _resident(process: Any) -> int:
    import psutil

    try:
        # Workers are forked: pages that they share count once, by their share.
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0

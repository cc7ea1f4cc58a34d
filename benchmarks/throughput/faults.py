"""Trials that crash, hang, diverge or eat memory, among others that do not."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np

from benchmarks.throughput.candidates import Inputs
from evo.core.trial import Status
from evo.training.task import TrainingSettings, TrialReport, TrialTask
from evo.workers import LocalProcesses, settle
from genomes.costs import Cost, Shape
from genomes.domains import Choice
from genomes.gene import Gene
from genomes.genes.layers import Conv, GlobalPool
from genomes.genes.training import ImageTraining
from genomes.genome import Genome

KINDS = ("crash", "hang", "diverge", "memory")
#: Limits of a trial.
SECONDS = 10.0
BYTES = 5 * 2**28


class FaultyGene(Gene):
    """A gene of a user with a bad day."""

    kind = Choice(["crash", "hang", "memory"])

    def build(self, x: Any) -> Any:
        """Never returns."""
        if self.kind == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        eaten: list[bytes] = []
        while True:
            if self.kind == "memory":
                eaten.append(b"x" * 2**24)
            time.sleep(0.001)

    def output_shape(self, shape: Shape) -> Shape:
        """As if it did nothing."""
        return shape

    def cost(self, shape: Shape) -> Cost:
        """As if it did nothing."""
        return Cost()


def genome(kind: str | None, number: int) -> Genome:
    """A small good genome, or one that fails in the given way."""
    rate = 1e-3
    genes: list[Gene] = [Conv(number * 10 + 1, filters=8 + number % 8, normalization="none", activation="relu")]
    if kind == "diverge":
        training: Gene = ImageTraining(number * 10 + 5, optimizer="sgd", learning_rate=10.0, momentum=0.999)
        genes[0] = genes[0].replace(activation="linear", filters=64)
        genes += [genes[0].replace(innovation=number * 10 + 6 + n) for n in range(3)]
    else:
        training = ImageTraining(number * 10 + 5, learning_rate=rate)
        if kind is not None:
            genes.append(FaultyGene(number * 10 + 2, kind=kind))
    genes.append(GlobalPool(number * 10 + 3))
    return Genome(genes, training)


def train_here(task: TrialTask) -> TrialReport:
    """``evo.training.train``; importing this module makes the faulty gene known to the worker."""
    from evo.training import train

    return train(task)


def right(kind: str | None, report: TrialReport) -> bool:
    """Whether an outcome tells what happened."""
    outcome = report.outcome
    expected: dict[str | None, tuple[Status, str]] = {
        None: (Status.COMPLETED, ""), "crash": (Status.FAILED, "SIGSEGV"),
        "hang": (Status.TIMED_OUT, f"more than {SECONDS:g} s"),
        "diverge": (Status.DIVERGED, "the loss"), "memory": (Status.FAILED, "memory"),
    }  # fmt: skip
    status, text = expected[kind]
    return outcome.status is status and text in outcome.message


def measure(inputs: Inputs, good: int, each: int, workers: int, seed: int = 0) -> dict[str, Any]:
    """Wall-clock and outcomes with the faults and without.

    Args:
        inputs: the data.
        good: trials that are well.
        each: trials of each kind of fault.
        workers: worker processes.
        seed: order of the trials.
    """
    settings = TrainingSettings(seconds=SECONDS, memory=BYTES)
    kinds: list[str | None] = [None] * good + [kind for kind in KINDS for _ in range(each)]
    order = np.random.default_rng(seed).permutation(len(kinds))
    mixed = [(kinds[n], genome(kinds[n], int(n) + 1)) for n in order]
    alone = [(kind, made) for kind, made in mixed if kind is None]
    seconds, reports = {}, {}
    for name, trials in (("alone", alone), ("mixed", mixed)):
        with LocalProcesses(workers, settings) as pool:
            tasks = [inputs.task(n, made, 0, 3, n, f"faults-{name}", settings) for n, (_, made) in enumerate(trials)]
            for future in [pool.submit(os.getpid) for _ in range(workers)]:
                future.result()
            began = time.perf_counter()
            futures = [pool.submit(train_here, task) for task in tasks]
            reports[name] = [settle(future, task) for future, task in zip(futures, tasks, strict=True)]
            seconds[name] = time.perf_counter() - began
    wrong = [
        f"{kind or 'good'}: {report.outcome.status.value}: {report.outcome.message}"
        for (kind, _), report in zip(mixed, reports["mixed"], strict=True)
        if not right(kind, report)
    ]
    count = len(mixed) - len(alone)
    good_wrong = sum(text.startswith("good") for text in wrong)
    limits = each * SECONDS / workers
    return {
        "trials": len(mixed), "right_outcomes": len(alone) - good_wrong, "good": len(alone),
        "right_causes": count - (len(wrong) - good_wrong), "faults": count, "wrong": wrong,
        "seconds_alone": seconds["alone"], "seconds_mixed": seconds["mixed"], "limits": limits,
        "ratio": (seconds["mixed"] - limits) / seconds["alone"],
    }  # fmt: skip

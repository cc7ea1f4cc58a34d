"""One run in a process of its own: ``python -m benchmarks.tuners.one_run SPEC.json``.

A fresh process per run: threads can be set before TensorFlow starts, memory
that earlier models leaked is gone, and the clock includes the same imports for
everyone. The clock starts when the data is loaded.
"""

from __future__ import annotations

import math
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from benchmarks import machine, tidy
from benchmarks.tasks import Task, load_file
from benchmarks.tuners.metering import Meter
from benchmarks.tuners.methods import METHODS
from benchmarks.tuners.runs import SHARED, Delivery, RunSpec, write_results


def _run(task: Task, spec: RunSpec, meter: Meter) -> Delivery:
    method = METHODS[spec.method]
    if method.side == "keras_tuner":
        from benchmarks.tuners import keras_tuner_methods

        return keras_tuner_methods.run(method.tuner, method.space, task, spec, meter)
    if method.side == "optuna":
        from benchmarks.tuners import optuna_method

        return optuna_method.run(task, spec, meter)
    if method.side == "boosting":
        from benchmarks.tuners import boosting_method

        return boosting_method.run(task, spec, meter)
    if method.side == "autokeras":
        from benchmarks.tuners import autokeras_method

        return autokeras_method.run(task, spec, meter)
    from benchmarks.tuners import evo_methods

    return evo_methods.run(method.tuner, method.space, task, spec, meter)


def _end_with_parent() -> None:
    """End this process and its workers as soon as the command that started it is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os.killpg(os.getpgid(0), signal.SIGKILL)

    if os.getpgid(0) == os.getpid():  # only in a session of its own, as the command makes it
        threading.Thread(target=watch, daemon=True).start()


def main(path: str) -> int:
    """Do the run that the spec describes and write its files; ``run.json`` comes last."""
    _end_with_parent()
    spec = RunSpec.read(path)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: spec.cores])
    task = load_file(spec.task_file)
    folder = Path(spec.folder)
    regression = task.target == "regression"
    meter = Meter(
        spec.allowance,
        len(task.y_train),
        (lambda a, b: a < b) if regression else (lambda a, b: a > b),
        started=time.monotonic(),
    )
    delivery = _run(task, spec, meter)
    run = {"task": task.name, "method": spec.method, "seed": spec.seed, "budget": spec.allowance.label}
    write_results(folder, run, task, meter, delivery)
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    last = meter.trials[-1].finished if meter.trials else math.nan
    tidy.write_json(
        folder / "run.json",
        {
            **run,
            "task_fingerprint": task.fingerprint,
            "kind": task.kind,
            "target": task.target,
            **{f"rows_{role}": count for role, count in task.rows.items()},
            "trials": len(meter.trials),
            "failed": meter.failed,
            "epochs": meter.epochs,
            "samples": meter.samples,
            "seconds": last,
            "proposing": meter.proposing,
            "training": meter.training,
            "after_search": delivery.after_search,
            "ended": delivery.ended,
            "peak_memory_mib": round(max(usage) / 1024),
            **{name: getattr(spec, name) for name in SHARED},
            "notes": delivery.notes,
            "machine": machine.describe(),
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""The runs of ``python -m benchmarks tuners``: which are missing, in what order, one at a time."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import machine, tidy
from benchmarks.tasks import NAMED, Task, TaskError, load, load_file
from benchmarks.tuners import methods as method_list
from benchmarks.tuners import report
from benchmarks.tuners.metering import Allowance
from benchmarks.tuners.methods import Method
from benchmarks.tuners.runs import SHARED, RunSpec

#: Seconds past a wall-clock budget after which a run is ended from outside.
GRACE = 900.0


def _sizes(given: list[str]) -> dict[str, int]:
    """``--train-size`` by task; "" for all others."""
    sizes: dict[str, int] = {}
    for text in given:
        name, _, number = text.rpartition("=")
        if not number.isdigit():
            raise TaskError(f"--train-size: expected N or TASK=N, got {text!r}")
        sizes[name] = int(number)
    return sizes


def _tasks(arguments: argparse.Namespace, out: Path) -> Iterator[tuple[int, str, Path, Task]]:
    """Every task and seed: seed, given name, file, task; seeds outermost."""
    sizes = _sizes(arguments.train_size)
    for seed in range(1, arguments.seeds + 1):
        for name in arguments.task:
            size = sizes.get(name, sizes.get(""))
            label = name if name in NAMED else Path(name).stem
            path = out / "tasks" / f"{label}-{'all' if size is None else size}-{seed}.npz"
            task = load(name, arguments.data, size, seed, arguments.target)
            if path.exists():
                if load_file(path).fingerprint != task.fingerprint:
                    raise TaskError(f"--out: {path.name} there holds other data than --task {name} gives now")
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                task.save(path)
            yield seed, name, path, task


def _environment(method: Method, cores: int) -> dict[str, str]:
    """Threads: one process with ``cores`` threads for all but us; our workers get theirs from the campaign."""
    threads = "1" if method.side == "evo" else str(cores)
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    chosen = dict.fromkeys(names, threads)
    chosen["TF_NUM_INTEROP_THREADS"] = threads
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, **chosen, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "PYTHONPATH": path}


def _execute(spec: RunSpec, method: Method, limit: float | None) -> str:
    """Do one run; returns an empty string, or what went wrong."""
    folder = Path(spec.folder)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    path = spec.write()
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.tuners.one_run", str(path)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(method, spec.cores),
            start_new_session=True,
        )
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if (folder / "run.json").exists():
        return ""
    tail = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    return ("took too long" if status is None else f"exit status {status}") + ": " + " | ".join(tail)


def _check_settings(run: dict[str, Any], spec: RunSpec, task: Task) -> None:
    """A finished run must be of the same data and settings.

    Raises:
        TaskError: it is not; names what differs.
    """
    if run["task_fingerprint"] != task.fingerprint:
        raise TaskError(
            f"--out: the finished run {spec.method} {spec.seed} of {task.name} used other data (or --train-size)"
        )
    for name in SHARED:
        if run[name] != getattr(spec, name):
            flag = "--" + name.replace("_", "-")
            raise TaskError(
                f"{flag}: runs in --out used {run[name]}, got {getattr(spec, name)}; "
                "give the same value or another --out"
            )


def _planned(arguments: argparse.Namespace, out: Path) -> list[tuple[RunSpec, Method, bool]]:
    """All runs in order, and whether each is finished: methods innermost, each block beginning with another."""
    chosen = method_list.expand(arguments.methods)
    for method in chosen:
        if not method.available:
            raise TaskError(f"--methods: {method.name} needs the package {method.needs!r}, which is not installed")
        if method.side == "autokeras" and not arguments.autokeras_python:
            raise TaskError("--methods: autokeras needs --autokeras-python PATH")
    allowance = Allowance(arguments.minutes, arguments.epochs)
    finished = report.finished_runs(out)
    planned = []
    for block, (seed, _, path, task) in enumerate(_tasks(arguments, out)):
        fitting = [method for method in chosen if method.applies(task)]
        turn = block % len(fitting) if fitting else 0
        for method in fitting[turn:] + fitting[:turn]:
            folder = out / "runs" / task.name / allowance.label / method.name / str(seed)
            spec = RunSpec(
                task_file=str(path),
                method=method.name,
                seed=seed,
                minutes=arguments.minutes,
                epochs=arguments.epochs,
                trial_epochs=arguments.trial_epochs,
                patience=arguments.patience,
                top=arguments.top,
                ensemble=arguments.ensemble,
                cores=arguments.cores,
                precision=arguments.precision,
                folder=str(folder),
                extra={
                    "autokeras_python": arguments.autokeras_python,
                    "keep_models": arguments.keep_models,
                    "reserve": arguments.reserve,
                    "trees": arguments.trees,
                },
            )
            found = finished.get((task.name, method.name, seed, allowance.label))
            if found is not None:
                _check_settings(found, spec, task)
            planned.append((spec, method, found is not None))
    return planned


def _interrupted(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def run(arguments: argparse.Namespace) -> int:
    """Do the runs that are missing, then report.

    Returns:
        0 if all runs asked for are finished, 1 if some failed or were left for later, 2 for a wrong call.
    """
    out = Path(arguments.out)
    if arguments.report_only:
        return report.write(out)
    try:
        if not arguments.task:
            raise TaskError("--task: at least one task is needed")
        if arguments.seeds < 1:
            raise TaskError(f"--seeds: expected at least 1, got {arguments.seeds}")
        if machine.cores() < arguments.cores:
            raise TaskError(f"--cores: this machine has {machine.cores()}, got {arguments.cores}")
        planned = _planned(arguments, out)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    _remember_command(out)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupted)
    todo = [(spec, method) for spec, method, done in planned if not done]
    print(f"{len(planned)} runs, {len(planned) - len(todo)} finished already", flush=True)
    failures = 0
    for number, (spec, method) in enumerate(todo):
        if arguments.limit is not None and number >= arguments.limit:
            print(f"ended after {arguments.limit} runs; the same command resumes")
            break
        started = time.monotonic()
        name = f"{Path(spec.folder).parents[2].name} {spec.method} seed {spec.seed}"
        print(f"[{number + 1}/{len(todo)}] {name} …", end=" ", flush=True)
        limit = None if spec.minutes is None else 60 * spec.minutes + GRACE
        try:
            problem = _execute(spec, method, limit)
        except KeyboardInterrupt:
            print(f"stopped; go on with: {_command_line()}")
            report.write(out)
            return 130
        took = time.monotonic() - started
        print(f"{'FAILED ' + problem if problem else report.one_line(Path(spec.folder))} ({took:.0f} s)", flush=True)
        failures += bool(problem)
        report.gather(out)
    report.write(out)
    left = sum(not (Path(spec.folder) / "run.json").exists() for spec, _ in todo)
    return 1 if failures or left else 0


def _command_line() -> str:
    return "python -m benchmarks tuners " + " ".join(shlex.quote(part) for part in sys.argv[2:])


def _remember_command(out: Path) -> None:
    """Append the command to ``commands.json``, without the folders of this machine."""
    hidden = {"--out": "DIR", "--data": "DIR", "--autokeras-python": "PATH"}
    parts: list[str] = []
    for part in sys.argv[2:]:
        if parts and parts[-1] in hidden:
            parts.append(hidden[parts[-1]])
            continue
        name, equals, _ = part.partition("=")
        if equals and name in hidden:
            part = f"{name}={hidden[name]}"
        elif part not in NAMED and Path(part).suffix in (".npz", ".csv"):
            part = Path(part).name
        parts.append(part)
    line = "python -m benchmarks tuners " + " ".join(shlex.quote(part) for part in parts)
    path = out / "commands.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    if line not in known:
        tidy.write_json(path, [*known, line])

"""Campaigns killed again and again, and what they end with."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.resume.comparison import differing, snapshot
from benchmarks.resume.processes import Ended, Running


@dataclass
class Report:
    """What a test found: how often it did what, and every failure in one line."""

    name: str
    counts: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {value:g}" for name, value in self.counts.items())
        lines = [f"{self.name}: {'FAILED' if self.failures else 'passed'} ({counts})"]
        return "\n".join([*lines, *(f"  - {failure}" for failure in self.failures)])


@dataclass
class Undisturbed:
    """A campaign that was left alone: its files, and its seconds from start to end."""

    files: dict[str, str]
    seconds: float
    arguments: tuple[str, ...]


def undisturbed(folder: Path, arguments: Sequence[str], name: str = "undisturbed") -> Undisturbed:
    """Run a campaign without disturbance.

    Raises:
        RuntimeError: it failed.
    """
    directory = folder / name
    ended = Running(directory, arguments).end()
    if ended.status != 0:
        raise RuntimeError(f"the undisturbed campaign failed with status {ended.status}: {ended.errors[-2000:]}")
    return Undisturbed(snapshot(directory), ended.seconds, tuple(arguments))


def _check(report: Report, directory: Path, reference: Undisturbed, ended: Ended, what: str) -> None:
    if ended.status != 0:
        report.failures.append(f"{what}: the resumed campaign ended with {ended.status}: {ended.errors[-1500:]}")
        return
    names = differing(snapshot(directory), reference.files)
    if names:
        report.failures.append(f"{what}: {len(names)} files differ: {', '.join(names[:8])}; see {directory}")
    else:
        shutil.rmtree(directory)


def kill_test(folder: Path, reference: Undisturbed, kills: int, seed: int) -> Report:
    """SIGKILL to the process group at random moments until there were ``kills`` of them.

    A campaign is killed and resumed until it ends, then compared, and the next one begins.
    Each session has one or two workers, as it happens: that must not matter either.
    """
    report = Report("SIGKILL to the process group", {"kills": 0, "campaigns": 0, "kills before opening": 0})
    rng = np.random.default_rng(seed)
    while report.counts["kills"] < kills and len(report.failures) < 5:
        campaign = int(report.counts["campaigns"])
        directory = folder / f"killed-{campaign}"
        sessions = 0
        while True:
            workers = str(rng.integers(1, 3))
            running = Running(directory, [*reference.arguments, "--workers", workers])
            sessions += 1
            # At most eight kills per campaign, then it may end, so that every campaign is compared.
            if sessions <= 8 and report.counts["kills"] < kills:
                time.sleep(float(rng.uniform(0, 0.6)) * reference.seconds)
                ready = running.ready
                if running.kill():
                    report.counts["kills"] += 1
                    report.counts["kills before opening"] += not ready
                    continue
            ended = running.end()
            break
        report.counts["campaigns"] += 1
        _check(report, directory, reference, ended, f"campaign {campaign} after {sessions - 1} kills")
    return report


def signal_test(folder: Path, reference: Undisturbed, times: int, seed: int, which: signal.Signals) -> Report:
    """SIGTERM or SIGINT to the driver: it must stop by itself within seconds, without a traceback."""
    report = Report(f"{which.name} to the driver", {"signals": 0, "slowest stop in s": 0.0})
    rng = np.random.default_rng(seed)
    for attempt in range(times):
        directory = folder / f"{which.name}-{attempt}"
        running = Running(directory, reference.arguments)
        running.wait_until_ready()
        time.sleep(float(rng.uniform(0.05, 0.6)) * reference.seconds)
        if running.alive:
            running.process.send_signal(which)
            sent = time.perf_counter()
            ended = running.end(60)
            report.counts["signals"] += 1
            report.counts["slowest stop in s"] = max(
                report.counts["slowest stop in s"], round(time.perf_counter() - sent, 2)
            )
            if ended.status == -signal.SIGKILL:
                report.failures.append(f"attempt {attempt}: it had not stopped after 60 s")
            if ended.traceback:
                report.failures.append(f"attempt {attempt}: a traceback: {ended.errors[-1500:]}")
        ended = Running(directory, reference.arguments).end()
        _check(report, directory, reference, ended, f"attempt {attempt}")
    return report


def worker_test(folder: Path, reference: Undisturbed, times: int, seed: int) -> Report:
    """SIGKILL to one worker process, several times in a campaign."""
    report = Report("SIGKILL to a worker", {"workers killed": 0})
    rng = np.random.default_rng(seed)
    for attempt in range(times):
        directory = folder / f"worker-{attempt}"
        running = Running(directory, reference.arguments)
        running.wait_until_ready()
        for _ in range(2):
            time.sleep(float(rng.uniform(0.1, 0.4)) * reference.seconds)
            workers = running.workers()
            if workers and running.alive:
                workers[int(rng.integers(len(workers)))].kill()
                report.counts["workers killed"] += 1
        _check(report, directory, reference, running.end(), f"attempt {attempt}")
    return report


def disk_test(folder: Path, reference: Undisturbed, limits: Sequence[int]) -> Report:
    """A file-size limit in the middle of a campaign: a clear message, then a resume without it."""
    report = Report("disk full (file-size limit)", {"limits": 0, "reached": 0})
    for limit in limits:
        directory = folder / f"limit-{limit}"
        ended = Running(directory, [*reference.arguments, "--workers", "1", "--file-size-limit", str(limit)]).end()
        report.counts["limits"] += 1
        if ended.status == 3:
            report.counts["reached"] += 1
            if "limit" not in ended.errors:
                report.failures.append(f"limit {limit}: an unclear message: {ended.errors[-500:]}")
        elif ended.status != 0:
            report.failures.append(f"limit {limit}: ended with {ended.status}: {ended.errors[-1500:]}")
        if ended.traceback:
            report.failures.append(f"limit {limit}: a traceback: {ended.errors[-1500:]}")
        ended = Running(directory, reference.arguments).end()
        _check(report, directory, reference, ended, f"limit {limit}")
    return report


def workers_test(folder: Path, reference: Undisturbed, workers: Sequence[int]) -> Report:
    """Other numbers of workers with the same concurrency."""
    report = Report("1, 2 and 4 workers", {})
    for count in workers:
        directory = folder / f"workers-{count}"
        ended = Running(directory, [*reference.arguments, "--workers", str(count)]).end()
        report.counts[f"seconds with {count}"] = round(ended.seconds, 2)
        _check(report, directory, reference, ended, f"{count} workers")
    return report

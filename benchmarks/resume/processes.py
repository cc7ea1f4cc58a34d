"""Campaigns as processes of their own, in process groups of their own, that can be killed whole."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_ROOT = Path(__file__).parents[2]


@dataclass
class Ended:
    """How a campaign's process ended: exit status (negative: the signal), output, seconds."""

    status: int
    output: str
    errors: str
    seconds: float

    @property
    def traceback(self) -> bool:
        """Whether a Python traceback was printed."""
        return "Traceback (most recent call last)" in self.errors


class Running:
    """A campaign in a process group of its own.

    Args:
        directory: the campaign's directory.
        arguments: further arguments of :mod:`benchmarks.resume.child`.
        environment: further environment variables.
    """

    def __init__(self, directory: Path, arguments: Sequence[str] = (), **environment: str) -> None:
        self.begun = time.perf_counter()
        self._output = open(directory.with_name(directory.name + ".out"), "w+")  # noqa: SIM115 - read when it ends
        self._errors = open(directory.with_name(directory.name + ".err"), "w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.resume.child", str(directory), *arguments],
            stdout=self._output,
            stderr=self._errors,
            start_new_session=True,
            cwd=_ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1", **environment},
        )

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    @property
    def ready(self) -> bool:
        """Whether the campaign has been opened: its first line of output."""
        return os.fstat(self._output.fileno()).st_size > 0

    def wait_until_ready(self, seconds: float = 120) -> None:
        """Wait until the campaign is opened, or has ended."""
        end = time.perf_counter() + seconds
        while self.alive and not self.ready and time.perf_counter() < end:
            time.sleep(0.005)

    def workers(self) -> list[psutil.Process]:
        """Its worker processes."""
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children(recursive=True)
            commands = {child.pid: " ".join(_command(child)) for child in children}
            servers = {pid for pid, command in commands.items() if "multiprocessing.forkserver" in command}
            # Workers are spawned, or the children of the fork server, whose command line they share.
            return [child for child in children if "spawn_main" in commands[child.pid] or child.ppid() in servers]
        return []

    def kill(self) -> bool:
        """SIGKILL to the whole group; False if it had ended already."""
        alive = self.alive
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return alive

    def end(self, seconds: float = 600) -> Ended:
        """Wait for its end; what hangs is killed and counts as status -9."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        took = time.perf_counter() - self.begun
        self.kill()
        texts = []
        for file in (self._output, self._errors):
            file.seek(0)
            texts.append(file.read())
            file.close()
        return Ended(self.process.returncode, texts[0], texts[1], took)


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []

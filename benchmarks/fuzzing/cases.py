"""Cases of a reader, each by its number: run in child processes that may hang or die, and told apart."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.fuzzing.readers import Reader, readers

#: Seconds that one case may take, and bytes that a process may take beyond what it has at first.
_SECONDS = 5
_MEMORY = 2 * 2**30
#: Cases per child process.
_BATCH = 500


@dataclass
class Findings:
    """What came of a reader's cases.

    Attributes:
        cases: how many were run.
        read: how many were read as if they were good.
        refused: how many were refused by the reader's own errors.
        failures: what went wrong, by the number of the case.
        seconds: how long it took.
    """

    cases: int = 0
    read: int = 0
    refused: int = 0
    failures: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0


def case(reader: Reader, seeds: Any, number: int, seed: int) -> Any:
    """The input of a case: a function of its number and the seed of all."""
    rng = random.Random(f"{seed}/{reader.name}/{number}")
    while True:
        # A value may become too deep to be changed again, or to be written.
        with contextlib.suppress(RecursionError):
            return reader.change(rng.choice(seeds), rng)


def outcome(reader: Reader, value: Any, folder: Path) -> str:
    """``read``, ``refused``, or what went wrong."""
    try:
        reader.read(value, folder)
    except reader.errors:
        return "refused"
    except BaseException as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
    return "read"


def run(name: str, seconds: float, cases: int, seed: int = 0) -> Findings:
    """Run cases of a reader until the seconds or the cases are spent.

    Args:
        name: of the reader.
        seconds: most seconds.
        cases: most cases.
        seed: of all changes.
    """
    reader, found, began = readers()[name], Findings(), time.monotonic()
    seeds = reader.seeds()
    with tempfile.TemporaryDirectory() as outside:
        folder = Path(outside, "reader")
        folder.mkdir()
        while found.cases < cases and time.monotonic() - began < seconds and len(found.failures) < 100:
            last = min(found.cases + _BATCH, cases)
            _batch(reader, seeds, range(found.cases, last), seed, folder, found)
            if os.listdir(outside) != ["reader"]:
                found.failures[found.cases] = f"something was written outside: {os.listdir(outside)}"
                break
    found.seconds = time.monotonic() - began
    return found


def _batch(reader: Reader, seeds: Any, numbers: range, seed: int, folder: Path, found: Findings) -> None:
    """Cases in one child process; the first that ends it, ends the batch."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.close(read_end)
            os.chdir(folder)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            for number in numbers:
                os.write(write_end, json.dumps([number, "began"]).encode() + b"\n")
                signal.alarm(_SECONDS)
                result = outcome(reader, case(reader, seeds, number, seed), folder)
                os.write(write_end, json.dumps([number, result]).encode() + b"\n")
            os._exit(0)
        os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        lines = [json.loads(line) for line in pipe.read().splitlines()]
    _, status = os.waitpid(pid, 0)
    results = Counter(result for _, result in lines)
    found.read += results["read"]
    found.refused += results["refused"]
    found.failures.update((n, result) for n, result in lines if result not in ("began", "read", "refused"))
    last: int = lines[-1][0] if lines else numbers[0]
    if status:
        code = os.waitstatus_to_exitcode(status)
        died = "took too long" if code == -signal.SIGALRM else f"ended its process: {code}"
        found.failures[last] = died
    found.cases = last + 1

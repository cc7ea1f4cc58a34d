"""Cases of a reader, each by its number: run in child processes that may hang or die, and told apart."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
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

from benchmarks.fuzzing.reader import Reader
from benchmarks.fuzzing.readers import readers

#: Seconds of a processor that one case may take, seconds on the clock (where it waits for ever), and bytes that a
#: process may take beyond what it has at first.
_SECONDS = 5
_WAITING = 60
_MEMORY = 2 * 2**30
#: Cases per child process.
_BATCH = 20_000
_CORPUS = Path(__file__).with_name("corpus")
_JSON = b"JSON "


@dataclass
class Findings:
    """What came of a reader's cases.

    Attributes:
        cases: how many were run.
        read: how many were read as if they were good.
        refused: how many were refused by the reader's own errors.
        failures: what went wrong, by the number of the case.
        kept: inputs of the corpus that were read again first.
        seconds: how long it took.
        megabytes: the most memory that a process of cases took beyond what it began with.
        inputs: what went wrong, as :func:`as_bytes` gives it, by the number of the case.
    """

    cases: int = 0
    read: int = 0
    refused: int = 0
    failures: dict[int, str] = field(default_factory=dict)
    kept: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0
    inputs: dict[int, bytes] = field(default_factory=dict)


def case(reader: Reader, seeds: Any, number: int, seed: int) -> Any:
    """The input of a case: a function of its number and the seed of all."""
    rng = random.Random(f"{seed}/{reader.name}/{number}")
    while True:
        # A value may become too deep to be changed again, or to be written.
        with contextlib.suppress(RecursionError):
            value = reader.change(rng.choice(seeds), rng)
            if not isinstance(value, bytes):
                json.dumps(value)
            return value


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
    reader, found = readers()[name], Findings()
    seeds = reader.seeds()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as outside:
        folder = Path(outside, "reader")
        folder.mkdir()
        kept = corpus(name)
        for number, value in enumerate(kept, -len(kept)):
            _batch(reader, [value], range(number, number + 1), seed, folder, found, math.inf)
        found.cases = found.read = found.refused = 0
        found.kept = len(kept)
        while found.cases < cases and time.monotonic() - began < seconds and len(found.failures) < 100:
            last = min(found.cases + _BATCH, cases)
            _batch(reader, seeds, range(found.cases, last), seed, folder, found, began + seconds)
            if os.listdir(outside) != ["reader"]:
                found.failures[found.cases] = f"something was written outside: {os.listdir(outside)}"
                break
    found.seconds = time.monotonic() - began
    return found


def _batch(reader: Reader, seeds: Any, numbers: range, seed: int, folder: Path, found: Findings, until: float) -> None:
    """Cases in one child process, up to a time; the first that ends it, ends the batch."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.close(read_end)
            os.chdir(folder)
            for alarm in (signal.SIGALRM, signal.SIGPROF):
                signal.signal(alarm, signal.SIG_DFL)
            outcome(reader, seeds[0], folder)  # imports what it needs
            os.write(write_end, json.dumps([_megabytes(), "memory"]).encode() + b"\n")
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            for number in numbers:
                if time.monotonic() > until:
                    break
                os.write(write_end, json.dumps([number, "began"]).encode() + b"\n")
                signal.setitimer(signal.ITIMER_PROF, _SECONDS)
                signal.alarm(_WAITING)
                # Inputs of the corpus are read as they are.
                value = seeds[0] if number < 0 else case(reader, seeds, number, seed)
                result = outcome(reader, value, folder)
                os.write(write_end, json.dumps([number, result]).encode() + b"\n")
            os.write(write_end, json.dumps([_megabytes(), "memory"]).encode() + b"\n")
            os._exit(0)
        os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        lines = [json.loads(line) for line in pipe.read().splitlines()]
    _, status, _ = os.wait4(pid, 0)
    memory = [value for value, result in lines if result == "memory"]
    found.megabytes = max(found.megabytes, memory[-1] - memory[0])
    lines = [line for line in lines if line[1] != "memory"]
    results = Counter(result for _, result in lines)
    found.read += results["read"]
    found.refused += results["refused"]
    found.failures.update((n, result) for n, result in lines if result not in ("began", "read", "refused"))
    last: int = lines[-1][0] if lines else numbers[0]
    if status:
        code = os.waitstatus_to_exitcode(status)
        died = "took too long" if code in (-signal.SIGALRM, -signal.SIGPROF) else f"ended its process: {code}"
        found.failures[last] = died
    for number in set(found.failures) - set(found.inputs):
        with contextlib.suppress(TypeError, ValueError, RecursionError):
            found.inputs[number] = as_bytes(seeds[0] if number < 0 else case(reader, seeds, number, seed))
    found.cases = last + 1


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# -- the corpus --------------------------------------------------------------------------
def as_bytes(value: Any) -> bytes:
    """An input as a file holds it: bytes as they are, JSON values as text after a mark."""
    if isinstance(value, bytes):
        return value
    return _JSON + json.dumps(value).encode()


def corpus(name: str) -> list[Any]:
    """Inputs that once ended in something else than the reader's own errors, in the order of their files' names."""
    folder = _CORPUS / name
    found = [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else []
    return [json.loads(data[len(_JSON) :]) if data.startswith(_JSON) else data for data in found]


def keep(name: str, data: bytes) -> Path:
    """Put an input into the corpus, under a name that its bytes decide."""
    folder = _CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data).hexdigest()[:12]
    path.write_bytes(data)
    return path

"""Calls that workers are given in tests; some of them are not kind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time


def add(first: int, second: int) -> int:
    return first + second


def process_id() -> int:
    return os.getpid()


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def fall(number: int) -> None:
    os.kill(os.getpid(), number)


def leave(code: int) -> None:
    os._exit(code)


def eat() -> None:
    eaten = []
    while True:
        eaten.append(b"x" * 2**25)
        time.sleep(0.01)


def fail(message: str) -> None:
    raise ValueError(message)


def variables(*names: str) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in names}


def interrupt_ignored() -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def imported(module: str) -> bool:
    return module in sys.modules


def start_child(own_session: bool) -> int:
    """A process that would outlive this one."""
    return subprocess.Popen(["sleep", "600"], start_new_session=own_session).pid


def start_child_and_fall(path: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{start_child(False)} {start_child(True)} {os.getpid()}")
    os.kill(os.getpid(), signal.SIGSEGV)


def start_unmarked_child() -> int:
    """A process in a session and with an environment of its own."""
    return subprocess.Popen(["sleep", "600"], start_new_session=True, env={"PATH": os.environ["PATH"]}).pid


def raise_exit(code: int) -> None:
    sys.exit(code)


def raise_interrupt() -> None:
    raise KeyboardInterrupt

"""Calling a function in a fresh Python process, whose strings hash differently."""

from __future__ import annotations

import functools
import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

#: Seconds to wait for an answer; the process imports evo first.
_PATIENCE = 300.0


def in_another_process(call: Callable[..., Any], *args: Any) -> Any:
    """What ``call(*args)`` gives in a process of its own; one process serves all calls.

    The test is skipped where that process cannot import what the arguments consist of.

    Args:
        call: a function that can be imported.
        args: anything that can be pickled.

    Returns:
        What the function returned, pickled there and unpickled here.

    Raises:
        Exception: whatever the function raised.
    """
    found, value = _process().submit(_called, pickle.dumps((call, args)), list(sys.path)).result(_PATIENCE)
    if not found:
        import pytest  # not in the process that is started

        pytest.skip(f"another process cannot import what is tested ({value}): define it in a module on sys.path")
    return pickle.loads(value)


@functools.cache
def _process() -> ProcessPoolExecutor:
    # Sets and dicts that are walked in the order of hashes show only where the hashes differ.
    own = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = "1" if own != "1" else "2"
    try:
        pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        pool.submit(os.getpid).result(_PATIENCE)
    finally:
        if own is None:
            del os.environ["PYTHONHASHSEED"]
        else:
            os.environ["PYTHONHASHSEED"] = own
    return pool


def _called(message: bytes, path: list[str]) -> tuple[bool, Any]:
    sys.path[:] = path  # as it is now: tests are added to it as they are collected
    try:
        call, args = pickle.loads(message)
    except (ImportError, AttributeError) as error:
        return False, f"{type(error).__name__}: {error}"
    return True, pickle.dumps(call(*args))

"""What breaks a promise of executors fails the check that is named after it: the suite has teeth."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evo.testing import ExecutorConformance
from evo.workers import Serial
from tests.evo.testing.failing_checks import fails


class ExecutorSuite(ExecutorConformance):
    many = 20

    def __init__(self, kind: Callable[[], Executor]) -> None:
        self.kind = kind

    def make(self) -> Executor:
        return self.kind()


class Late(Serial):
    """Every call gets the result of the one before it."""

    before: Any = None

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(self.before)
        self.before = super().submit(fn, *args, **kwargs).result()
        return future


class Raising(Serial):
    """Exceptions escape from submit."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        future.result()
        return future


class Single(Serial):
    """Sends numbers at half their precision."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        sent = [arg.astype(np.float32) if isinstance(arg, np.ndarray) else arg for arg in args]
        return super().submit(fn, *sent, **kwargs)


class Open(Serial):
    """Takes calls for ever."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


class Lazy(Serial):
    """Never does anything."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()


class Shortening(Serial):
    """Trains for one epoch, whatever was asked for."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        sent = [replace(arg, last_epoch=arg.first_epoch + 1) if is_dataclass(arg) else arg for arg in args]
        return super().submit(fn, *sent, **kwargs)


@pytest.mark.parametrize(
    ("kind", "check", "match"),
    [
        (Late, "test_results_belong_to_their_calls", "result of another call"),
        (Late, "test_many_calls_at_once", "wrong results"),
        (Single, "test_large_arguments_and_results", "came back changed"),
        (Open, "test_shutdown_finishes_what_was_submitted", "DID NOT RAISE"),
        (Lazy, "test_shutdown_with_cancel_futures_leaves_none_open", "neither done nor cancelled"),
    ],
)
def test_broken_executors(kind: type[Executor], check: str, match: str) -> None:
    fails(getattr(ExecutorSuite(kind), check), match=match)


def test_an_executor_whose_exceptions_escape() -> None:
    with pytest.raises(ValueError, match="by itself"):
        ExecutorSuite(Raising).test_an_exception_is_the_result_of_its_call_alone()


def test_an_executor_that_changes_the_trials(tmp_path: Path) -> None:
    suite = ExecutorSuite(Shortening)
    fails(suite.test_a_campaign_finds_what_it_finds_with_serial, tmp_path, match="differs from the one with Serial")


def test_a_pool_that_breaks_with_one_worker() -> None:
    class Suite(ExecutorSuite):
        isolates_deaths = True

    suite = Suite(lambda: ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")))
    fails(suite.test_a_worker_that_dies_fails_only_its_own_call, match="death failed another call too")

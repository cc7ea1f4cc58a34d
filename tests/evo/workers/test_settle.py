"""From futures to reports; executors that need no process."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool

import pytest

from evo.core.trial import Outcome, Status
from evo.training.task import DataReference, TrialReport, TrialTask
from evo.workers import MemoryLimitError, Serial, TimeLimitError, WorkerDiedError, settle

TASK = TrialTask(3, {}, {"genes": []}, 0, 1, 0, "nowhere", DataReference("", None, {}))


def failed(error: BaseException) -> Future:
    future: Future = Future()
    future.set_exception(error)
    return future


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (TimeLimitError("the trial took more than 5 s"), Status.TIMED_OUT, "time: the trial took more than 5 s"),
        (TimeoutError(), Status.TIMED_OUT, "time: limit passed"),
        (MemoryLimitError("the worker grew past 100 MB"), Status.FAILED, "memory: the worker grew past 100 MB"),
        (MemoryError(), Status.FAILED, "memory: the worker ran out of it"),
        (WorkerDiedError("killed by signal 11 (SIGSEGV)"), Status.FAILED, "worker: killed by signal 11 (SIGSEGV)"),
        (BrokenProcessPool("gone"), Status.FAILED, "worker: the worker process died (BrokenProcessPool: gone)"),
        (ValueError("a\nb"), Status.FAILED, "ValueError: a b"),
    ],
)
def test_every_exception_becomes_an_outcome_with_its_cause(error, status, message):
    report = settle(failed(error), TASK)
    assert report == TrialReport(3, Outcome(status, message=message))


def test_reports_pass_through_and_strange_ones_do_not():
    report = TrialReport(3, Outcome(Status.COMPLETED))
    with Serial() as serial:
        assert settle(serial.submit(lambda: report), TASK) is report
        assert settle(serial.submit(lambda: "what"), TASK).outcome.message == (
            "worker: expected a TrialReport, got str"
        )
        other = settle(serial.submit(lambda: TrialReport(4, Outcome(Status.COMPLETED))), TASK)
        assert other.outcome.status is Status.FAILED and "trial 4" in other.outcome.message
    with pytest.raises(RuntimeError, match="after shutdown"):
        serial.submit(int)


def test_a_cancelled_future_is_no_outcome():
    future: Future = Future()
    future.cancel()
    with pytest.raises(CancelledError):
        settle(future, TASK)

"""The virtual clock."""

from __future__ import annotations

from concurrent.futures import CancelledError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evo.workers import SimulatedExecutor, WorkerDiedError


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0.1, 10), min_size=1, max_size=40),
    st.integers(1, 8),
)
def test_the_clock_is_that_of_a_list_schedule(durations, workers):
    executor = SimulatedExecutor(workers, lambda n: durations[n])
    pending = {executor.submit(lambda n: n, n) for n in range(len(durations))}
    done = []
    while pending:
        ready = executor.wait_any(pending)
        assert ready and all(future.done() for future in ready)
        pending -= ready
        done += [future.result() for future in ready]
    free = [0.0] * workers
    for duration in durations:
        free.sort()
        free[0] += duration
    assert sorted(done) == list(range(len(durations)))
    assert executor.clock == pytest.approx(max(free))
    assert executor.busy_share == pytest.approx(sum(durations) / (workers * max(free)))


def test_a_thousand_workers_with_deaths_and_stragglers():
    rng = np.random.default_rng(0)
    durations = rng.lognormal(size=5000)
    executor = SimulatedExecutor(1000, lambda n: float(durations[n]), dies=lambda n: n % 100 == 0, restart=5.0)
    pending = {executor.submit(int, n): n for n in range(5000)}
    deaths = 0
    while pending:
        for future in executor.wait_any(pending):
            number = pending.pop(future)
            if number % 100 == 0:
                with pytest.raises(WorkerDiedError):
                    future.result()
                deaths += 1
            else:
                assert future.result() == number
    assert deaths == 50 and 0 < executor.busy_share <= 1


def test_failures_and_the_death_of_all_are_told():
    executor = SimulatedExecutor(1, lambda task: 1.0, dies=lambda task: task == "last", restart=None)
    failing = executor.submit(float, "no number")
    assert executor.wait_any({failing}) == {failing}
    with pytest.raises(ValueError, match="no number"):
        failing.result()
    last, never = executor.submit(str, "last"), executor.submit(str, "never")
    assert executor.wait_any({last, never}) == {last}
    with pytest.raises(RuntimeError, match="every simulated worker is dead"):
        executor.wait_any({never})
    executor.shutdown(cancel_futures=True)
    assert never.cancelled()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(str, "more")


def test_shutdown_leaves_no_running_call_open():
    executor = SimulatedExecutor(1, lambda task: 1.0)
    running, waiting = executor.submit(str, 1), executor.submit(str, 2)
    executor.shutdown(cancel_futures=True)
    assert running.done() and waiting.cancelled()
    with pytest.raises(CancelledError):
        running.result(timeout=1)

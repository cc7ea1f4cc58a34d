"""What a campaign relies on in an executor."""

from __future__ import annotations

import abc
import contextlib
import operator
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, Future
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import evo
from evo.testing import calls
from evo.workers import Serial
from genomes import Float, spaces


class ExecutorConformance(abc.ABC):
    """Checks of a :class:`concurrent.futures.Executor`: subclass it as ``Test...`` and define :meth:`make`.

    Workers import :mod:`evo.testing.calls`. One executor serves all checks but those of its end.

    Attributes:
        isolates_deaths: whether the executor replaces a worker process that dies, so that only the call
            fails which it was doing. Without that, a candidate that crashes ends the session; the
            campaign can still be resumed.
        seconds: most that any call may take to come back.
        many: number of calls that come at once.

    Example:
        >>> class TestMine(ExecutorConformance):      # doctest: +SKIP
        ...     isolates_deaths = True
        ...     def make(self):
        ...         return MyExecutor(workers=2)
    """

    isolates_deaths: ClassVar[bool] = False
    seconds: ClassVar[float] = 120.0
    many: ClassVar[int] = 200

    @abc.abstractmethod
    def make(self) -> Executor:
        """A new executor, that nobody has shut down."""

    def result(self, executor: Executor, future: Future[Any]) -> Any:
        """Wait for a future as a campaign does: by the executor's ``wait_any`` where it has one."""
        wait_any = getattr(executor, "wait_any", None)
        while wait_any is not None and not future.done():
            wait_any({future})
        try:
            return future.result(self.seconds)
        except TimeoutError:
            assert future.done(), f"a call did not come back within {self.seconds:g} s"
            raise

    @contextlib.contextmanager
    def running(self) -> Iterator[Executor]:
        """An executor, the same for all checks; another one after a check that failed."""
        if type(self) not in _RUNNING:
            _RUNNING[type(self)] = self.make()
        try:
            yield _RUNNING[type(self)]
        except BaseException:
            self.teardown_class()
            raise

    @classmethod
    def teardown_class(cls) -> None:
        """Shut down the executor of :meth:`running`; pytest calls it after the last check."""
        executor = _RUNNING.pop(cls, None)
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)

    # -- calls -----------------------------------------------------------------------------------
    def test_calls_come_back(self) -> None:
        """``submit`` passes arguments on, and gives a future of the result."""
        with self.running() as executor:
            assert isinstance(executor, Executor), "expected a concurrent.futures.Executor"
            futures = [executor.submit(calls.add, 1), executor.submit(calls.add, 1, second=2)]
            assert all(isinstance(future, Future) for future in futures), "submit must give a concurrent.futures.Future"
            assert [self.result(executor, future) for future in futures] == [1, 3], "a call gave a wrong result"

    def test_results_belong_to_their_calls(self) -> None:
        """Every future has the result of its own call, in whatever order calls end and are waited for."""
        with self.running() as executor:
            futures = [executor.submit(calls.after, 0.01 * ((5 * n) % 7), n) for n in range(12)]
            found = {n: self.result(executor, futures[n]) for n in reversed(range(12))}
        assert found == {n: n for n in range(12)}, "a future has the result of another call"

    def test_many_calls_at_once(self) -> None:
        """A queue of calls far longer than there are workers is done to its end."""
        with self.running() as executor:
            futures = [executor.submit(calls.add, n, n) for n in range(self.many)]
            found = [self.result(executor, future) for future in futures]
        assert found == [2 * n for n in range(self.many)], f"some of {self.many} calls at once gave wrong results"

    def test_large_arguments_and_results(self) -> None:
        """Megabytes travel both ways, bit for bit: predictions of a trial are that large."""
        array = np.random.default_rng(0).normal(size=(512, 1024))
        with self.running() as executor:
            found = [self.result(executor, executor.submit(calls.doubled, array)) for _ in range(2)]
        assert all(np.array_equal(one, 2 * array) for one in found), "a large array came back changed"

    # -- failures --------------------------------------------------------------------------------
    def test_an_exception_is_the_result_of_its_call_alone(self) -> None:
        """What a call raises is raised by its future; the executor continues."""
        with self.running() as executor:
            failing = executor.submit(calls.fail, "by itself")
            good = executor.submit(calls.add, 1, 1)
            with pytest.raises(ValueError, match="by itself"):
                self.result(executor, failing)
            assert self.result(executor, good) == 2, "a call beside one that raised gave a wrong result"
            assert self.result(executor, executor.submit(calls.add, 2, 2)) == 4, "after an exception, calls go wrong"

    def test_a_result_that_cannot_travel_harms_no_other_call(self) -> None:
        """A result that cannot be pickled is an exception of its future (or comes, within one process)."""
        with self.running() as executor:
            odd = executor.submit(calls.no_value)
            with contextlib.suppress(Exception):
                self.result(executor, odd)
            assert odd.done(), "a call whose result cannot be pickled never comes back"
            assert self.result(executor, executor.submit(calls.add, 2, 2)) == 4, "after it, calls go wrong"

    def test_an_exception_that_cannot_travel_harms_no_other_call(self) -> None:
        """An exception that cannot be unpickled fails its own call only."""
        if not self.isolates_deaths:
            pytest.skip("isolates_deaths is False: concurrent.futures' own process pool breaks of it")
        with self.running() as executor:
            odd = executor.submit(calls.fail_oddly)
            with pytest.raises(Exception):  # noqa: B017  whichever: it is not the one that was raised
                self.result(executor, odd)
            assert self.result(executor, executor.submit(calls.add, 2, 2)) == 4, "after it, calls go wrong"

    def test_a_worker_that_dies_fails_only_its_own_call(self) -> None:
        """A crash is an exception of the future of that call; all others are done."""
        if not self.isolates_deaths:
            pytest.skip("isolates_deaths is False")
        with self.running() as executor:
            before = [executor.submit(calls.add, n, 0) for n in range(4)]
            dying = [executor.submit(calls.die)]
            after = [executor.submit(calls.add, n, 0) for n in range(4)]
            for died in dying:
                with pytest.raises(Exception):  # noqa: B017  executors have their own
                    self.result(executor, died)
            for future, number in zip((*before, *after), (*range(4), *range(4)), strict=True):
                try:
                    found = self.result(executor, future)
                except Exception as error:
                    pytest.fail(f"a worker's death failed another call too: {type(error).__name__}: {error}")
                assert found == number, "beside a worker's death, a call gave a wrong result"

    # -- the end ---------------------------------------------------------------------------------
    def test_a_waiting_call_can_be_cancelled(self) -> None:
        """``cancel`` either prevents the call, or says that it is too late; others are not concerned."""
        with self.running() as executor:
            futures = [executor.submit(calls.after, 0.05, n) for n in range(8)]
            cancelled = futures[-1].cancel()
            for number, future in enumerate(futures[:-1]):
                assert self.result(executor, future) == number, "a cancelled call changed the result of another"
            if cancelled:
                assert futures[-1].cancelled(), "cancel() returned True, but the future is not cancelled"
            else:
                assert self.result(executor, futures[-1]) == 7, "cancel() returned False, but the call was not done"

    def test_shutdown_finishes_what_was_submitted(self) -> None:
        """``shutdown()`` does what was submitted, and refuses further calls."""
        executor = self.make()
        futures = [executor.submit(operator.add, n, 0) for n in range(6)]
        executor.shutdown(wait=True)
        found = [self.result(executor, future) for future in futures]
        assert found == list(range(6)), "shutdown lost calls that had been submitted"
        with pytest.raises(RuntimeError):
            executor.submit(calls.add, 1, 1)
        executor.shutdown(wait=True)  # once more is no error

    def test_shutdown_with_cancel_futures_leaves_none_open(self) -> None:
        """``shutdown(cancel_futures=True)`` ends every future, so that nobody waits for ever."""
        executor = self.make()
        futures = [executor.submit(time.sleep, 0.02) for _ in range(8)]
        executor.shutdown(wait=True, cancel_futures=True)
        for number, future in enumerate(futures):
            try:
                future.result(timeout=5.0)
            except CancelledError:
                continue
            except TimeoutError:
                pytest.fail(f"after shutdown(cancel_futures=True), call {number} is neither done nor cancelled")

    def test_an_executor_without_calls_can_be_shut_down(self) -> None:
        """Also as a context manager."""
        with self.make():
            pass

    # -- a campaign ------------------------------------------------------------------------------
    def test_a_campaign_finds_what_it_finds_with_serial(self, tmp_path: Path) -> None:
        """The history of a campaign does not depend on the executor."""
        expected = self._campaign(Serial(), tmp_path / "serial")
        with self.running() as executor:
            found = self._campaign(executor, tmp_path / "tested")
        for one, other in zip(found, expected, strict=False):
            assert one == other, f"trial {other.number} differs from the one with Serial: {one}, expected {other}"
        assert len(found) == len(expected), f"{len(found)} trials, but {len(expected)} with Serial"

    @staticmethod
    def _campaign(executor: Executor, directory: Path) -> list[evo.Trial]:
        space = spaces.vector({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
        campaign = evo.Campaign(
            space,
            None,
            directory,
            budget=evo.Budget(trials=24),
            seed=5,
            epochs=9,
            concurrency=4,
            population=6,
            evaluate=calls.train,
            executor=executor,
            algorithm=evo.algorithms.AgingEvolution(population=6, sample=3),
        )
        return list(campaign.run().trials)


_RUNNING: dict[type, Executor] = {}

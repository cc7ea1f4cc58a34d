"""evo's own executors, and the standard library's, keep what the suite promises."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

from evo.testing import ExecutorConformance
from evo.workers import LocalProcesses, Serial, SimulatedExecutor


class TestSerial(ExecutorConformance):
    def make(self) -> Executor:
        return Serial()


class TestLocalProcesses(ExecutorConformance):
    isolates_deaths = True

    def make(self) -> Executor:
        return LocalProcesses(2, preload=False)


class TestSimulatedExecutor(ExecutorConformance):
    def make(self) -> Executor:
        return SimulatedExecutor(3, lambda task: 1.0)


class TestThreads(ExecutorConformance):
    def make(self) -> Executor:
        return ThreadPoolExecutor(2)


class TestProcessPool(ExecutorConformance):
    def make(self) -> Executor:
        return ProcessPoolExecutor(2, multiprocessing.get_context("forkserver"))

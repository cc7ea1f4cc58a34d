"""Genes of a user's own are measured in a process that may die: what their ``build`` does never happens to the driver.

A gene that declares no ``output_shape`` is built to know its shape and its cost, by whoever validates, varies or
screens a genome: the driver. While a campaign runs, a worker of its own does that, once per phenotype and input shape,
under the limits of a trial.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future

from evo.core.errors import InfrastructureError
from evo.training.task import TrainingSettings
from evo.workers.failures import MemoryLimitError, TimeLimitError, WorkerDiedError, WorkerKilledError, WorkerStartError
from evo.workers.local import LocalProcesses
from genomes.build import Measured, measured_by, measured_here
from genomes.costs import Shape
from genomes.errors import GenomeError
from genomes.gene import Gene

#: Seconds that one gene may take to be built where trials have no limit, or a longer one.
MOST_SECONDS = 60.0
#: Share of the machine's memory that the process may have where trials have no limit.
_MEMORY_SHARE = 0.5
#: How often a gene is built under which the process dies: the system may have killed it.
_ATTEMPTS = 3
#: Seconds between two attempts where the process was killed from outside.
_PAUSE = 2.0
#: Seconds between two looks at whether the campaign is to stop.
_TICK = 0.25


class MeasuringStopped(Exception):
    """The campaign is to stop while a gene is being measured; no verdict on the gene."""


class _Measuring:
    """Measures genes in another process, which is started when it is first needed.

    Args:
        settings: limits and threads of a trial.
        stopping: set when the campaign is to stop.
    """

    def __init__(self, settings: TrainingSettings, stopping: threading.Event) -> None:
        import psutil

        seconds = MOST_SECONDS if settings.seconds is None else min(settings.seconds, MOST_SECONDS)
        memory = settings.memory or int(_MEMORY_SHARE * psutil.virtual_memory().total)
        self._limits = TrainingSettings(seconds=seconds, memory=memory, threads=settings.threads)
        self._stopping = stopping
        self._process: LocalProcesses | None = None
        self._known: dict[tuple[type, str, Shape], Measured | str] = {}

    def __call__(self, gene: Gene, shape: Shape) -> Measured:
        """Output shape and cost.

        Raises:
            GenomeError: the gene cannot be built on that shape, or ends or hangs the process that tries.
            MeasuringStopped: the campaign is to stop.
            WorkerStartError: no process can be started.
        """
        key = (type(gene), gene.phenotype, shape)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._ask(gene, shape)
        if isinstance(found, str):
            raise GenomeError(found)
        return found

    def _ask(self, gene: Gene, shape: Shape) -> Measured | str:
        """What another process finds; a text that says why it finds nothing."""
        name = type(gene).__name__
        for _ in range(_ATTEMPTS):
            future = self._done(gene, shape)
            # What comes with the future is the gene's doing; what is raised here is the driver's, a Ctrl-C say.
            error = future.exception()
            if error is None:
                return future.result()
            if isinstance(error, WorkerStartError):
                raise error
            if isinstance(error, InfrastructureError):
                # A class that no other process can import: it is not trained by one either.
                return measured_here(gene, shape)
            if isinstance(error, (TimeLimitError, MemoryLimitError)):
                limit = str(error).replace("the trial", "it").replace("the worker", "its process")
                return f"{name}.build was ended: {limit}"
            if isinstance(error, WorkerKilledError):
                self._stopping.wait(_PAUSE)
            elif not isinstance(error, WorkerDiedError):
                return str(error) if isinstance(error, GenomeError) else f"{name}.build failed: {error!r}"
        return f"{name}.build ends its process: {error}"

    def _done(self, gene: Gene, shape: Shape) -> Future[Measured]:
        if self._process is None:
            self._process = LocalProcesses(1, self._limits)
        future = self._process.submit(measured_here, gene, shape)
        while not concurrent.futures.wait([future], _TICK).done:
            if self._stopping.is_set():
                raise MeasuringStopped
        return future

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def measuring_elsewhere(settings: TrainingSettings, stopping: threading.Event) -> Iterator[None]:
    """Inside the ``with`` block, in this thread, genes of a user's own that declare no shape are measured elsewhere.

    Args:
        settings: limits and threads of a trial.
        stopping: set when the campaign is to stop.
    """
    with contextlib.closing(_Measuring(settings, stopping)) as measuring, measured_by(measuring):
        yield

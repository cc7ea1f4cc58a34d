"""Trials on a Ray cluster, behind the interface of :mod:`concurrent.futures`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

from evo.core.errors import SettingsError
from evo.training.task import TrainingSettings, TrialTask
from evo.workers.entry import warm_up
from evo.workers.failures import TimeLimitError, WorkerDiedError, WorkerKilledError
from evo.workers.starting import worker_environment

P = ParamSpec("P")
T = TypeVar("T")

#: Ray's errors that tell of a process, which a trial may have ended, or of a node, which none does.
_DEATHS = {
    "WorkerCrashedError": WorkerDiedError,
    "NodeDiedError": WorkerKilledError,
    "NodePreemptedError": WorkerKilledError,
}
#: Seconds in which a worker that is about to end can still send its answer.
_GRACE = 0.5


def ray_executor(
    address: str | None = None,
    *,
    settings: TrainingSettings | None = None,
    gpus: float = 0,
    replace_after: int = 100,
    retries: int = 1,
    **init: Any,
) -> Executor:
    """An executor over Ray tasks; needs the extra ``ray``.

    The campaign's directory must be on a file system that all nodes see.

    Args:
        address: address of a running cluster (``"auto"``, ``"ray://host:10001"``); None starts one
            on this machine. A Ray that is initialised already is used as it is.
        settings: threads per trial (CPUs that it asks Ray for) and limits, as in :class:`LocalProcesses`.
        gpus: GPUs, or the share of one, that a trial asks for.
        replace_after: trials after which Ray replaces a worker process.
        retries: how often a trial is done again when its node or its worker dies.
        init: passed on to ``ray.init``.

    Raises:
        SettingsError: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise SettingsError("ray_executor: Ray is not installed; install evo-keras[ray]") from error
    own = not ray.is_initialized()
    if own:
        ray.init(address=address, log_to_driver=False, **init)
    return _RayExecutor(ray, settings or TrainingSettings(), gpus, replace_after, retries, own)


class _RayExecutor(Executor):
    def __init__(
        self, ray: Any, settings: TrainingSettings, gpus: float, replace_after: int, retries: int, own: bool
    ) -> None:
        self._ray = ray
        self.settings = settings
        self._own = own
        self._running: dict[Future[Any], Any] = {}
        self._lock = threading.Lock()
        self._closed = False
        environment = {"env_vars": worker_environment(settings.threads, settings.deterministic)}
        self._remote = ray.remote(
            num_cpus=settings.threads,
            num_gpus=gpus,
            max_calls=replace_after,
            max_retries=retries,
            runtime_env=environment,
        )(_call)

    @property
    def workers(self) -> int:
        """Trials that the cluster can do at once, by its CPUs."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1) // self.settings.threads))

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        task = next((argument for argument in args if isinstance(argument, TrialTask)), None)
        seconds = (self.settings if task is None else task.settings).seconds
        reference = self._remote.remote(fn, args, kwargs, self.settings.threads, seconds)
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            self._running[future] = reference
        reference.future().add_done_callback(lambda inner: self._settle(future, inner))
        return future

    def _settle(self, future: Future[Any], inner: Future[Any]) -> None:
        with self._lock:
            self._running.pop(future, None)
        if future.done():
            return
        error = inner.exception()
        if error is None:
            future.set_result(inner.result())
        elif type(error).__name__ in _DEATHS:
            future.set_exception(_DEATHS[type(error).__name__](" ".join(str(error).split())[:300]))
        else:
            # Ray wraps what a task raised; the cause is what counts.
            future.set_exception(getattr(error, "cause", None) or error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._closed = True
        with self._lock:
            running = dict(self._running)
        if cancel_futures:
            for reference in running.values():
                self._ray.cancel(reference, force=True)
        elif wait:
            self._ray.wait(list(running.values()), num_returns=len(running))
        if self._own and (wait or cancel_futures):
            self._ray.shutdown()


def _call(fn: Callable[..., Any], args: Any, kwargs: Any, threads: int, seconds: float | None) -> Any:
    """Do one call in a Ray worker, in time or not at all."""
    warm_up(threads)
    if seconds is None:
        return fn(*args, **kwargs)
    done: Future[Any] = Future()

    def work() -> None:
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return done.result(timeout=seconds)
    except TimeoutError:
        if done.done():
            raise
        # The call still runs in its thread, and cannot be stopped: this worker is of no further use.
        end = threading.Timer(_GRACE, os._exit, args=(1,))
        end.daemon = True
        end.start()
        raise TimeLimitError(f"the trial took more than {seconds:g} s") from None

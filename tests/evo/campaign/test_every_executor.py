"""The same history and files whoever does the trials; a node that is lost in the middle is nobody's outcome."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import evo
from evo.workers import LocalProcesses, Serial, WorkerKilledError, ray_executor
from tests.evo.simulated_campaigns import campaign, evaluate, files_of, history_of

TRIALS = 20


def own_class(trial: Any) -> Any:
    """The evaluation, slowly enough that all workers have trials."""
    import time

    time.sleep(0.05)
    return evaluate(trial)


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> tuple[evo.Result, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("serial") / "c"
    return campaign(folder, budget=evo.Budget(trials=TRIALS), executor=Serial()).run(), files_of(folder)


@contextlib.contextmanager
def dask() -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client.get_executor()


@contextlib.contextmanager
def ray(**init: Any) -> Iterator[Executor]:
    pytest.importorskip("ray")
    init = {"num_cpus": 2, "include_dashboard": False, **init}
    with ray_executor(**init) as executor:
        yield executor


EXECUTORS: dict[str, Callable[[], Any]] = {
    "local": lambda: LocalProcesses(2, preload=False),
    "forked": lambda: LocalProcesses(1),
    "threads": lambda: ThreadPoolExecutor(2),
    "pool": lambda: ProcessPoolExecutor(2, get_context("spawn")),
    "dask": dask,
    "ray": ray,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", EXECUTORS)
def test_every_executor_gives_the_same_history_and_files(name: str, serial: Any, tmp_path: Path) -> None:
    with EXECUTORS[name]() as executor:
        changes = {"executor": executor, "evaluate": own_class}
        result = campaign(tmp_path / "c", budget=evo.Budget(trials=TRIALS), **changes).run()
    assert history_of(result) == history_of(serial[0]) and files_of(tmp_path / "c") == serial[1]


class AfterSeven(evo.Callback):
    """Does something once, after seven outcomes."""

    def __init__(self, deed: Callable[[], None]) -> None:
        self.deed, self.left = deed, 7

    def on_outcome(self, trial: Any, history: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.deed()


@pytest.mark.timeout(300)
def test_a_worker_of_dask_that_is_killed_in_the_middle_changes_nothing(serial: Any, tmp_path: Path) -> None:
    with dask() as executor:
        pids = list(executor._client.run(os.getpid).values())
        kill = AfterSeven(lambda: os.kill(pids[0], signal.SIGKILL))
        changes = {"executor": executor, "evaluate": own_class, "callbacks": [kill]}
        result = campaign(tmp_path / "c", budget=evo.Budget(trials=TRIALS), **changes).run()
    assert kill.left <= 0
    assert history_of(result) == history_of(serial[0]) and files_of(tmp_path / "c") == serial[1]


@pytest.mark.timeout(300)
def test_a_node_of_ray_that_is_lost_in_the_middle_changes_nothing(
    serial: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setattr("evo.campaign.dispatch.DELAYS", (0.5, 1.0, 2.0))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        second = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        with ray(address=cluster.address, num_cpus=None) as executor:
            lose = AfterSeven(lambda: cluster.remove_node(second, allow_graceful=False))
            changes = {"executor": executor, "evaluate": own_class, "callbacks": [lose]}
            result = campaign(tmp_path / "c", budget=evo.Budget(trials=TRIALS), **changes).run()
        assert lose.left <= 0
        assert history_of(result) == history_of(serial[0]) and files_of(tmp_path / "c") == serial[1]
    finally:
        cluster.shutdown()


@pytest.mark.parametrize(("name", "kind"), [("NodeDiedError", WorkerKilledError)])
def test_a_node_that_is_gone_is_told_as_killed_from_outside(name: str, kind: type, monkeypatch: Any) -> None:
    from concurrent.futures import Future

    from evo.workers.ray_cluster import _RayExecutor

    executor = _RayExecutor.__new__(_RayExecutor)
    executor._running, executor._lock = {}, contextlib.nullcontext()  # type: ignore[assignment]
    outer: Future[Any] = Future()
    inner: Future[Any] = Future()
    inner.set_exception(type(name, (Exception,), {})("node 7 is gone"))
    executor._settle(outer, inner)
    assert type(outer.exception()) is kind

"""Where trials are done: executors in the sense of :mod:`concurrent.futures`.

Any executor will do; these are the ones that come with evo. Importing this
package starts nothing and imports no Keras.
"""

from __future__ import annotations

from evo.workers.failures import MemoryLimitError, TimeLimitError, WorkerDiedError, WorkerKilledError
from evo.workers.local import LocalProcesses
from evo.workers.outcomes import settle
from evo.workers.ray_cluster import ray_executor
from evo.workers.serial import Serial
from evo.workers.simulated import SimulatedExecutor

__all__ = [
    "LocalProcesses",
    "MemoryLimitError",
    "Serial",
    "SimulatedExecutor",
    "TimeLimitError",
    "WorkerDiedError",
    "WorkerKilledError",
    "ray_executor",
    "settle",
]

"""A campaign most of whose candidates are bad: what came of them and what is left, in a program of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import evo
import genomes
from genomes import spaces


def flood() -> None:
    for _ in range(2000):
        os.write(1, b"x" * 4096)
        os.write(2, b"y" * 4096)


def masked_sleep() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    ctypes.CDLL(None).sleep(600)


def children() -> None:
    subprocess.Popen(["sleep", "600"])
    subprocess.Popen(["sleep", "600"], start_new_session=True)


def globals_changed() -> None:
    """What the candidates that follow in the same process must not notice."""
    if os.environ.get("EVO_TEST_SPARE_GLOBALS"):
        return
    import keras

    keras.config.set_dtype_policy("float64")
    keras.config.set_image_data_format("channels_first")
    keras.utils.set_random_seed(1)
    np.random.seed(1)  # noqa: NPY002
    os.environ.clear()
    os.chdir("/")
    sys.path.clear()


def files_deleted() -> None:
    root = Path(os.environ["EVO_TEST_CAMPAIGN"])
    for folder in ("states", "predictions"):
        for path in sorted((root / folder).iterdir())[:2]:
            path.unlink(missing_ok=True)


def memory() -> None:
    held = []
    while True:
        held.append(np.ones(2**25))


def raised() -> None:
    raise ValueError("no")


#: What a candidate does when it is built, and what is told of it.
DEEDS: dict[str, tuple[Callable[[], Any], str]] = {
    "raise": (raised, "ValueError: no"),
    "sys.exit": (lambda: sys.exit(5), "SystemExit: 5"),
    "os._exit": (lambda: os._exit(6), "failed: worker:"),
    "segfault": (lambda: ctypes.string_at(0), "failed: worker:"),
    "hang in C": (masked_sleep, "timed out: time:"),
    "sleep": (lambda: time.sleep(600), "timed out: time:"),
    "memory": (memory, "failed: memory:"),
    "flood": (flood, "completed: "),
    "children": (children, "completed: "),
    "globals": (globals_changed, "completed: "),
    "files": (files_deleted, "completed: "),
    "nan": (lambda: None, "diverged: "),
    "-inf": (lambda: None, "diverged: "),
    "none": (lambda: None, "completed: "),
}


class Deed(genomes.Gene):
    """Does one thing when it is built; two of them are what is wrong with their loss."""

    deed = genomes.Choice(list(DEEDS))
    number = genomes.Int(0, 10_000)

    def output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return shape

    def cost(self, shape: tuple[int | None, ...]) -> genomes.Cost:
        return genomes.Cost(0, 0)

    def build(self, x: Any) -> Any:
        DEEDS[self.deed][0]()
        if self.deed in ("nan", "-inf"):
            return Spoils(self.deed == "nan")(x)
        return x


def make_spoils() -> Any:
    import keras

    class Spoils(keras.layers.Layer):
        """A loss of minus infinity; or activations that are NaN from the third epoch on."""

        def __init__(self, late: bool, **keywords: Any) -> None:
            super().__init__(**keywords)
            self.late = late
            self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x: Any, training: bool = False) -> Any:
            if not self.late:
                self.add_loss(-keras.ops.log(keras.ops.zeros(())) * -1.0)
                return x
            if training:
                self.steps.assign_add(1.0)
            return x * keras.ops.where(self.steps > 2, np.nan, 1.0)

    return Spoils


def Spoils(late: bool) -> Any:  # a class that needs Keras, which not everybody who reads this does
    return make_spoils()(late)


def one_after_the_other(history: Any, rng: Any) -> evo.Proposal | None:
    """All deeds in turn; a good candidate begins, so that something is known to work."""
    number = len(history)
    deeds = ["none", *list(DEEDS)[:-1]]
    default = space().default()
    gene = Deed(deed=deeds[number % len(deeds)], number=number)
    return evo.Proposal(default.replace(genes=(*default.genes, gene)), last_epoch=4)


def space() -> Any:
    return spaces.tabular(3, classes=2, genes=[Deed])


def run(directory: Path, trials: int) -> dict[str, Any]:
    """The campaign; returns what came of it, and what is left of its workers."""
    rng = np.random.default_rng(0)
    data = evo.Data(rng.normal(size=(80, 3)).astype(np.float32), rng.integers(0, 2, 80), validation=0.25)
    settings: dict[str, Any] = {"epochs": 4, "final_share": 0.0, "workers": 2, "seconds": 8.0, "memory": 2**30}
    os.environ["EVO_TEST_CAMPAIGN"] = str(directory)
    temporary = set(os.listdir(tempfile.gettempdir()))
    campaign = evo.Campaign(
        space(), data, directory, budget=evo.Budget(trials=trials), algorithm=one_after_the_other, **settings
    )
    result = campaign.run()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and len(left()) > 2:  # the fork server and its resource tracker
        time.sleep(0.1)
    outcomes: dict[str, list[str]] = {}
    for trial in result.trials:
        gene = next(gene for gene in trial.genome.genes if isinstance(gene, Deed))
        outcomes.setdefault(gene.deed, []).append(f"{trial.outcome.status.value}: {trial.outcome.message}")
    return {
        "reason": result.reason,
        "outcomes": outcomes,
        "processes": left(),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "temporary": sorted(set(os.listdir(tempfile.gettempdir())) - temporary),
        "folder": sorted(path.name for path in directory.iterdir()),
        "scores": sorted({trial.outcome.scores["val_loss"] for trial in result.trials if trial.completed}),
    }


def left() -> list[str]:
    """Command lines of what this program started and is still there, wherever it is."""
    here = os.environ["EVO_TEST_CAMPAIGN"].encode()
    found = []
    for process in psutil.process_iter():
        try:
            told = Path(f"/proc/{process.pid}/environ").read_bytes()
            if here in told and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline())[:80])
        except (OSError, psutil.Error):
            continue
    return sorted(found)

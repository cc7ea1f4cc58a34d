"""What a gene's build does happens to the process that measures it, never to the program that searches."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import evo
import genomes
from evo.core.trial import Outcome, Status, Trial
from evo.training.task import TrainingSettings, TrialReport, TrialTask
from evo.workers import LocalProcesses, measuring
from evo.workers.measuring import MeasuringStopped, measuring_elsewhere
from genomes import spaces
from genomes.build import measured, measured_here


class Measured(genomes.Gene):
    """Declares no shape; some of its values are not kind to the process that builds it."""

    units = genomes.Int(1, 64)
    deed = genomes.Choice(["none", "exit", "leave", "segfault", "hang", "raise"])

    def build(self, x: Any) -> Any:
        import keras

        # A test must not lose its own process by a mistake that it is to find.
        assert self.deed in ("none", "raise") or multiprocessing.parent_process() is not None
        if self.deed == "exit":
            sys.exit(5)
        if self.deed == "leave":
            os._exit(6)
        if self.deed == "segfault":
            ctypes.string_at(0)
        if self.deed == "hang":
            time.sleep(3600)
        if self.deed == "raise":
            raise ValueError("no")
        return keras.layers.Dense(self.units)(x)


WORDS = {
    "exit": "SystemExit: 5",
    "leave": "exit code 6",
    "segfault": "SIGSEGV",
    "hang": "took more than 2 s",
    "raise": "ValueError: no",
}


def test_every_deed_is_the_genes_own_and_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    submit = LocalProcesses.submit

    def counted(self: Any, fn: Any, *args: Any) -> Any:
        asked.append(args[0].deed)
        return submit(self, fn, *args)

    monkeypatch.setattr(LocalProcesses, "submit", counted)
    with measuring_elsewhere(TrainingSettings(seconds=2.0), threading.Event()):
        assert measured(Measured(units=3), (4,)) == ((3,), genomes.Cost(15, 30))
        for deed, words in WORDS.items():
            for innovation in (1, 2):
                with pytest.raises(genomes.GenomeError, match=words):
                    measured(Measured(deed=deed, innovation=innovation), (4,))
        assert measured(Measured(units=3, innovation=9), (4,)) == measured_here(Measured(units=3), (4,))
    assert {deed: asked.count(deed) for deed in asked} == {
        "none": 1,
        "exit": 1,
        "leave": 3,
        "segfault": 3,
        "hang": 1,
        "raise": 1,
    }


def test_genes_of_the_library_are_measured_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "LocalProcesses", lambda *_: pytest.fail("a process was started"))
    with measuring_elsewhere(TrainingSettings(), threading.Event()):
        space = spaces.image((8, 8, 1), classes=3)
        assert space.cost(space.default()).parameters > 0


def test_a_stop_does_not_wait_for_a_gene_that_hangs() -> None:
    stopping = threading.Event()
    threading.Timer(1.0, stopping.set).start()
    began = time.monotonic()
    with measuring_elsewhere(TrainingSettings(), stopping), pytest.raises(MeasuringStopped):
        measured(Measured(deed="hang"), (4,))
    assert time.monotonic() - began < 10


# -- a campaign ----------------------------------------------------------------------------
def scored(task: TrialTask) -> TrialReport:
    score = task.number / 100
    return TrialReport(task.number, Outcome(Status.COMPLETED, {"val_accuracy": score}, epochs=1))


def one_deed(history: Any, rng: Any) -> evo.Proposal | None:
    """A genome with one gene, which does one thing after the other."""
    deeds = Measured.fields["deed"].values
    number = len(history)
    space = spaces.tabular(4, classes=2, genes=[Measured])
    default = space.default()
    gene = Measured(units=number + 2, deed=deeds[number % len(deeds)])
    return evo.Proposal(default.replace(genes=(*default.genes, gene)), last_epoch=1, final=True)


def test_a_campaign_survives_genes_that_end_or_hang_what_builds_them(tmp_path: Path) -> None:
    space = spaces.tabular(4, classes=2, genes=[Measured])
    settings: dict[str, Any] = {"epochs": 1, "final_share": 0.0, "evaluate": scored, "seconds": 2.0, "workers": 1}
    result = evo.Campaign(
        space, None, tmp_path / "c", budget=evo.Budget(trials=6), algorithm=one_deed, **settings
    ).run()
    for trial, deed in zip(result.trials, Measured.fields["deed"].values, strict=True):
        assert isinstance(trial, Trial) and trial.outcome is not None
        if deed == "none":
            assert trial.completed
        else:
            assert trial.outcome.status is Status.REJECTED and WORDS[deed] in trial.outcome.message
            assert trial.outcome.message.startswith("genes[")
    assert signal.getsignal(signal.SIGTERM) is not None

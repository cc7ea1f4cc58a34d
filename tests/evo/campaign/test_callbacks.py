"""What may be given as ``callbacks``: observers of the campaign, and Keras callbacks for its trials."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import evo
import genomes
from evo.errors import CampaignMismatchError, SettingsError

X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
DATA = evo.Data(X, (X[:, 0] > 0).astype(int), validation=0.3, seed=0)
SPACE = genomes.spaces.tabular(columns=4, classes=2, units=16)


class Misnamed(evo.Callback):
    def on_epoch_end(self, epoch: int, logs: Any) -> None:
        """No event of a campaign."""

    def on_outcom(self, *arguments: Any) -> None:
        """Nearly one."""


class Duck:
    """No subclass of anything; has one of the methods."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def on_end(self, reason: str, history: evo.History) -> None:
        self.reasons.append(reason)


class Locked(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class Unsendable(keras.callbacks.Callback):
    def __reduce__(self) -> Any:
        raise TypeError("stays here")

    def __deepcopy__(self, memo: Any) -> Any:
        return Unsendable()


def campaign(directory: Path, callbacks: Any, **more: Any) -> evo.Campaign:
    more = {"budget": evo.Budget(trials=2), "epochs": 6, "executor": evo.workers.Serial(), **more}
    return evo.Campaign(SPACE, DATA, directory, callbacks=callbacks, **more)


def test_keras_callbacks_stop_trials_and_observers_hear_of_the_campaign(tmp_path: Path) -> None:
    duck = Duck()
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=0, min_delta=100.0)
    full = {"algorithm": evo.algorithms.RandomSearch()}
    result = campaign(tmp_path / "c", [duck, stopping], **full).run()
    assert {trial.outcome.epochs for trial in result.trials} == {2}
    assert all("by a Keras callback" in trial.outcome.message for trial in result.trials)
    assert duck.reasons == ["budget"]
    # They decide what a trial is, so that the campaign is another one without them, or with others.
    campaign(tmp_path / "c", [keras.callbacks.EarlyStopping("val_loss", patience=0, min_delta=100.0)], **full)
    for others in ([], [keras.callbacks.EarlyStopping("val_loss", patience=3, min_delta=100.0)]):
        with pytest.raises(CampaignMismatchError, match="keras_callbacks"):
            campaign(tmp_path / "c", others, **full)


@pytest.mark.parametrize(
    ("callbacks", "more", "words"),
    [
        (3, {}, "expected an evo.Callback or a keras.callbacks.Callback, got int"),
        ([keras.callbacks.EarlyStopping], {}, "got the class itself: give EarlyStopping"),
        ([Locked()], {}, "Locked cannot be copied for each trial .*lock.*; give a function that makes it"),
        ([Unsendable()], {"executor": None}, "Unsendable cannot be sent to worker processes .TypeError: stays here"),
        (keras.callbacks.BackupAndRestore("b"), {}, "BackupAndRestore: evo resumes trials by itself; leave it out"),
        ([keras.callbacks.CSVLogger("c")], {"evaluate": print}, "Keras callbacks need a training by evo"),
    ],
)
def test_what_would_do_nothing_is_refused_in_one_line(tmp_path: Path, callbacks: Any, more: Any, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as told:
        campaign(tmp_path / "c", callbacks, **more)
    assert "\n" not in str(told.value) and not (tmp_path / "c").exists()


def test_methods_that_are_never_called_are_warned_of(tmp_path: Path) -> None:
    with pytest.warns(UserWarning) as told:
        campaign(tmp_path / "c", [Misnamed()])
    lines = [str(one.message) for one in told]
    assert any("Misnamed.on_epoch_end is never called" in line for line in lines)
    assert any("Misnamed.on_outcom is never called; did you mean on_outcome?" in line for line in lines)
    assert {one.filename for one in told} == {__file__}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        campaign(tmp_path / "c", [Duck(), evo.report.Progress()])


@pytest.mark.slow
def test_a_callback_of_a_users_own_travels_to_workers(tmp_path: Path) -> None:
    class Half(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["val_half"] = logs["val_accuracy"] / 2

    result = campaign(tmp_path / "c", [lambda: Half()], executor=None, objectives="val_half", epochs=2).run()
    for trial in result.trials:
        assert trial.outcome.scores["val_half"] == trial.outcome.scores["val_accuracy"] / 2


@pytest.mark.slow
def test_trials_of_two_workers_hear_what_keras_own_fit_tells(tmp_path: Path) -> None:
    """A fresh process with a callback class of its own; rungs are further calls of ``fit`` with ``initial_epoch``."""
    program = Path(__file__).with_name("callbacks_program.py")
    done = subprocess.run([sys.executable, str(program), str(tmp_path)], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["difference"] < 1e-5
    heard = [found["heard"][str(number)] for number in range(6)]
    assert len({one["process"] for one in heard}) == 2
    for number, one in enumerate(heard):
        first, last = one["asked"]
        assert one["kept_before"] == [[], {}], "a trial begins with a callback that no other has used"
        assert one["epochs"] == list(range(first, first + len(one["epochs"])))
        assert one["batches"] == [3] * len(one["epochs"]) and one["params"] == {"epochs": last, "steps": 3}
        assert one["logs"] == ["loss", "mae", "val_loss", "val_mae"]
        assert (tmp_path / f"{number:06d}-log.csv").exists()
    assert any(first for first, _ in (one["asked"] for one in heard)), "one of them continues another"


def test_the_best_epoch_needs_a_metric(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="best_epoch: needs an objective that is logged after every epoch"):
        campaign(tmp_path / "c", (), best_epoch=True, objectives="-parameters")
    with pytest.raises(SettingsError, match="best_epoch: needs an objective that is logged after every epoch"):
        campaign(tmp_path / "c", (), best_epoch=True, objectives="log_loss")
    with pytest.raises(SettingsError, match="best_epoch: evaluate trains, and decides itself which weights are kept"):
        campaign(tmp_path / "c", (), best_epoch=True, evaluate=print)
    assert campaign(tmp_path / "c", (), best_epoch=True).settings.training.best_epoch == "val_accuracy"


def test_a_campaign_shows_its_progress_unless_it_is_silenced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign(tmp_path / "a", [], verbose=False).run()
    assert capsys.readouterr() == ("", "")
    campaign(tmp_path / "a", [], verbose=True, budget=evo.Budget(trials=4)).run()
    printed, told = capsys.readouterr()
    shown = told.splitlines()
    assert printed == ""
    assert "resumed after" in shown[0] and "the budget is spent" in shown[-1]
    campaign(tmp_path / "b", [evo.report.Progress()], verbose=True).run()
    printed, told = capsys.readouterr()
    assert printed.count("the budget is spent") == 1 and told == ""


def test_a_callback_of_misspelt_methods_alone_is_told_the_nearest(tmp_path: Path) -> None:
    class Misspelt:
        def on_outcomes(self, trial: Any, history: Any) -> None: ...

    with (
        pytest.warns(UserWarning, match=r"Misspelt.on_outcomes is never called; did you mean on_outcome\?"),
        pytest.raises(SettingsError, match=r"evo\.Callback"),
    ):
        campaign(tmp_path / "c", Misspelt())

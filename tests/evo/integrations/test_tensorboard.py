from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evo.core.budget import Budget
from evo.core.events import CampaignInfo
from evo.core.history import History
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.errors import SettingsError
from genomes import Int
from genomes.spaces.vector import vector


def a_history() -> History:
    space = vector({"width": Int(1, 100)})
    history = History()
    for number in range(3):
        history.append(Trial(number, Proposal(space.sample(np.random.default_rng(number)), 2, 4)))
        curve = (0.5 + 0.1 * number, 0.6 + 0.1 * number)
        status = Status.COMPLETED if number else Status.DIVERGED
        history.tell(number, Outcome(status, {"val_accuracy": curve[-1]}, {"val_accuracy": curve}, 2, 10))
    return history


def test_curves_are_read_back_by_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    from evo.integrations.tensorboard import TensorBoard

    callback = TensorBoard()
    history = a_history()
    callback.on_begin(CampaignInfo(str(tmp_path), 0, Budget(trials=3), ("val_accuracy",), "", 1, "", ""), history)
    seen = History()
    for trial in history:
        seen.append(replace(trial, outcome=None))
        seen.tell(trial.number, trial.outcome)
        callback.on_outcome(trial, seen)
    callback.on_end("budget", history)

    events = EventAccumulator(str(tmp_path / "tensorboard" / "trials" / "000002")).Reload()
    points = [(e.step, float(make_ndarray(e.tensor_proto))) for e in events.Tensors("val_accuracy")]
    assert points == [(3, pytest.approx(0.7)), (4, pytest.approx(0.8))]
    campaign = EventAccumulator(str(tmp_path / "tensorboard" / "campaign")).Reload()
    best = [(e.step, float(make_ndarray(e.tensor_proto))) for e in campaign.Tensors("best val_accuracy")]
    assert best == [(4, pytest.approx(0.7)), (6, pytest.approx(0.8))]


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from evo.integrations.tensorboard import TensorBoard

    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(SettingsError, match=r"TensorBoard: tensorboard is not installed; .*evo-keras\[tensorboard\]"):
        TensorBoard()

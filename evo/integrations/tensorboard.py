"""A campaign in TensorBoard."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from evo.core.errors import SettingsError
from evo.core.events import Callback, CampaignInfo
from evo.core.history import History
from evo.core.trial import Trial
from evo.display import summary


class TensorBoard(Callback):
    """Writes learning curves of every trial, and the campaign's progress, for TensorBoard.

    Below the log directory: ``campaign``, with the best so far and the share of
    trials that completed over epochs trained; and ``trials/000123``, with the
    curves of one trial over its epochs and its genome as text. A resumed
    campaign is written on; trials that were there before are not written again.

    Args:
        directory: where to write; by default ``tensorboard`` in the campaign's directory.

    Raises:
        SettingsError: TensorFlow or TensorBoard is not installed.

    Example:
        >>> campaign = evo.Campaign(..., callbacks=[TensorBoard()])  # doctest: +SKIP
    """

    def __init__(self, directory: str | Path | None = None) -> None:
        try:
            import tensorboard  # noqa: F401  tf.summary needs it
            import tensorflow
        except ImportError as error:
            raise SettingsError(
                f"TensorBoard: {error.name} is not installed; pip install 'evo-keras[tensorboard]'"
            ) from None
        self._tensorflow = tensorflow
        self._directory = None if directory is None else Path(directory)
        self._campaign: Any = None

    def on_begin(self, info: CampaignInfo, history: History) -> None:
        if self._directory is None:
            self._directory = Path(info.directory) / "tensorboard"
        self._campaign = self._tensorflow.summary.create_file_writer(str(self._directory / "campaign"))

    def on_outcome(self, trial: Trial, history: History) -> None:
        assert trial.outcome is not None and self._directory is not None
        write = self._tensorflow.summary
        step = summary.epochs_done(history)
        best = summary.best(history)
        settled = [t for t in history if t.outcome is not None]
        with self._campaign.as_default(step=step):
            write.scalar("trials completed", len(history.completed()))
            write.scalar("share completed", len(history.completed()) / len(settled))
            if best is not None:
                for name, value in zip(history.objectives.names, history.fitness(best.number), strict=True):
                    write.scalar(f"best {summary.shown_objective(name)}", summary.shown_value(value, name))
        self._campaign.flush()
        writer = write.create_file_writer(str(self._directory / "trials" / f"{trial.number:06d}"))
        with writer.as_default():
            write.text("genome", f"    {trial.genome.describe()}".replace("\n", "\n    "), step=0)
            for name, values in trial.outcome.curves.items():
                for epoch, value in enumerate(values, trial.proposal.first_epoch + 1):
                    if math.isfinite(value):
                        write.scalar(name, value, step=epoch)
        writer.close()

    def on_end(self, reason: str, history: History) -> None:
        if self._campaign is not None:
            self._campaign.close()

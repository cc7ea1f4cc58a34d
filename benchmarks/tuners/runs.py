"""What one run is asked to do, and the files it leaves: read by the child process, written by the command."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import tidy
from benchmarks.tuners.metering import Allowance, Meter
from benchmarks.tuners.products import Product

#: Columns that identify a run; first in every file.
RUN = ("task", "method", "seed", "budget")
#: Settings that must be equal within one ``--out``.
SHARED = ("trial_epochs", "patience", "top", "ensemble", "cores", "precision")
TRIALS = (
    *RUN,
    "trial",
    "status",
    "first_epoch",
    "epochs",
    "samples",
    "validation_score",
    "validation_error",
    "parameters",
    "started",
    "finished",
    "proposing",
    "total_epochs",
    "total_samples",
    "settings",
    "message",
)
EVALUATIONS = (
    *RUN,
    "trial",
    "total_epochs",
    "total_samples",
    "seconds",
    "validation_score",
    "validation_error",
)
PRODUCTS = (
    *RUN,
    "product",
    "error",
    "validation_error",
    "test_error",
    "test_loss",
    "members",
    "parameters",
    "seconds",
)
RUNS = (
    *RUN,
    "task_fingerprint",
    "kind",
    "target",
    "rows_train",
    "rows_validation",
    "rows_test",
    "trials",
    "failed",
    "epochs",
    "samples",
    "seconds",
    "proposing",
    "training",
    "after_search",
    "ended",
    "peak_memory_mib",
    *SHARED,
)


@dataclass(frozen=True)
class RunSpec:
    """Everything that a run depends on.

    Attributes:
        task_file: the task, as :meth:`benchmarks.tasks.Task.save` wrote it.
        method: see :mod:`benchmarks.tuners.methods`.
        seed: from 1.
        minutes: wall-clock budget, or None.
        epochs: budget in epochs, or None.
        trial_epochs: longest training of one model, for every method.
        patience: epochs without a better validation score after which training stops (KerasTuner, Optuna).
        top: models in the plain average.
        ensemble: most members of our ensemble.
        cores: processors that the run may use.
        precision: dtype policy for every method.
        folder: where the run's files go.
        extra: settings of one method, e.g. the Python of AutoKeras.
    """

    task_file: str
    method: str
    seed: int
    minutes: float | None
    epochs: int | None
    trial_epochs: int
    patience: int
    top: int
    ensemble: int
    cores: int
    precision: str
    folder: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def allowance(self) -> Allowance:
        """The budget."""
        return Allowance(self.minutes, self.epochs)

    def write(self) -> Path:
        """Write ``spec.json`` into the run's folder."""
        path = Path(self.folder) / "spec.json"
        tidy.write_json(path, dataclasses.asdict(self))
        return path

    @classmethod
    def read(cls, path: str | Path) -> RunSpec:
        """The spec that :meth:`write` wrote."""
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))


@dataclass
class Delivery:
    """What a method hands back.

    Attributes:
        products: judged on test rows.
        ended: why the search ended: ``budget``, or ``exhausted`` when the method had nothing more to try.
        after_search: seconds from the end of the search to finished products, without test predictions.
        notes: anything worth keeping, as JSON.
    """

    products: list[Product]
    ended: str = "budget"
    after_search: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)


def write_results(folder: Path, run: Mapping[str, Any], task: Any, meter: Meter, delivery: Delivery) -> None:
    """Write a finished run's files; ``run.json`` is the last one, and says that the run is done.

    Args:
        folder: the run's folder.
        run: values of the columns in :data:`RUN`.
        task: the :class:`benchmarks.tasks.Task`.
        meter: what was spent.
        delivery: what came of it.
    """
    trials = [
        dict(run, **dataclasses.asdict(record), validation_error=task.error_of_score(record.validation_score))
        for record in meter.trials
    ]
    evaluations = [
        dict(run, **row, validation_error=task.error_of_score(row["validation_score"])) for row in meter.evaluations
    ]
    products = [dict(run, **dataclasses.asdict(product), error=task.error_name) for product in delivery.products]
    tidy.write(folder / "trials.csv", trials, TRIALS)
    tidy.write(folder / "evaluations.csv", evaluations, EVALUATIONS)
    tidy.write(folder / "products.csv", products, PRODUCTS)

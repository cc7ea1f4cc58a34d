"""Arguments of a campaign: two groups, and every name that may be given by itself."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, fields
from typing import Any, TypedDict, TypeVar

from evo.core.checks import known_names, positive_number, truth_value, whole_number
from evo.core.errors import SettingsError
from evo.core.objectives import OF_EVERY_OUTCOME, Objectives
from evo.training.measurements import MEASUREMENTS
from evo.training.precision import PRECISIONS
from evo.training.strategy import STRATEGIES
from evo.training.task import TrialReport, TrialTask
from genomes.genome import Genome

_Group = TypeVar("_Group")


@dataclass(frozen=True)
class TrialTraining:
    """How one trial is trained: the argument ``training`` of :class:`evo.Campaign`.

    Args:
        epochs: full length of a training; most candidates are trained for a part of it.
        precision: ``auto``, ``float32``, ``mixed_float16`` or ``mixed_bfloat16``.
        strategy: ``auto``, ``cpu``, ``gpu``, ``mirrored``, ``tpu``, or (with ``executor=evo.workers.Serial()``)
            a ``tf.distribute.Strategy``.
        deterministic: reproducible training, and ordered look-ahead in the search; False lets proposals see
            what arrives first, in an order that is recorded.
        threads: threads that a worker computes with; results depend on it in the last bits.
        best_epoch: a trial keeps the weights of its best epoch by the first objective that it logs, and reports that
            epoch's scores; a trial that continues it begins with its last epoch's weights all the same.

    Raises:
        SettingsError: a wrong value; the message names it, what was given and what was expected.

    Example:
        >>> TrialTraining(epochs=9).precision
        'auto'
    """

    epochs: int = 27
    precision: str = "auto"
    strategy: Any = "auto"
    deterministic: bool = True
    threads: int = 1
    best_epoch: bool = False

    def __post_init__(self) -> None:
        whole_number(self.epochs, "epochs", 1)
        whole_number(self.threads, "threads", 1)
        truth_value(self.deterministic, "deterministic")
        truth_value(self.best_epoch, "best_epoch")
        if self.precision not in PRECISIONS:
            raise SettingsError(f"precision: expected one of {', '.join(PRECISIONS)}, got {self.precision!r}")
        if isinstance(self.strategy, str) and self.strategy not in STRATEGIES:
            raise SettingsError(
                f"strategy: expected one of {', '.join(STRATEGIES)} or a tf.distribute.Strategy, got {self.strategy!r}"
            )


@dataclass(frozen=True)
class TrialLimits:
    """What one trial may take: the argument ``limits`` of :class:`evo.Campaign`; None or infinity for no limit.

    A trial that passes a limit becomes an outcome with its cause; a model that is too large is rejected before it
    is trained.

    Args:
        seconds: of wall-clock time per trial.
        memory: of a worker, in bytes.
        parameters: most parameters of a model.
        flops: most floating-point operations of a model's forward pass, per sample.

    Raises:
        SettingsError: a limit that is not a positive number.

    Example:
        >>> TrialLimits(parameters=100_000).seconds is None
        True
    """

    seconds: float | None = None
    memory: int | None = None
    parameters: int | None = None
    flops: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value != math.inf:
                positive_number(value, field.name)


class SearchKeywords(TypedDict, total=False):
    """Arguments of :class:`evo.Campaign` that few campaigns need; :data:`SEARCH_DEFAULTS` has their defaults."""

    concurrency: int | None
    population: int
    start_from: Sequence[Genome] | str | os.PathLike[str]
    final_share: float
    ensemble_share: float
    keep_weights: int
    evaluate: Callable[[TrialTask], TrialReport] | None
    break_lock: bool
    verbose: bool


class CampaignKeywords(SearchKeywords, total=False):
    """All arguments that :class:`evo.Campaign` takes by name and that may be left out of a group."""

    epochs: int
    precision: str
    strategy: Any
    deterministic: bool
    threads: int
    best_epoch: bool
    seconds: float | None
    memory: int | None
    parameters: int | None
    flops: int | None


class ResumeKeywords(TypedDict, total=False):
    """What may differ when a campaign is resumed; see :func:`evo.resume`."""

    workers: int
    executor: Executor | None
    strategy: Any
    callbacks: Sequence[Any]
    seconds: float | None
    memory: int | None
    evaluate: Callable[[TrialTask], TrialReport] | None
    break_lock: bool
    verbose: bool


SEARCH_DEFAULTS: SearchKeywords = {
    "concurrency": None,
    "population": 10,
    "start_from": (),
    "final_share": 0.25,
    "ensemble_share": 0.0,
    "keep_weights": 256,
    "evaluate": None,
    "break_lock": False,
    "verbose": True,
}
#: Names of the arguments that :class:`evo.Campaign` spells out.
_SPELLED_OUT = (
    "budget",
    "seed",
    "objectives",
    "algorithm",
    "workers",
    "executor",
    "callbacks",
    "training",
    "limits",
)


def campaign_names() -> list[str]:
    """Names of all arguments that :class:`evo.Campaign` takes by name."""
    return [*_SPELLED_OUT, *CampaignKeywords.__annotations__]


def best_epoch_by(objectives: Objectives, trainer: str = "", computed: Collection[str] = ()) -> str:
    """The metric that tells a trial's best epoch: the first objective of the validation rows or the training.

    Args:
        objectives: of the campaign.
        trainer: what trains instead of evo; empty where evo does.
        computed: names of scores that trials do not log, and that are computed of their last predictions.

    Raises:
        SettingsError: no objective is a metric that is logged after every epoch, or evo does not train.
    """
    if trainer:
        raise SettingsError(f"best_epoch: {trainer} trains, and decides itself which weights are kept; leave it out")
    for objective in objectives.objectives:
        if isinstance(objective, str) and objective.lstrip("-") not in (*OF_EVERY_OUTCOME, *MEASUREMENTS, *computed):
            return objective
    raise SettingsError(
        f"best_epoch: needs an objective that is logged after every epoch, as val_accuracy; got {objectives.names}"
    )


def sorted_out(
    keywords: Mapping[str, Any], training: TrialTraining | None, limits: TrialLimits | None
) -> tuple[TrialTraining, TrialLimits, SearchKeywords]:
    """The two groups, whichever way they were given, and the other keywords with their defaults.

    Args:
        keywords: what was given by name.
        training: the group, if it was given as one.
        limits: likewise.

    Raises:
        SettingsError: an unknown name, a wrong value, or one that was given both ways.
    """
    known_names(keywords, campaign_names())
    trial_training = _grouped(TrialTraining, "training", training, keywords)
    trial_limits = _grouped(TrialLimits, "limits", limits, keywords)
    search: Any = {name: keywords.get(name, default) for name, default in SEARCH_DEFAULTS.items()}
    return trial_training, trial_limits, search


def _grouped(kind: type[_Group], name: str, given: _Group | None, keywords: Mapping[str, Any]) -> _Group:
    single = {field.name: keywords[field.name] for field in fields(kind) if field.name in keywords}  # type: ignore[arg-type]
    if given is None:
        return kind(**single)
    if not isinstance(given, kind):
        raise SettingsError(f"{name}: expected an evo.{kind.__name__}, got {given!r}")
    for twice in single:
        raise SettingsError(f"{twice}: given twice, by itself and in {name}=...; give it once")
    return given

"""What travels to a worker and back: no Keras in here, so that importing it costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evo.core.trial import Outcome
from evo.training.shipped_callbacks import ShippedCallbacks


@dataclass(frozen=True)
class TrainingSettings:
    """How every trial of a campaign is trained.

    Args:
        precision: ``auto``, ``float32``, ``mixed_float16`` or ``mixed_bfloat16``.
        strategy: ``auto``, ``cpu``, ``gpu``, ``mirrored`` or ``tpu`` (or, in
            one process, a ``tf.distribute.Strategy``).
        deterministic: same trial, same bits.
        threads: threads that one worker computes with; results depend on it in the last bits.
        seconds: limit per trial; None for no limit.
        memory: limit per worker in bytes; None for no limit.
        parameters: most parameters a model may have; None for no limit.
        flops: most FLOPs per sample a model may need; None for no limit.
        best_epoch: the metric by whose best epoch the weights to predict with are chosen, with its sign
            (``val_accuracy``, ``-val_loss``); None for those of the last epoch.
        measured: what is measured of the trained model besides, as an objective needs it: names in
            :data:`evo.training.measurements.MEASUREMENTS`.
    """

    precision: str = "auto"
    strategy: Any = "auto"
    deterministic: bool = True
    threads: int = 1
    seconds: float | None = None
    memory: int | None = None
    parameters: int | None = None
    flops: int | None = None
    best_epoch: str | None = None
    measured: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataReference:
    """Where a worker finds the data; opened once per worker process, never copied per trial.

    Attributes:
        fingerprint: identity of the data, and its key in a worker's cache.
        directory: folder of ``.npy`` files that are memory-mapped.
        arrays: name of each array (``x_train``, ``y_train``, ``x_validation``,
            ``y_validation``, ``weight_train``, ``weight_validation``; for several inputs
            ``x_train/NAME``; for several targets ``y_train/NAME``) to its file's name, or,
            in-process, to the array.
        encoded: inputs are what ``Space.encode`` gave, so that models are built without that part.
        kept: data sets that a worker keeps open: a fold's come in turns.
    """

    fingerprint: str
    directory: str | None
    arrays: Mapping[str, Any]
    encoded: bool = False
    kept: int = 2


@dataclass(frozen=True)
class FoldReference:
    """Where a worker finds what one training of a cross-validated trial needs.

    Attributes:
        data: the fold's rows.
        preprocessing: path of an ``.npz`` file with what ``Space.adapt`` found in the fold's training rows, or None.
    """

    data: DataReference
    preprocessing: str | None = None


@dataclass(frozen=True)
class TrialTask:
    """One trial, ready to be done by any worker.

    Attributes:
        number: the trial's number.
        space: the space as JSON (``Space.to_json``).
        genome: the genome as JSON.
        first_epoch: epochs behind the starting state.
        last_epoch: epochs behind the state at the end.
        final: decay the learning rate over these epochs.
        seed: of weights, shuffling, dropout, augmentation. The same for a trial and for
            all that continue from it, so that an interruption changes nothing.
        directory: the trial's own folder for files; what a killed worker left
            there (the state after its last finished epoch) is continued.
        start: path of the state to continue from, or None.
        inherit: path of a state whose weights are inherited, or None.
        inherit_genome: JSON of the genome that left that state.
        preprocessing: path of an ``.npz`` file with what ``Space.adapt`` found, or None.
        data: where the data is.
        settings: how to train.
        deadline: Unix time at which a campaign that minutes alone limit ends: a trial stops after the last epoch that
            fits before it, one at least; None for none.
        callbacks: Keras callbacks of the user's, of which the trial makes fresh copies.
        folds: of a cross-validated trial: it is trained once on each, and ``data`` and ``preprocessing`` are not read.
        fold: which part of ``start`` and ``inherit`` belongs to this training; None for those of one training.
        stop: epochs behind the state after which this training ends, short of ``last_epoch``; None for none.
    """

    number: int
    space: Mapping[str, Any]
    genome: Mapping[str, Any]
    first_epoch: int
    last_epoch: int
    seed: int
    directory: str
    data: DataReference
    final: bool = False
    start: str | None = None
    inherit: str | None = None
    inherit_genome: Mapping[str, Any] | None = None
    preprocessing: str | None = None
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    deadline: float | None = None
    callbacks: ShippedCallbacks = field(default_factory=ShippedCallbacks, compare=False)
    folds: tuple[FoldReference, ...] = ()
    fold: int | None = None
    stop: int | None = None


@dataclass(frozen=True)
class TrialReport:
    """What a worker sends back.

    Attributes:
        number: the trial's number.
        outcome: what came of it.
        predictions: float32 predictions on the validation data, shape
            (rows, outputs); probabilities for classifiers; None unless it completed. Of a cross-validated trial those
            of each fold's model for the fold's validation rows, fold after fold.
        state: path of the state file that the worker wrote (weights, optimizer, random state); None if none.
    """

    number: int
    outcome: Outcome
    predictions: np.ndarray | None = None
    state: str | None = None

"""The state that a trial leaves: one HDF5 file, written aside, synced, renamed, never changed after.

Layout (version 1)::

    /weights/MARK/PLACE      arrays of ``model.weights``; MARK tells gene, occurrence and layer
    /seeds/N                 state of the model's N-th random generator
    /optimizer/PATH          slots, step counter, loss scale; without the optimizer's own name. Slots of
                             all weights lie in one vector (two where weight decay spares some)
    /averages/MARK/PLACE     weights to predict with, where they are not those that a continuing trial begins with:
                             moving averages (``use_ema``), those of the best epoch, what a Keras callback put
                             there; else there is no such group
    /curves/METRIC           float64, one value per epoch since the trial's first epoch
    attributes               version, epoch, first_epoch, seed, genome; rate_scale where it is not 1

Every array has an attribute ``index``, its place in the list that it came
from: names that Keras makes up (``conv2d_7``) differ from process to
process, order does not.

The state of a cross-validated trial has the attributes ``version`` and ``folds``, their number, and all of the above in
a group for each: ``/fold0``, ``/fold1``, ...
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evo.core.errors import StorageError
from evo.core.hdf5 import UnsafeFileError, open_arrays

VERSION = 1
#: Name of the file in a trial's directory.
STATE_FILE = "state.h5"
#: What reading a file that is no state can raise.
_UNREADABLE = (OSError, UnsafeFileError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
_GROUPS = ("weights", "seeds", "optimizer", "curves")
#: Groups that are written only if there is something in them.
_OPTIONAL = ("averages",)


@dataclass
class TrainingState:
    """All that is needed to continue a trial as if it had never stopped.

    Attributes:
        epoch: epochs behind the weights.
        first_epoch: epochs that were behind them when the trial began.
        seed: the trial's seed.
        genome: ``genome.key`` of the genome that was trained.
        weights: by variable path, in the model's order.
        seeds: by position.
        optimizer: by variable path without the optimizer's name, in order.
        curves: values per epoch since ``first_epoch``.
        averages: weights to predict with in place of those of the same name.
        rate_scale: what Keras callbacks made of the learning rate, relative to the genome's schedule.
    """

    epoch: int
    first_epoch: int
    seed: int
    genome: str
    weights: dict[str, np.ndarray]
    seeds: dict[str, np.ndarray] = field(default_factory=dict)
    optimizer: dict[str, np.ndarray] = field(default_factory=dict)
    curves: dict[str, list[float]] = field(default_factory=dict)
    averages: dict[str, np.ndarray] = field(default_factory=dict)
    rate_scale: float = 1.0

    @property
    def final_weights(self) -> dict[str, np.ndarray]:
        """Weights to predict with."""
        return self.weights | self.averages


def write_state(path: str, state: TrainingState) -> None:
    """Write a state so that a reader sees the whole of it or nothing.

    Raises:
        StorageError: the file cannot be written.
    """
    _write(path, lambda file: _fill(file, state))


def write_folds(path: str, states: Iterable[TrainingState]) -> None:
    """Write the states of a cross-validated trial, likewise; they are asked for one after the other."""

    def fill(file: Any) -> None:
        number = 0
        for number, state in enumerate(states, 1):
            _fill(file.create_group(f"fold{number - 1}"), state)
        file.attrs["version"] = VERSION
        file.attrs["folds"] = number

    _write(path, fill)


def _fill(file: Any, state: TrainingState) -> None:
    """Put a state into an open file, or into a group of one."""
    file.attrs["version"] = VERSION
    file.attrs["epoch"] = state.epoch
    file.attrs["first_epoch"] = state.first_epoch
    file.attrs["seed"] = np.uint64(state.seed)
    file.attrs["genome"] = state.genome
    if state.rate_scale != 1.0:
        file.attrs["rate_scale"] = state.rate_scale
    for name in (*_GROUPS, *(name for name in _OPTIONAL if getattr(state, name))):
        group = file.create_group(name)
        for index, (key, value) in enumerate(getattr(state, name).items()):
            array = np.asarray(value, np.float64) if name == "curves" else np.asarray(value)
            group.create_dataset(key, data=array, track_times=False).attrs["index"] = index


def _write(path: str, fill: Callable[[Any], None]) -> None:
    import h5py

    aside = f"{path}.{os.getpid()}.part"
    try:
        with h5py.File(aside, "w", track_order=False) as file:
            fill(file)
            file.flush()
        with open(aside, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(aside, path)
    except OSError as error:
        if os.path.exists(aside):
            os.unlink(aside)
        raise StorageError(f"state: {path} cannot be written: {error}") from error


def read_state(path: str, fold: int | None = None) -> TrainingState:
    """Read a state back.

    Args:
        path: the file.
        fold: which of a cross-validated trial's; None for that of one training.

    Raises:
        StorageError: the file is missing, damaged, or of a version to come.
    """
    try:
        with open_arrays(path) as root:
            file = root if fold is None else root[f"fold{fold}"]
            version = int(file.attrs["version"])
            if version != VERSION:
                raise StorageError(f"state: {path} has version {version}, this evo reads {VERSION}")
            groups = {name: _read_group(file[name]) for name in _GROUPS}
            return TrainingState(
                epoch=int(file.attrs["epoch"]),
                first_epoch=int(file.attrs["first_epoch"]),
                seed=int(file.attrs["seed"]),
                genome=str(file.attrs["genome"]),
                weights=groups["weights"],
                seeds=groups["seeds"],
                optimizer=groups["optimizer"],
                curves={key: [float(v) for v in value] for key, value in groups["curves"].items()},
                averages=_read_group(file["averages"]) if "averages" in file else {},
                rate_scale=float(file.attrs.get("rate_scale", 1.0)),
            )
    except _UNREADABLE as error:
        raise StorageError(f"state: {path} cannot be read: {error}") from error


def number_of_folds(path: str) -> int:
    """How many trainings left a state: 0 for one training that is no fold.

    Raises:
        StorageError: the file is missing or damaged.
    """
    try:
        with open_arrays(path) as file:
            return int(file.attrs.get("folds", 0))
    except _UNREADABLE as error:
        raise StorageError(f"state: {path} cannot be read: {error}") from error


def read_weights(path: str, fold: int | None = None) -> dict[str, np.ndarray]:
    """The weights to predict with, by variable path: what inheritance needs."""
    try:
        with open_arrays(path) as root:
            file = root if fold is None else root[f"fold{fold}"]
            return _read_group(file["weights"]) | (_read_group(file["averages"]) if "averages" in file else {})
    except _UNREADABLE as error:
        raise StorageError(f"state: {path} cannot be read: {error}") from error


def assign(variables: Sequence[Any], names: Sequence[str], arrays: Mapping[str, np.ndarray], what: str) -> None:
    """Put stored arrays into variables: by name where all names agree, else by order.

    Raises:
        StorageError: number or shapes do not fit.
    """
    if len(variables) != len(arrays):
        raise StorageError(f"state: {what}: {len(arrays)} arrays are stored, {len(variables)} are needed")
    same_names = set(names) == set(arrays)
    values = [arrays[name] for name in names] if same_names else list(arrays.values())
    for variable, name, value in zip(variables, names, values, strict=True):
        if tuple(variable.shape) != value.shape:
            raise StorageError(f"state: {what}/{name} has shape {tuple(variable.shape)}, stored is {value.shape}")
        variable.assign(value)


def _unique_names(paths: Sequence[str]) -> list[str]:
    """The paths, with ``~2``, ``~3`` ... behind those that came before."""
    seen: dict[str, int] = {}
    names = []
    for path in paths:
        seen[path] = seen.get(path, 0) + 1
        names.append(path if seen[path] == 1 else f"{path}~{seen[path]}")
    return names


def weight_names(model: Any) -> list[str]:
    """Names of ``model.weights`` in a state file.

    ``MARK/PLACE`` (see :mod:`genomes.inheritance`) for the layers of genes, so that a child can
    inherit them; the variable's path for what bears no mark.
    """
    marked: dict[int, str] = {}
    for mark, layer in (getattr(model, "gene_layers", None) or {}).items():
        for place, variable in enumerate(layer.weights):
            marked.setdefault(id(variable), f"{mark}/{place}")
    return _unique_names([marked.get(id(variable), variable.path) for variable in model.weights])


def optimizer_names(optimizer: Any) -> list[str]:
    """Names of ``optimizer.variables`` in a state file: their paths without the optimizer's own name."""
    return _unique_names([variable.path.split("/", 1)[-1] for variable in optimizer.variables])


def seed_variables(model: Any) -> list[Any]:
    """State variables of the model's random generators, in the model's order."""
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def _read_group(group: Any) -> dict[str, np.ndarray]:
    import h5py

    found: list[tuple[int, str, np.ndarray]] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            if item.dtype.kind not in "fiubV":
                raise UnsafeFileError(f"{name} holds {item.dtype}, expected numbers")
            found.append((int(item.attrs["index"]), name, item[()]))

    group.visititems(visit)
    return {name: value for _, name, value in sorted(found, key=lambda entry: entry[0])}

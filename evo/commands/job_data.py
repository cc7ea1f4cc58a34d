"""The data of a job: read from a table, arrays, a folder of pictures or scikit-learn, test rows kept aside."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo.commands.next_steps import NEW_ARRAYS, NEW_PICTURES, NEW_TABLE
from evo.core.checks import share
from evo.core.errors import DataError, SettingsError
from evo.core.npz import array_names, read_arrays
from evo.data import Data
from evo.fitting.pictures import labelled_pictures
from evo.fitting.splitting import Splitting, with_columns
from evo.fitting.tables import TableFormat, read_table, reading_of
from evo.splits import splits_of
from genomes.targets.labels import plain_array

#: What may name a column of a table, or an array of an ``.npz`` file.
_COLUMNS = ("validation", "groups", "time")


@dataclass
class JobData:
    """Data of a job.

    Attributes:
        data: what the campaign trains and validates on.
        x_test: inputs kept aside; None if none were.
        y_test: their targets.
        name: what the target is called.
        notes: lines that a user should read before anything is trained.
        form: how the file is written, as far as it was said.
        new: what a file of new rows is called, in what is printed at the end.
    """

    data: Data
    x_test: Any = None
    y_test: Any = None
    name: str = "y"
    notes: tuple[str, ...] = ()
    form: TableFormat = dataclasses.field(default_factory=TableFormat)
    new: str = NEW_ARRAYS


def load_data(section: Mapping[str, Any], kind: Any) -> JobData:
    """The data that the section ``[data]`` names.

    Args:
        section: the section.
        kind: kind of the space: images stay images where it is ``image``.

    Raises:
        DataError: a file, an array or a column does not exist or cannot be read.
        SettingsError: shares of rows that are impossible.
    """
    form = TableFormat(section.get("separator"), section.get("decimal"), section.get("encoding"))
    if "sklearn" in section:
        return _split(*_from_sklearn(section["sklearn"], kind), {}, section)
    path = Path(str(section["file"]))
    try:
        if path.is_dir():
            found = labelled_pictures(path)
            said = any(section.get(name) is not None for name in (*_COLUMNS, "folds", "test"))
            further = {} if said or found.validation is None else {"validation": found.validation}
            job = _split(found.pictures, found.labels, further, section)
            return dataclasses.replace(job, notes=found.lines, new=NEW_PICTURES)
        if path.suffix.lower() == ".npz" and path.is_file():
            return _split(*_from_npz(path, section), section)
        x, y = _from_table(path, section, form)
    except DataError as error:
        told = str(error)
        raise DataError(f"[data] file:{told.removeprefix('data:')}" if told.startswith("data:") else told) from None
    job = _split(x, y, {}, section)
    notes = reading_of(x).lines
    return dataclasses.replace(job, name=str(section["target"]), form=form.like(x), new=NEW_TABLE, notes=notes)


def _from_sklearn(name: Any, kind: Any) -> tuple[Any, Any]:
    from sklearn import datasets

    loaders = {
        "digits": datasets.load_digits,
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
        "breast_cancer": datasets.load_breast_cancer,
        "diabetes": datasets.load_diabetes,
    }
    if name not in loaders:
        raise DataError(f"[data] sklearn: expected one of {', '.join(loaders)}, got {name!r}")
    found = loaders[name]()
    if name == "digits" and kind == "image":
        return np.asarray(found.images, dtype=np.float32)[..., None], np.asarray(found.target)
    return np.asarray(found.data, dtype=np.float32), np.asarray(found.target)


def _from_npz(path: Path, section: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    try:
        names = set(array_names(path))
        wanted = {part: str(section.get(part, part)) for part in ("x", "y")}
        if "x" not in section and "x" not in names and "x_train" in names:
            wanted = {"x": "x_train", "y": str(section.get("y", "y_train"))}
        wanted |= {
            part: str(section[part]) for part in ("x_validation", "y_validation", "x_test", "y_test") if part in section
        }
        wanted |= {part: str(section[part]) for part in _COLUMNS if isinstance(section.get(part), str)}
        missing = [name for name in wanted.values() if name not in names]
        if missing:
            raise DataError(
                f"[data] {path.name} holds no array {missing[0]!r}; it holds {', '.join(sorted(names)) or 'none'}"
            )
        found = read_arrays(path, wanted.values(), packed=True)
        arrays = {part: found[name] for part, name in wanted.items()}
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"[data] file: {path} cannot be read: {error}") from None
    return arrays.pop("x"), arrays.pop("y"), arrays


def _from_table(path: Path, section: Mapping[str, Any], form: TableFormat) -> tuple[Any, Any]:
    table = read_table(path, form)
    target = section.get("target")
    if target is None:
        raise DataError(f"[data] target: name the column to predict; {path.name} has {', '.join(table.columns)}")
    drop = section.get("drop", [])
    for name in [target, *drop]:
        if name not in table.columns:
            raise DataError(f"[data] {path.name} has no column {name!r}; it has {', '.join(table.columns)}")
    if table[target].isna().any():
        raise DataError(f"[data] target: {int(table[target].isna().sum())} rows of {target!r} are empty")
    return table.drop(columns=[target, *drop]), plain_array(table[target])


def _split(x: Any, y: Any, further: Mapping[str, Any], section: Mapping[str, Any]) -> JobData:
    """Keep the test rows aside, then let :class:`evo.Data` split off the validation rows."""
    x_test, y_test = further.get("x_test"), further.get("y_test")
    x, splitting = _splitting(x, further, section)
    test = _share(section, "test", 0.0)
    if test and x_test is not None:
        raise SettingsError("[data] test: a share of the rows and x_test exclude each other")
    if test:
        train, kept = _test_rows(x, y, test, int(section.get("test_seed", 0)), splitting)
        x_test, y_test = _rows(x, kept), y[kept]
        x, y, splitting = _rows(x, train), y[train], splitting.of_rows(train)
    if "x_validation" in further:
        given: dict[str, Any] = {"validation": (further["x_validation"], further["y_validation"])}
    else:
        given = dict(vars(splitting))
    weight = section.get("class_weight")
    return JobData(Data(x, y, seed=int(section.get("seed", 0)), class_weight=weight, **given), x_test, y_test)


def _splitting(x: Any, further: Mapping[str, Any], section: Mapping[str, Any]) -> tuple[Any, Splitting]:
    """What the section says of the validation rows; columns of the table that only split are no inputs."""
    given = {name: further.get(name, section.get(name)) for name in _COLUMNS}
    if isinstance(given["validation"], Mapping):
        given["validation"] = _splitter(given["validation"])
    return with_columns(x, Splitting(**given, folds=section.get("folds")))


def _splitter(table: Mapping[str, Any]) -> Any:
    """A splitter of scikit-learn: ``{kind = "KFold", n_splits = 5}``.

    Raises:
        SettingsError: no such splitter, or arguments that it does not take.
    """
    from sklearn import model_selection

    arguments = dict(table)
    name = arguments.pop("kind", None)
    kinds = {n: k for n, k in vars(model_selection).items() if isinstance(k, type) and hasattr(k, "get_n_splits")}
    if name not in kinds:
        known = ", ".join(sorted(n for n in kinds if not n.startswith("Base")))
        raise SettingsError(f"[data] validation: kind: expected one of {known}, got {name!r}")
    try:
        return kinds[name](**arguments)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"[data] validation: {name}: {error}") from None


def _test_rows(x: Any, y: np.ndarray, share: float, seed: int, splitting: Splitting) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train and to test: whole groups, or the latest rows, where there are groups or times."""
    if not splitting.is_drawn:
        raise SettingsError("[data] test: rows to validate on are named by their numbers; give x_test, too")
    if splitting.groups is None and splitting.time is None:
        return test_split(y, share, seed)
    found = splits_of(share, x, y, len(y), seed=seed, groups=splitting.groups, time=splitting.time)
    assert found is not None
    return found[0].train, found[0].validation


def test_split(y: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted row numbers for training and for the test, by class where the targets are classes.

    Args:
        y: targets, one per row.
        share: share of the rows kept for the test.
        seed: seed of the split.
    """
    from sklearn.model_selection import train_test_split

    classes, counts = np.unique(y, return_counts=True)
    are_classes = y.ndim == 1 and y.dtype.kind in "biuUSO" and len(classes) < len(y) / 5 and counts.min() > 1
    stratify = y if are_classes else None
    try:
        train, kept = train_test_split(np.arange(len(y)), test_size=share, random_state=seed, stratify=stratify)
    except ValueError as error:
        raise DataError(f"[data] test: {error}") from None
    return np.sort(train), np.sort(kept)


def _rows(x: Any, rows: np.ndarray) -> Any:
    return x.iloc[rows] if hasattr(x, "iloc") else x[rows]


def _share(section: Mapping[str, Any], name: str, default: float) -> float:
    return share(section.get(name, default), f"[data] {name}", whole=False)

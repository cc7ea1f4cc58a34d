"""Data: what a campaign trains and validates on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.core.given_arrays import as_given_array
from evo.core.given_datasets import gathered, is_dataset
from evo.prepared_data import PreparedData, named
from evo.splits import VALIDATION_SHARE, Split, folds_of, splits_of
from genomes.notebook import facts
from genomes.spaces.base import Space
from genomes.targets.labels import in_words, plain_array


class Data:
    """Inputs and targets, split into training and validation rows.

    Args:
        x: inputs: an array (also a ``np.memmap``), a DataFrame, a dict or a list of arrays for
            several inputs, a sparse matrix, a list with an array for each row; or a ``tf.data.Dataset``, a
            ``keras.utils.PyDataset`` or a ``torch.utils.data.DataLoader`` that gives ``(x, y)`` or
            ``(x, y, sample_weight)`` batches and ends.
        y: targets, one row per input row; left out for datasets.
        validation: the rows that candidates are judged by: a share in (0, 1), by default
            ``evo.splits.VALIDATION_SHARE`` (a fifth), drawn per class where the targets are classes; ``(x, y)`` or
            ``(x, y, sample_weight)``; a dataset; row numbers, or a truth value for each row; or a splitter of
            scikit-learn. One that gives several splits, as ``KFold(5)`` does, cross-validates: every candidate is
            trained on each.
        seed: seed of the split.
        sample_weight: one non-negative number per row, for the training loss and, where the
            rows are kept for validation, for the validation loss.
        class_weight: a number for each label, multiplied onto the weights of training rows; ``"balanced"`` for
            rows / (classes * rows of the class), as scikit-learn has it.
        folds: cross-validate every candidate on so many folds (2 or more), in place of ``validation``: by class where
            the targets are classes, whole ``groups``, or by ``time``.
        groups: what each row belongs to (a patient, a customer), (rows,): no group has rows in both parts.
        time: when each row was, (rows,), numbers or dates: the latest rows are judged by.

    Raises:
        DataError: rows that do not match or do not exist, an empty part, rows in both parts, a share outside (0, 1),
            wrong weights.

    Example:
        >>> import numpy as np
        >>> data = Data(np.zeros((10, 4)), np.arange(10) % 2, validation=0.2, seed=0)
        >>> data.rows, data.validation_rows
        (8, 2)
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        validation: float | tuple[Any, ...] | Any = None,
        seed: int = 0,
        sample_weight: Any = None,
        class_weight: Mapping[Any, float] | str | None = None,
        *,
        folds: int | None = None,
        groups: Any = None,
        time: Any = None,
    ) -> None:
        x, y, sample_weight = _gathered(x, y, sample_weight, "x")
        rows = _check_rows(x, y, sample_weight, "")
        if folds is not None:
            if validation is not None:
                raise DataError("folds: give folds or validation, not both")
            splits: list[Split] | None = folds_of(folds, y, rows, seed=seed, groups=groups, time=time)
        else:
            validation = VALIDATION_SHARE if validation is None else validation
            splits = splits_of(validation, x, y, rows, seed=seed, groups=groups, time=time)
        self.splits = splits or []
        self._class_weight = class_weight
        if len(self.splits) > 1:
            # Every row may be trained on; each is judged by in the folds that do not.
            self.x_train, self.y_train, self.weight_train = x, y, sample_weight
            kept = np.concatenate([split.validation for split in self.splits])
            self.x_validation = take(x, kept)
            self.y_validation: Any = None if y is None else take(y, kept)
            self.weight_validation = None if sample_weight is None else take(sample_weight, kept)
        elif splits is not None:
            train, kept = splits[0].train, splits[0].validation
            self.x_train, self.x_validation = take(x, train), take(x, kept)
            self.y_train = None if y is None else take(y, train)
            self.y_validation = None if y is None else take(y, kept)
            self.weight_train = None if sample_weight is None else take(sample_weight, train)
            self.weight_validation = None if sample_weight is None else take(sample_weight, kept)
        else:
            given = tuple(validation) if isinstance(validation, (tuple, list)) else (validation,)
            if len(given) > 3:
                raise DataError(f"validation: expected (x, y) or (x, y, sample_weight), got {len(given)} values")
            given = given + (None,) * (3 - len(given))
            x_kept, y_kept, weight_kept = _gathered(given[0], given[1], given[2], "validation x")
            if (y_kept is None) is not (y is None):
                missing = "validation: targets are" if y is not None else "y: targets of training rows are"
                raise DataError(f"{missing} needed, got None")
            _check_rows(x_kept, y_kept, weight_kept, "validation ")
            self.x_train, self.y_train, self.weight_train = x, y, sample_weight
            self.x_validation, self.y_validation, self.weight_validation = x_kept, y_kept, weight_kept
        if class_weight is not None and y is None:
            raise DataError("class_weight: needs targets, got y=None")
        if class_weight is not None and not self.folds:
            self.weight_train = _with_class_weight(self.weight_train, self.y_train, class_weight)
        self.seed = seed

    @property
    def rows(self) -> int:
        """Number of training rows."""
        return _rows(self.x_train)

    @property
    def validation_rows(self) -> int:
        """Number of validation rows."""
        return _rows(self.x_validation)

    @property
    def folds(self) -> int:
        """Number of folds that every candidate is trained on; 0 where it is trained once."""
        return len(self.splits) if len(self.splits) > 1 else 0

    def prepare(self, space: Space) -> PreparedData:
        """Check the data against a space, and bring it into the form that its models take.

        Raises:
            DataError: a wrong shape, labels out of range, NaN; the message names the
                argument, what was given and what was expected.
        """
        if self.y_train is None and not (space.compiles_models and space.target is None):
            raise DataError("y: targets are needed, got None")
        try:
            space.check_data(self.x_train, self.y_train, "train")
            space.check_data(self.x_validation, self.y_validation, "validation")
            arrays: dict[str, np.ndarray] = {}
            for role, x, y, weight in (
                ("train", self.x_train, self.y_train, self.weight_train),
                ("validation", self.x_validation, self.y_validation, self.weight_validation),
            ):
                if role == "train" or not self.folds:
                    arrays |= named(f"x_{role}", space.prepare(x))
                if y is not None:
                    arrays |= named(f"y_{role}", space.prepare_targets(y))
                if weight is not None:
                    weights = named(f"weight_{role}", _weights(weight))
                    if not space.compiles_models and any(part.ndim > 1 for part in weights.values()):
                        raise DataError("sample_weight: expected one number per row; this space has one target per row")
                    arrays |= weights
            self._check_classes(space, arrays)
            arrays |= self._fold_arrays()
        except ValueError as error:
            if isinstance(error, DataError):
                raise
            raise DataError(str(error)) from error
        return PreparedData(arrays)

    def _check_classes(self, space: Space, arrays: Mapping[str, np.ndarray]) -> None:
        """Refuse classes that stand in the validation rows alone, where a user chose the rows.

        Raises:
            DataError: there are some.
        """
        labels, target = arrays.get("y_train"), space.target
        if target is None or not target.gives_probabilities or labels is None or labels.size != len(labels):
            return
        for split in self.splits:
            train, kept = labels, arrays["y_validation"]
            if self.folds:
                train, kept = labels[split.train], labels[split.validation]
            absent = np.setdiff1d(kept, train).astype(np.int64)
            if split.chosen and len(absent):
                raise DataError(
                    f"validation: no training row of class {in_words(target.labels_at(absent).tolist())}: nothing can "
                    "be learnt of it; take other rows to judge by"
                )

    def _fold_arrays(self) -> dict[str, np.ndarray]:
        """Rows of each fold and, where classes are weighed, the weights of its training rows."""
        arrays: dict[str, np.ndarray] = {}
        for number, split in enumerate(self.splits if self.folds else ()):
            arrays |= {f"fold/{number}/train": split.train, f"fold/{number}/validation": split.validation}
            if self._class_weight is not None:
                weight = None if self.weight_train is None else take(self.weight_train, split.train)
                weighed = _with_class_weight(weight, take(self.y_train, split.train), self._class_weight)
                arrays[f"fold/{number}/weight"] = _weights(weighed)
        return arrays

    def __repr__(self) -> str:
        if self.folds:
            return f"Data({self.rows} rows in {self.folds} folds)"
        return f"Data({self.rows} training rows, {self.validation_rows} validation rows)"

    def _repr_html_(self) -> str:
        values: dict[str, Any] = {"training rows": self.rows, "validation rows": self.validation_rows}
        if self.folds:
            values = {"rows": self.rows, "folds": self.folds}
        for name, given in (("x", self.x_train), ("y", self.y_train), ("sample weight", self.weight_train)):
            parts = {} if given is None else _arrays(given)
            values |= {f"{name}{which}": _form(part) for which, part in parts.items()}
        return facts("Data", values)


def _rows(array: Any) -> int:
    if isinstance(array, Mapping):
        return _rows(next(iter(array.values())))
    return len(array)


def _form(part: Any) -> str:
    """What one row is: shape and dtype of an array, names of a table's columns."""
    if hasattr(part, "columns"):
        return f"{len(part.columns)} columns: {', '.join(map(str, part.columns[:20]))}"
    array = part if hasattr(part, "shape") else np.asarray(part)
    return f"{tuple(array.shape[1:])} per row, {array.dtype}"


def _arrays(x: Any) -> dict[str, Any]:
    """The parts of several inputs or targets; the thing itself where there is one."""
    if isinstance(x, Mapping):
        return {f"[{name!r}]": part for name, part in x.items()}
    return {"": x}


def _check_rows(x: Any, y: Any, weight: Any, prefix: str) -> int:
    """Number of rows, the same in all parts.

    Raises:
        DataError: no rows, or numbers that differ.
    """
    parts = {f"{prefix}x{n}": p for n, p in _arrays(x).items()}
    parts |= {} if y is None else {f"{prefix}y{n}": p for n, p in _arrays(y).items()}
    weights = {} if weight is None else {f"{prefix}sample_weight{n}": p for n, p in _arrays(weight).items()}
    parts |= weights
    counts: dict[str, int] = {}
    for name, part in parts.items():
        if not hasattr(part, "__len__"):
            raise DataError(f"{name}: expected an array, a DataFrame or a dataset, got {type(part).__name__}")
        counts[name] = len(part)
    if len(set(counts.values())) != 1:
        shown = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise DataError(f"{prefix}x and y: expected the same number of rows, but {shown}")
    rows = next(iter(counts.values()))
    if rows == 0:
        raise DataError(f"{prefix}x: is empty; expected at least one row")
    for name, part in weights.items():
        array = np.asarray(part)
        if array.dtype.kind not in "biuf" or not np.isfinite(array).all() or (array < 0).any():
            raise DataError(f"{name}: expected {rows} finite numbers of 0 or more")
    return rows


def take(x: Any, rows: np.ndarray) -> Any:
    """Some rows of inputs or targets in any form, by their numbers; rows in a row are no copy."""
    if isinstance(x, Mapping):
        return {name: take(part, rows) for name, part in x.items()}
    wanted: Any = rows
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        wanted = slice(int(rows[0]), int(rows[-1]) + 1)  # of a mapped array that memory need not hold
    return x.iloc[wanted] if hasattr(x, "iloc") else np.asarray(x)[wanted]


def _weights(weight: Any) -> Any:
    """Weights by output where there are several: float32, shape (rows,), or (rows, steps) by step."""
    if isinstance(weight, Mapping):
        return {name: _weights(part) for name, part in weight.items()}
    array = np.ascontiguousarray(weight, dtype=np.float32)
    return array.reshape(-1) if array.size == len(array) else array


def _with_class_weight(weight: Any, y: Any, class_weight: Mapping[Any, float] | str) -> np.ndarray:
    """Sample weights with each row's class weight multiplied on.

    Raises:
        DataError: a class without a weight, or targets that are no classes.
    """
    labels = plain_array(y)
    if labels.ndim == 2:
        labels = labels[:, 0] if labels.shape[1] == 1 else labels.argmax(axis=1)
    if labels.dtype.kind not in "biufU" or (labels.dtype.kind == "f" and (labels != np.round(labels)).any()):
        raise DataError("class_weight: the targets are no classes")
    classes, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise DataError(f'class_weight: expected "balanced" or a number for each label, got {class_weight!r}')
        given = len(labels) / (len(classes) * counts)
    else:
        missing = [label for label in classes.tolist() if label not in class_weight]
        if missing:
            raise DataError(f"class_weight: expected a weight for every class, none given for {missing}")
        given = np.array([class_weight[label] for label in classes.tolist()], dtype=np.float64)
    factors = given[numbers].astype(np.float32)
    if not np.isfinite(factors).all() or (factors < 0).any():
        raise DataError("class_weight: expected finite numbers of 0 or more")
    return factors if weight is None else np.asarray(weight, dtype=np.float32).reshape(-1) * factors


def _gathered(x: Any, y: Any, weight: Any, name: str) -> tuple[Any, Any, Any]:
    """Datasets as arrays; arrays as they are; a list of inputs as a dict.

    Raises:
        DataError: a dataset with targets given beside it, without an end, or too large to hold.
    """
    if is_dataset(x):
        if y is not None or weight is not None:
            raise DataError(f"{name} is a dataset: it gives targets and weights itself, leave y and sample_weight out")
        x, y, weight = gathered(x, name)
        return _inputs(x), y, weight
    place = name.removesuffix("x")
    x, y, weight = _by_place(x), _by_place(y), _by_place(weight)
    y, weight = as_given_array(y, f"{place}y"), as_given_array(weight, f"{place}sample_weight")
    x = _inputs(_stacked(as_given_array(x, name), y))
    rows = _rows(x) if hasattr(x, "__len__") else 0
    return x, _outputs(y, rows), _outputs(weight, rows)


def _by_place(values: Any) -> Any:
    """A list of arrays and of dicts of arrays as a dict, by their places in it."""
    nested = isinstance(values, (list, tuple)) and {isinstance(part, Mapping) for part in values} == {True, False}
    return {str(place): part for place, part in enumerate(values)} if nested else values


def _stacked(x: Any, y: Any) -> Any:
    """A list with an array for each row, pictures say, as one array; anything else as it is."""
    if not isinstance(x, list) or not hasattr(y, "__len__") or len(x) != len(y) or isinstance(y, Mapping):
        return x
    shapes = {getattr(part, "shape", ()) for part in x}
    return np.stack(x) if len(shapes) == 1 and shapes != {()} and len(x[0]) != len(y) else x


def _inputs(x: Any) -> Any:
    """A list of inputs, or inputs within inputs, as a dict; a list of rows as an array."""
    if isinstance(x, Mapping):
        return _flat(x)
    if not isinstance(x, (list, tuple)):
        return x
    if x and all(hasattr(part, "shape") and part.ndim > 0 for part in x):
        return {f"input_{index}": part for index, part in enumerate(x)}
    return np.asarray(x)


def _flat(x: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Inputs within inputs, targets within targets by their paths, ``a/b`` and ``a/0``; others by their names."""
    flat: dict[str, Any] = {}
    for name, part in x.items():
        if isinstance(part, (list, tuple)) and part and all(getattr(entry, "ndim", 0) > 0 for entry in part):
            part = {str(index): entry for index, entry in enumerate(part)}
        flat |= _flat(part, f"{path}{name}/") if isinstance(part, Mapping) else {f"{path}{name}": part}
    return flat


def _outputs(values: Any, rows: int) -> Any:
    """Targets or weights of several outputs, or of outputs within outputs, as a dict; a list of rows as an array.

    A list of arrays that each have a value for every row is a list of outputs.
    """
    if isinstance(values, Mapping):
        return _flat(values)
    if not isinstance(values, (list, tuple)):
        return values
    parts = [part if hasattr(part, "shape") else np.asarray(part) for part in values] if len(values) != rows else []
    if parts and all(part.ndim > 0 and len(part) == rows for part in parts):
        return {f"output_{index}": part for index, part in enumerate(parts)}
    return np.asarray(values)

"""Splits: which rows are trained on and which candidates are judged by, as a user may say it."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.core.errors import DataError
from genomes.spaces.dates import dated_form_of
from genomes.targets.labels import missing

#: The share of the rows that is kept to judge candidates by where nothing else is said.
VALIDATION_SHARE = 0.2
#: Draws of groups among which the one is taken whose validation rows are most like all rows.
_GROUP_DRAWS = 64
#: What ``validation=`` may be, for messages.
_FORMS = "a share in (0, 1), (x, y), row numbers, a truth value for each row, or a splitter of scikit-learn"


@dataclass(frozen=True)
class Split:
    """Rows of one training.

    Attributes:
        train: sorted numbers of the rows that are trained on.
        validation: sorted numbers of the rows that are judged by; none of them is trained on.
        chosen: whether a user named the rows, so that a class without training rows is a mistake.
    """

    train: np.ndarray
    validation: np.ndarray
    chosen: bool = True


def splits_of(
    validation: Any, x: Any, y: Any, rows: int, *, seed: int = 0, groups: Any = None, time: Any = None
) -> list[Split] | None:
    """The splits that a user means by ``validation=``: one, or several for cross-validation.

    Args:
        validation: a share in (0, 1); row numbers, or a truth value for each row, of the rows to judge by; a splitter
            of scikit-learn, whose every split is one; or a list of pairs (training rows, validation rows).
        x: inputs, as a splitter may look at them.
        y: targets, or None.
        rows: number of rows.
        seed: of all that is drawn, also by a splitter that shuffles and has no ``random_state``.
        groups: what each row belongs to, (rows,): no group has rows in both parts.
        time: when each row was, (rows,): the latest rows are judged by, and no two rows of the same time are parted.

    Returns:
        The splits; None if ``validation`` is none of these, so that it must be rows of their own.

    Raises:
        DataError: an impossible share, rows that do not exist or are given twice, an empty part, rows in both parts.
    """
    groups = _per_row(groups, "groups", rows)
    time = _per_row(time, "time", rows)
    if groups is not None and time is not None:
        raise DataError("groups: give groups or time, not both")
    if validation is None or isinstance(validation, (bool, np.bool_)):
        raise DataError(f"validation: expected {_FORMS}, got {validation!r}")
    if isinstance(validation, (int, float, np.integer, np.floating)):
        return [_by_share(float(validation), y, rows, seed, groups, time)]
    if hasattr(validation, "split") and hasattr(validation, "get_n_splits"):
        return _by_splitter(validation, x, y, rows, seed, groups, time)
    pairs = _pairs(validation, x)
    if pairs is None:
        kept = _row_numbers(validation, rows, "validation")
        if kept is None:
            if groups is not None or time is not None:
                raise DataError(
                    f"{'groups' if time is None else 'time'}: decides on the validation rows, leave (x, y) out"
                )
            return None
        pairs = [(np.setdiff1d(np.arange(rows), kept), kept)]
    if groups is not None or time is not None:
        name = "groups" if time is None else "time"
        raise DataError(f"{name}: the validation rows are given by their numbers already; give one of the two")
    return [checked(train, kept, rows) for train, kept in pairs]


def folds_of(folds: int, y: Any, rows: int, *, seed: int = 0, groups: Any = None, time: Any = None) -> list[Split]:
    """``folds`` splits for cross-validation: a function of its arguments alone.

    By class where the targets are classes (``StratifiedKFold``), whole groups (``GroupKFold``,
    ``StratifiedGroupKFold``), or each time later rows than those that are trained on (``TimeSeriesSplit``, by the
    different times); else ``KFold``. All shuffle by the seed, except by time.

    Args:
        folds: their number, 2 or more.
        y: targets, or None.
        rows: number of rows.
        seed: of the draw.
        groups: what each row belongs to, (rows,).
        time: when each row was, (rows,).

    Raises:
        DataError: fewer than two folds, or more than there are rows, groups or times.
    """
    from sklearn import model_selection

    if isinstance(folds, bool) or not isinstance(folds, (int, np.integer)) or folds < 2:
        raise DataError(f"folds: expected a whole number of 2 or more, got {folds!r}")
    groups = _per_row(groups, "groups", rows)
    time = _per_row(time, "time", rows)
    if groups is not None and time is not None:
        raise DataError("groups: give groups or time, not both")
    units, what = (rows, "rows") if groups is None else (len(np.unique(groups)), "groups")
    if time is not None:
        units, what = len(np.unique(time)) - 1, "different times after the first"
    if folds > units:
        raise DataError(f"folds: {folds} folds need as many {what}, there are {units}")
    classes = class_numbers(y, rows)
    if time is not None:
        splitter: Any = model_selection.TimeSeriesSplit(n_splits=int(folds))
        return _by_splitter(splitter, None, y, rows, seed, None, time)
    if groups is not None:
        kind = model_selection.GroupKFold if classes is None else model_selection.StratifiedGroupKFold
    else:
        kind = model_selection.KFold if classes is None else model_selection.StratifiedKFold
    splitter = kind(n_splits=int(folds), shuffle=True, random_state=seed)
    found = _by_splitter(splitter, None, classes, rows, seed, groups, None)
    return [Split(split.train, split.validation, chosen=False) for split in found]


def checked(train: Any, validation: Any, rows: int) -> Split:
    """A split, once it is sure to be one.

    Raises:
        DataError: rows that do not exist or are given twice, an empty part, rows in both parts.
    """
    parts = []
    for name, given in (("training", train), ("validation", validation)):
        numbers = _row_numbers(given, rows, f"validation: {name} rows")
        if numbers is None:
            raise DataError(f"validation: expected numbers of {name} rows, got {type(given).__name__}")
        if not len(numbers):
            raise DataError(f"validation: the {name} part is empty; expected at least one row")
        parts.append(numbers)
    both = np.intersect1d(parts[0], parts[1])
    if len(both):
        raise DataError(f"validation: {_rows_in_words(both)} in both parts; no row may be trained on and judged by")
    return Split(parts[0], parts[1])


def class_numbers(y: Any, rows: int) -> np.ndarray | None:
    """Class of each row, where the targets look like classes that a draw can keep the shares of; else None."""
    if y is None or isinstance(y, Mapping):
        return None
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "biuUSO":
        return None
    if labels.dtype.kind == "O":
        if any(isinstance(label, (list, tuple, np.ndarray)) for label in labels):
            return None  # no labels: who makes a target of them says so
        labels = labels.astype(np.str_)
    classes, numbers = np.unique(labels, return_inverse=True)
    return numbers if len(classes) <= max(2, rows // 5) else None


# -- by a share ---------------------------------------------------------------------------
def _by_share(share: float, y: Any, rows: int, seed: int, groups: Any, time: Any) -> Split:
    if not math.isfinite(share) or not 0 < share < 1:
        hint = f"; folds={int(share)} cross-validates" if share >= 2 and share == int(share) else ""
        raise DataError(f"validation: expected a share in (0, 1) or (x, y), got {share:g}{hint}")
    wanted = round(rows * share)
    if wanted == 0 or wanted == rows:
        empty = "validation" if wanted == 0 else "training"
        raise DataError(f"validation: a share of {share} of {rows} rows leaves the {empty} split empty")
    if time is not None:
        return _latest(time, wanted)
    if groups is not None:
        return _whole_groups(groups, y, rows, share, seed)
    return Split(*_drawn(y, rows, wanted, seed), chosen=False)


def _drawn(y: Any, rows: int, wanted: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted row numbers for training and validation: by class where the targets are classes."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(rows)
    numbers = class_numbers(y, rows)
    if numbers is not None and wanted >= numbers.max() + 1:
        # Every class spreads evenly over the order, so that each share of the front of
        # the order holds its share of every class.
        place = np.empty(rows)
        for number, count in enumerate(np.bincount(numbers)):
            members = order[numbers[order] == number]
            place[members] = (np.arange(len(members)) + 0.5) / count
        order = order[np.argsort(place[order], kind="stable")]
    kept = np.sort(order[:wanted])
    train = np.setdiff1d(np.arange(rows), kept, assume_unique=True)
    return train, kept


def _latest(time: np.ndarray, wanted: int) -> Split:
    """The latest rows, as near to ``wanted`` as whole times allow."""
    times, numbers, counts = np.unique(time, return_inverse=True, return_counts=True)
    if len(times) < 2:
        raise DataError("time: all rows have the same time; expected two different ones or more")
    # Rows from each time on, the first left out: something must be trained on.
    later = np.cumsum(counts[::-1])[::-1][1:]
    first = 1 + int(np.argmin(np.abs(later - wanted)))
    return Split(np.flatnonzero(numbers < first), np.flatnonzero(numbers >= first), chosen=False)


def _whole_groups(groups: np.ndarray, y: Any, rows: int, share: float, seed: int) -> Split:
    """A draw of whole groups, of several the one that holds most nearly its share of the rows of every class.

    Raises:
        DataError: one group only.
    """
    from sklearn.model_selection import GroupShuffleSplit

    names, members = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise DataError("groups: all rows belong to the same group; expected two groups or more")
    classes = class_numbers(y, rows)
    classes = np.zeros(rows, int) if classes is None else classes
    counts = np.bincount(classes)
    kept = min(max(1, round(len(names) * share)), len(names) - 1)
    best: tuple[tuple[float, float], Split] | None = None
    draws = GroupShuffleSplit(n_splits=_GROUP_DRAWS, test_size=kept, random_state=seed)
    for train, validation in draws.split(np.zeros(rows), groups=members):
        found = np.bincount(classes[validation], minlength=len(counts))
        without = float((found == counts).sum())
        distance = without, float(np.abs(found / counts - share).sum())
        if best is None or distance < best[0]:
            best = distance, Split(np.sort(train), np.sort(validation))
    assert best is not None
    return best[1]


# -- by what is given -----------------------------------------------------------------------
def _by_splitter(splitter: Any, x: Any, y: Any, rows: int, seed: int, groups: Any, time: Any) -> list[Split]:
    """All splits of a splitter of scikit-learn; of the different times, where there are times."""
    if isinstance(splitter, type):
        raise DataError(f"validation: expected a splitter, made: {splitter.__name__}(), got the class")
    name = type(splitter).__name__
    if getattr(splitter, "random_state", 0) is None:
        # The same splits whenever the campaign is resumed.
        splitter = copy.copy(splitter)
        if getattr(splitter, "shuffle", True):
            splitter.random_state = seed
    order, numbers = None, None
    if time is not None:
        order, numbers = np.unique(time, return_inverse=True)
    given = np.zeros(rows if order is None else len(order))
    whole = given if order is not None or not hasattr(x, "shape") else x
    labels = None if order is not None else _labels(y)
    try:
        with warnings.catch_warnings():
            # A class of fewer rows than folds is told by the one who knows what is predicted.
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
            found = list(splitter.split(whole, labels, groups))
    except (TypeError, ValueError) as error:
        hint = "; give groups=" if "groups" in str(error) and groups is None else ""
        raise DataError(f"validation: {name}: {' '.join(str(error).split())}{hint}") from None
    if not found:
        raise DataError(f"validation: {name} gives no splits")
    splits = []
    for train, kept in found:
        if numbers is not None:
            train, kept = (np.flatnonzero(np.isin(numbers, part)) for part in (train, kept))
        split = checked(train, kept, rows)
        if groups is not None:
            both = np.intersect1d(groups[split.train], groups[split.validation])
            if len(both):
                raise DataError(
                    f"groups: {name} puts rows of group {both.tolist()[0]!r} into both parts; take GroupKFold or "
                    "GroupShuffleSplit"
                )
        splits.append(split)
    return splits


def _labels(y: Any) -> Any:
    """Targets as splitters take them: words as words."""
    if y is None or isinstance(y, Mapping):
        return None
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    return labels.astype(np.str_) if labels.dtype.kind == "O" else labels


def _pairs(given: Any, x: Any) -> list[tuple[Any, Any]] | None:
    """Pairs (training rows, validation rows): of a list of them, of what ``splitter.split(...)`` returns, or one."""
    if isinstance(given, Iterator):
        given = list(given)
        if not given:
            raise DataError("validation: an iterator that gives no splits, or that was used already")
    if isinstance(given, tuple) and len(given) == 2 and all(_are_row_numbers(part) for part in given):
        # Inputs are no such row of whole numbers, unless those of the training are, too.
        return None if getattr(x, "ndim", 2) == 1 else [(given[0], given[1])]
    if not isinstance(given, list) or not given or not all(isinstance(p, tuple) and len(p) == 2 for p in given):
        return None
    return [(p[0], p[1]) for p in given] if all(_are_row_numbers(part) for p in given for part in p) else None


def _are_row_numbers(given: Any) -> bool:
    if isinstance(given, (list, tuple, range)):  # of several inputs: of arrays, which need not fit together
        return len(given) > 0 and all(isinstance(value, (int, np.integer, np.bool_)) for value in given)
    array = np.asarray(given) if hasattr(given, "dtype") else None
    return array is not None and array.ndim == 1 and array.dtype.kind in "iub" and len(array) > 0


def _row_numbers(given: Any, rows: int, name: str) -> np.ndarray | None:
    """Sorted row numbers of row numbers or a mask; None if it is neither.

    Raises:
        DataError: a mask of another length, rows that do not exist or are given twice.
    """
    if isinstance(given, Mapping) or hasattr(given, "columns") or callable(getattr(given, "as_numpy_iterator", None)):
        return None
    if not isinstance(given, (list, tuple, range)) and not hasattr(given, "__array__"):
        return None
    try:
        array = np.asarray(given)
    except ValueError:
        return None
    if array.ndim == 1 and array.dtype.kind == "O" and all(isinstance(value, (bool, np.bool_)) for value in array):
        array = array.astype(bool)
    if array.ndim != 1 or (array.dtype.kind not in "iub" and len(array)):
        return None
    if array.dtype.kind == "b":
        if len(array) != rows:
            raise DataError(f"{name}: a truth value for each row is expected, got {len(array)} for {rows} rows")
        return np.flatnonzero(array)
    if len(array) == rows > 2 and set(np.unique(array).tolist()) == {0, 1}:
        raise DataError(f"{name}: 0 and 1 for each row are no row numbers; give truth values: mask.astype(bool)")
    array = array.astype(np.int64)
    wrong = array[(array < 0) | (array >= rows)]
    if len(wrong):
        raise DataError(f"{name}: there is no row {wrong[0]}; the {rows} rows have the numbers 0 to {rows - 1}")
    numbers, counts = np.unique(array, return_counts=True)
    if (counts > 1).any():
        raise DataError(f"{name}: {_rows_in_words(numbers[counts > 1])} given twice")
    if name == "validation" and not len(numbers):
        raise DataError("validation: the validation part is empty; expected at least one row")
    return numbers


def _rows_in_words(numbers: np.ndarray) -> str:
    if len(numbers) == 1:
        return f"row {numbers[0]} is"
    return f"{len(numbers)} rows ({', '.join(map(str, numbers[:3]))}{', ...' if len(numbers) > 3 else ''}) are"


def _per_row(values: Any, name: str, rows: int) -> np.ndarray | None:
    """One known value per row, of a kind that can be sorted.

    Raises:
        DataError: another number of values, or unknown ones.
    """
    if values is None:
        return None
    array = np.asarray(values)
    if array.shape == (rows, 1):
        array = array[:, 0]
    if array.shape != (rows,):
        raise DataError(f"{name}: expected one value for each of {rows} rows, got shape {array.shape}")
    if missing(array).any():
        raise DataError(f"{name}: {int(missing(array).sum())} rows have no value; expected one for each")
    if name == "groups":
        return array.astype(np.str_) if array.dtype.kind == "O" else array
    return _sortable(array) if array.dtype.kind in "OSU" else array


def _sortable(time: np.ndarray) -> np.ndarray:
    """Dates that are written as texts, or that NumPy has no type for, in a form whose order is that of time.

    Raises:
        DataError: texts that are no dates.
    """
    form = dated_form_of(time)
    texts = isinstance(time[0], str)
    if form:
        import pandas

        column = pandas.Series(time, dtype=object)
        return np.asarray(pandas.to_datetime(column, utc=True, **({"format": form} if texts else {})).astype(np.int64))
    try:
        if texts:
            raise TypeError
        np.unique(time)
    except TypeError:
        raise DataError(f"time: expected numbers or dates, got {str(time[0])!r} first") from None
    return time

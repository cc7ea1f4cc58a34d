"""What is predicted, read off the values that a user gives: by rules that a person would agree with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genomes.errors import GenomeError, shown
from genomes.targets.binary import Binary
from genomes.targets.labels import Label, in_words, labels_of, ordered_categories, plain_array, refuse_missing
from genomes.targets.mixed import Mixed, Part
from genomes.targets.multiclass import Multiclass
from genomes.targets.multilabel import Multilabel
from genomes.targets.ordinal import Ordinal
from genomes.targets.quantiles import Quantiles
from genomes.targets.regression import Regression
from genomes.targets.standardization import positive
from genomes.targets.target import Target, tasks

#: A task that may be stated: classes, two or more.
CLASSIFICATION = "classification"
#: Most different whole numbers that are taken for classes; of numbers with a decimal point, fewer.
MOST_CLASSES = 20
MOST_DECIMAL_CLASSES = 10
#: More different words than this, half of them once, are no classes.
_MOST_WORDS = 100
#: Class codes 0, 1, 2, ... of a prepared data set: up to so many, with nearly as many rows each.
_MOST_CODES = 1000
_CODES_BALANCE = 1.25
#: What stands around numbers in texts.
_AROUND_NUMBERS = str.maketrans(dict.fromkeys("€$£¥%, \u00a0", ""))
#: Whole numbers that are all in this range are years.
_YEARS = (1800, 2100)
#: More than so many whole numbers that cover less than a tenth of their range are amounts, no codes.
_FEW = 10
_SPARSE = 10


def infer_target(y: Any, name: str = "y", task: str | Target | None = None) -> tuple[Target, str]:
    """What is predicted, and one line that says so and how to have it otherwise.

    Words, booleans and categories are classes. Whole numbers are classes where they are few
    (:data:`MOST_CLASSES`) and each occurs twice on average, or where they are the codes 0, 1, 2, ... of a balanced
    data set; else numbers: ages, counts, prices, years. Numbers with a decimal point are classes only where they are
    all whole and at most ten. Ordered categories (pandas) are classes in their order. Several columns of 0 and 1 are
    labels that may hold together, or, with one 1 in every row, classes; columns of numbers are numbers. Named columns
    of several kinds (words, flags and numbers) are each predicted as what they are (:class:`genomes.targets.Mixed`).

    Args:
        y: one value per row, (rows,) or (rows, 1), or several columns, (rows, columns): an array, a list, a column of a
            data frame, a data frame, a mapping of columns.
        name: what the line and errors call it.
        task: states the task: ``classification``, ``regression``, or one of :func:`genomes.targets.tasks`; a
            target is checked against ``y`` and returned.

    Returns:
        The target, with the user's labels where these are not 0, 1, 2, ..., and the line.

    Raises:
        GenomeError: no values, missing ones, dates, objects, words that hardly ever repeat, one class only, or values
            that do not fit the task.

    Example:
        >>> target, line = infer_target(["no", "yes", "yes"], "churn")
        >>> target.labels, line
        (('no', 'yes'), "churn: 2 classes, 'no' and 'yes'")
    """
    if isinstance(task, Target):
        task.check(y, name)
        return task, f"{name}: {task.task}, as given"
    if task is not None and task not in (CLASSIFICATION, *tasks()):
        raise GenomeError(f"task: expected one of {(CLASSIFICATION, *tasks())}, got {shown(task)}")
    several = _several_kinds(y, name, task)
    if several is not None:
        return several
    columns: tuple[Label, ...]
    if isinstance(y, Mapping):
        y, columns = np.stack([plain_array(values) for values in y.values()], axis=1), tuple(map(str, y))
    else:
        columns = _column_names(y)
    ordered = ordered_categories(y)
    array = plain_array(y)
    _refuse_what_is_no_target(array, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array, columns = array[:, 0], ()
    if array.ndim == 2:
        target, line = _of_columns(array, name, columns, task)
    elif ordered is not None and task in (None, CLASSIFICATION, Ordinal.task):
        target, line = _in_order(array, ordered, name)
    else:
        target, line = _of_values(array, name, task)
    return target, f"{name}: {line}"


def _column_names(y: Any) -> tuple[Label, ...]:
    """Names of the columns of a data frame, where they are texts; else none."""
    names = list(getattr(y, "columns", ()))
    return tuple(names) if np.ndim(y) == 2 and all(isinstance(name, str) for name in names) else ()


def _refuse_what_is_no_target(array: np.ndarray, name: str) -> None:
    if array.ndim == 0 or array.dtype.names:
        raise GenomeError(f"{name}: expected one value per row, got {shown(array.tolist())}")
    if array.ndim > 2:
        raise GenomeError(f"{name}: expected one value, or one row of values, per row; got shape {array.shape}")
    if not array.size:
        raise GenomeError(f"{name}: is empty; expected at least one row")
    if array.dtype.kind in "mM" or (array.dtype.kind == "O" and all(_is_date(v) for v in array.ravel()[:100])):
        raise GenomeError(
            f"{name}: holds dates or times, which are no target; make numbers of them: days since the first, say"
        )
    if array.dtype.kind == "c":
        raise GenomeError(f"{name}: holds complex numbers; give their parts as two columns")
    refuse_missing(array, name)
    if array.dtype.kind == "O":
        first = array.ravel()[0]
        if isinstance(first, (list, tuple, set, frozenset, np.ndarray)):
            raise GenomeError(
                f"{name}: holds collections, {shown(first)} first; make a column of 0 and 1 for each label, by "
                "sklearn.preprocessing.MultiLabelBinarizer, say"
            )
        kinds = sorted({type(v).__name__ for v in array.ravel()})
        raise GenomeError(
            f"{name}: expected values of one kind, got {' and '.join(kinds)}; make them all texts or all numbers"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise GenomeError(f"{name}: holds infinite values; expected finite numbers")
    if array.dtype.kind == "f" and np.abs(array).max() > np.finfo(np.float32).max:
        raise GenomeError(f"{name}: holds numbers up to {np.abs(array).max():g}, too large for float32; divide them")


def _is_date(value: Any) -> bool:
    return hasattr(value, "isoformat") or type(value).__name__ in ("timedelta", "Timedelta", "NaTType")


# -- one value per row ---------------------------------------------------------------
def _of_values(array: np.ndarray, name: str, task: str | None) -> tuple[Target, str]:
    if task == Regression.task:
        return _numbers(array, name, "")
    if task == Quantiles.task:
        target, wanted = _numbers(array, name, "")[1], Quantiles()
        return wanted, f"the quantiles {', '.join(f'{q:g}' for q in wanted.quantiles)} of {target}"
    if task == Ordinal.task:
        if array.dtype.kind not in "iuf":
            raise GenomeError(
                f"{name}: the order of words has to be said: make it pandas.Categorical(..., ordered=True), "
                f"or say task=genomes.targets.Ordinal(labels=[...])"
            )
        return _in_order(array, labels_of(array, name), name)
    if task is not None:
        if task not in (CLASSIFICATION, Binary.task, Multiclass.task):
            raise GenomeError(f"task: {task!r} does not fit one value per row; expected classification or regression")
        return _classes(array, name, task, "")
    if array.dtype.kind in "bU":
        if array.dtype.kind == "U":
            _refuse_identifiers(array, name)
        return _classes(array, name, None, "")
    values, counts = np.unique(array, return_counts=True)
    if _are_classes(array, values, counts):
        return _classes(array, name, None, f'; should they be numbers, say task="{Regression.task}"')
    return _numbers(array, name, f'; should they be classes, say task="{CLASSIFICATION}"')


def _are_classes(array: np.ndarray, values: np.ndarray, counts: np.ndarray) -> bool:
    """Whether numbers are classes; see :func:`infer_target`.

    Args:
        array: the numbers, (rows,).
        values: the different ones, sorted.
        counts: how often each occurs.
    """
    number = len(values)
    decimal = array.dtype.kind == "f"
    if decimal and (values != np.round(values)).any():
        return False
    if number == 1:
        return not decimal
    if number == 2:
        return len(array) > 2 or not decimal
    low, high = float(values[0]), float(values[-1])
    if low == 0 and high == number - 1 and not decimal and MOST_CLASSES < number <= _MOST_CODES:
        return bool(counts.max() <= _CODES_BALANCE * counts.min() and counts.min() > 1)
    if number > (MOST_DECIMAL_CLASSES if decimal else MOST_CLASSES) or 2 * number > len(array):
        return False
    years = _YEARS[0] <= low and high <= _YEARS[1]
    sparse = number > _FEW and high - low + 1 > _SPARSE * number
    return not years and not sparse


def _refuse_identifiers(array: np.ndarray, name: str) -> None:
    """Words that hardly ever repeat are no classes; numbers in quotes are numbers that someone has to read."""
    values, counts = np.unique(array, return_counts=True)
    if len(values) <= MOST_CLASSES and 2 * len(values) <= max(len(array), 4):
        return
    if _all_read_as_numbers(values):
        raise GenomeError(
            f"{name}: holds numbers as texts, {shown(str(values[0]))} first; make numbers of them (float), or say "
            f'task="{CLASSIFICATION}"'
        )
    if len(values) > _MOST_WORDS and 2 * (counts == 1).sum() > len(values):
        raise GenomeError(
            f"{name}: holds {len(values)} different words in {len(array)} rows, most of them once: a name or a key "
            f'is no target; if these are classes, say task="{CLASSIFICATION}"'
        )


def _all_read_as_numbers(values: np.ndarray) -> bool:
    try:
        np.array([text.translate(_AROUND_NUMBERS) for text in values.tolist()]).astype(np.float64)
    except ValueError:
        return False
    return True


def _classes(array: np.ndarray, name: str, task: str | None, otherwise: str) -> tuple[Target, str]:
    labels = labels_of(array, name)
    if len(labels) < 2:
        raise GenomeError(f"{name}: holds one class only, {shown(labels[0])}; two or more are needed to learn from")
    if task == Binary.task and len(labels) != 2:
        raise GenomeError(f"{name}: a binary task has two classes, got {len(labels)}: {in_words(labels)}")
    codes = array.dtype.kind in "iu" and labels == tuple(range(len(labels)))
    called = None if codes else labels
    binary = len(labels) == 2 and task != Multiclass.task
    target: Target = Binary(labels=called) if binary else Multiclass(len(labels), labels=called)
    named = " and ".join(shown(label, 40) for label in labels) if len(labels) == 2 else in_words(labels, 5)
    counts = np.unique(array, return_counts=True)[1]
    once = [label for label, count in zip(labels, counts.tolist(), strict=True) if count == 1]
    rare = f"; {in_words(once, 3)} in one row only" if once and len(array) > 2 * len(labels) else ""
    return target, f"{len(labels)} classes, {named}{rare}{otherwise}"


def _in_order(array: np.ndarray, labels: tuple[Label, ...], name: str) -> tuple[Target, str]:
    if len(labels) < 3:
        return _classes(array, name, None, "")
    codes = labels == tuple(range(len(labels))) and array.dtype.kind in "iu"
    target = Ordinal(len(labels), labels=None if codes else labels)
    return target, f"{len(labels)} classes in order, from {shown(labels[0], 40)} to {shown(labels[-1], 40)}"


def _numbers(array: np.ndarray, name: str, otherwise: str) -> tuple[Target, str]:
    if array.dtype.kind not in "biuf":
        raise GenomeError(f"{name}: a regression needs numbers, got words: {shown(str(array.ravel()[0]))} first")
    outputs = 1 if array.ndim == 1 else int(array.shape[1])
    low, high = float(array.min()), float(array.max())
    different = f", {len(np.unique(array))} different ones" if array.ndim == 1 else f" in {outputs} columns"
    return Regression(outputs), f"numbers from {low:g} to {high:g}{different}{otherwise}"


# -- several columns -----------------------------------------------------------------
def _of_columns(array: np.ndarray, name: str, columns: tuple[Label, ...], task: str | None) -> tuple[Target, str]:
    number = int(array.shape[1])
    if array.dtype.kind == "U":
        raise GenomeError(f"{name}: holds {number} columns of words; predict one column at a time")
    flags = bool(np.isin(array, (0, 1)).all())
    one_hot = flags and bool((array.sum(axis=1) == 1).all())
    called = columns or None
    if task == Regression.task or (task is None and not flags):
        return _numbers(array, name, "")
    if task == Binary.task or not flags or (task in (Multiclass.task, CLASSIFICATION) and not one_hot):
        raise GenomeError(
            f"task: {task!r} does not fit {number} columns; expected columns of 0 and 1, one 1 in each row for classes"
        )
    if one_hot and task != Multilabel.task:
        target: Target = Multiclass(number, labels=called)
        return (
            target,
            f'{number} classes as one-hot columns; should they be labels of their own, say task="{Multilabel.task}"',
        )
    return Multilabel(number, labels=called), f"{number} labels that may hold together, a column each"


def _several_kinds(y: Any, name: str, task: str | None) -> tuple[Target, str] | None:
    """Each of some named columns as what it is, where they are of several kinds; None where they are of one.

    Numbers that could be classes are numbers here, but for 0 and 1, unless all of the columns are such.
    """
    names = list(y) if isinstance(y, Mapping) else list(getattr(y, "columns", ()))
    if len(names) < 2 or task not in (None, CLASSIFICATION, Mixed.task):
        return None
    columns = {str(key): y[key] for key in names}
    arrays = {key: plain_array(values) for key, values in columns.items()}
    if any(array.ndim != 1 for array in arrays.values()) or len(columns) < len(names):
        return None
    flags = {key for key, array in arrays.items() if array.dtype.kind in "biuf" and np.isin(array, (0, 1)).all()}
    numbers = {key for key, array in arrays.items() if array.dtype.kind in "iuf"} - flags
    if task is None and (len(flags) == len(names) or len(numbers) == len(names)):
        return None
    if task == CLASSIFICATION and len(flags) == len(names):
        return None
    parts, lines = [], []
    for key, values in columns.items():
        stated = Regression.task if task != CLASSIFICATION and key in numbers else None
        stated = CLASSIFICATION if task == CLASSIFICATION else stated
        target, line = infer_target(values, key, stated)
        scale = 1.0
        if isinstance(target, Regression):
            values = arrays[key].astype(np.float64)
            scale = float(positive(values.std(), values.mean()))
        parts.append(Part(key, target, scale))
        lines.append(line.partition("; should they be")[0])
    return Mixed(parts=tuple(parts)), f"{name}: {len(parts)} targets: " + "; ".join(lines)

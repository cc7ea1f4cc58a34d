"""A task as plain numbers: what every ``build(hp)`` gets, ours and theirs alike.

KerasTuner's users preprocess before they search. All of it is learned from
training rows only, and is the same for every method that runs a ``build(hp)``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.tasks import Task

#: Most words in a vocabulary; 0 is padding, 1 any other word.
VOCABULARY = 5000
#: Longest text in words.
LONGEST = 200
_WORD = re.compile(r"[a-z0-9£$€']+|[!?]")


@dataclass(frozen=True)
class Numeric:
    """Inputs as one array.

    Attributes:
        x_train: float32, or int32 word numbers for text; shape (rows, *shape).
        x_validation: likewise.
        x_test: likewise.
        vocabulary: number of different word numbers; 0 where there are none.
    """

    x_train: np.ndarray
    x_validation: np.ndarray
    x_test: np.ndarray
    vocabulary: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.x_train.shape[1:])


def _standardised(train: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and deviation 1 by the training rows, missing values 0, and where they were."""
    mean, deviation = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    mean, deviation = np.nan_to_num(mean), np.where(np.nan_to_num(deviation) > 0, deviation, 1.0)
    gaps = np.isnan(train).any(axis=0)
    numbers = np.nan_to_num((part - mean) / deviation)
    return np.concatenate([numbers, np.isnan(part[:, gaps])], axis=1).astype(np.float32)


def _table(train: Mapping[str, np.ndarray], part: Mapping[str, np.ndarray]) -> np.ndarray:
    """Numbers standardised, categories one-hot; one that was not seen in training is all zeros."""
    found = []
    for name, column in train.items():
        if column.dtype.kind in "US":
            known = np.unique(column)
            found.append((part[name][:, np.newaxis] == known[np.newaxis, :]).astype(np.float32))
        else:
            found.append(_standardised(column[:, np.newaxis], part[name][:, np.newaxis]))
    return np.concatenate(found, axis=1)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _tokens(part: np.ndarray, numbers: Mapping[str, int], length: int) -> np.ndarray:
    found = np.zeros((len(part), length), np.int32)
    for row, text in enumerate(part):
        words = [numbers.get(word, 1) for word in _words(str(text))[:length]]
        found[row, : len(words)] = words
    return found


def _series(train: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Channels standardised over the steps that exist, 0 after the end, and a channel that says which do."""
    mean, deviation = np.nanmean(train, axis=(0, 1)), np.nanstd(train, axis=(0, 1))
    deviation = np.where(deviation > 0, deviation, 1.0)
    exists = ~np.isnan(part).all(axis=2, keepdims=True)
    return np.concatenate([np.nan_to_num((part - mean) / deviation), exists], axis=2).astype(np.float32)


def _three(form: Callable[[Any], np.ndarray], parts: tuple[Any, Any, Any], vocabulary: int = 0) -> Numeric:
    return Numeric(form(parts[0]), form(parts[1]), form(parts[2]), vocabulary)


def numeric(task: Task, least_size: int = 0) -> Numeric:
    """A task's inputs as plain numbers.

    Args:
        task: the task.
        least_size: images smaller than this are enlarged to it (bilinear), height and width.
    """
    # One form for all three: arrays, or columns by name; which one follows from the kind of task.
    parts: tuple[Any, Any, Any] = (task.x_train, task.x_validation, task.x_test)
    train = parts[0]
    if task.kind == "text":
        counts = Counter(word for text in train for word in _words(str(text)))
        numbers = {word: place + 2 for place, (word, _) in enumerate(counts.most_common(VOCABULARY - 2))}
        lengths = [len(_words(str(text))) for text in train]
        length = int(min(LONGEST, max(1, np.ceil(np.quantile(lengths, 0.98)))))
        return _three(lambda part: _tokens(part, numbers, length), parts, len(numbers) + 2)
    if task.kind == "timeseries":
        return _three(lambda part: _series(train, part), parts)
    if isinstance(train, Mapping):
        return _three(lambda part: _table(train, part), parts)
    if task.kind == "tabular":
        return _three(lambda part: _standardised(train, part), parts)
    height, width = task.shape[:2]
    if min(height, width) < least_size:
        from scipy.ndimage import zoom

        factors = (1, max(1.0, least_size / height), max(1.0, least_size / width), 1)
        return _three(lambda part: zoom(part, factors, order=1).astype(np.float32), parts)
    return Numeric(*parts)

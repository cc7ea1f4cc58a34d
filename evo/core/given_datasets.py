"""Datasets that give inputs and targets batch by batch, gathered into arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.core.given_arrays import as_given_array, batches_of_loader

#: Rows are gathered into memory up to this many bytes.
_GATHER_LIMIT = 8 * 2**30


def is_dataset(data: Any) -> bool:
    """Whether data gives its rows batch by batch: a ``tf.data.Dataset``, a ``PyDataset``, a loader of torch."""
    return _is_of_tensorflow(data) or _is_of_keras(data) or batches_of_loader(data) is not None


def _is_of_tensorflow(data: Any) -> bool:
    return hasattr(data, "as_numpy_iterator")


def _is_of_keras(data: Any) -> bool:
    return hasattr(data, "__getitem__") and hasattr(data, "num_batches")


def gathered(data: Any, name: str, targets: bool = True) -> tuple[Any, Any, Any]:
    """Inputs, targets and weights of a dataset, each an array or a mapping of arrays; None for what it does not give.

    Single rows, which a dataset did not batch, are stacked.

    Args:
        data: see :func:`is_dataset`.
        name: what it is called in messages.
        targets: whether it must give targets; else batches may be inputs alone.

    Raises:
        DataError: it has no end, is empty, too large to hold, or gives something else.
    """
    parts: list[tuple[Any, ...]] = []
    size = 0
    for batch in _batches(data, name):
        parts.append(_entries(batch, name, targets))
        size += sum(part.nbytes for entry in parts[-1] for part in _arrays_of(entry))
        if size > _GATHER_LIMIT:
            raise DataError(
                f"{name}: the dataset is larger than {_GATHER_LIMIT >> 30} GiB; write it to .npy files and pass them "
                "with np.load(..., mmap_mode='r')"
            )
    if not parts:
        raise DataError(f"{name}: the dataset is empty; expected at least one batch")
    single = any(part.ndim == 0 for entry in parts[0] for part in _arrays_of(entry))
    try:
        joined = [_joined(column, single) for column in zip(*parts, strict=True)]
    except ValueError:
        raise DataError(
            f"{name}: the dataset gives rows of different shapes; bring them to one, with .padded_batch, say"
        ) from None
    counts = {len(part) for entry in joined for part in _arrays_of(entry)}
    if len(counts) != 1:
        raise DataError(f"{name}: the dataset seems to give single rows; batch them with .batch(32)")
    return joined[0], joined[1] if len(joined) > 1 else None, joined[2] if len(joined) > 2 else None


def gathered_columns(data: Any, name: str) -> dict[str, Any] | None:
    """All rows of a dataset that gives mappings of columns, the targets among them; None for any other dataset.

    Args:
        data: see :func:`is_dataset`.
        name: what it is called in messages.

    Raises:
        DataError: as :func:`gathered`.
    """
    columns = isinstance(next(iter(_batches(data, name)), None), Mapping)
    return gathered(data, name, targets=False)[0] if columns else None


def with_class_names(data: Any, name: str) -> tuple[Any, Any, Any]:
    """:func:`gathered`, with the names of classes for targets where a dataset says them.

    ``keras.utils.image_dataset_from_directory`` and its like keep them as ``class_names``; targets are then class
    indices, (rows,) or (rows, 1), or one-hot rows.

    Args:
        data: see :func:`is_dataset`.
        name: what it is called in messages.

    Raises:
        DataError: as :func:`gathered`.
    """
    x, y, weight = gathered(data, name)
    names = getattr(data, "class_names", None)
    if not isinstance(names, (list, tuple)) or len(names) < 2 or not isinstance(y, np.ndarray) or y.ndim > 2:
        return x, y, weight
    indices = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] == len(names) else y.reshape(-1)
    if len(indices) != len(y) or not np.isin(indices, np.arange(len(names))).all():
        return x, y, weight
    return x, np.asarray([str(one) for one in names])[indices.astype(np.int64)], weight


def _batches(data: Any, name: str) -> Iterable[Any]:
    loader = batches_of_loader(data)
    if loader is not None:
        return loader()
    if _is_of_tensorflow(data):
        if int(data.cardinality()) == -1:
            raise DataError(f"{name}: the dataset has no end; use .take(n)")
        iterator: Iterable[Any] = data.as_numpy_iterator()
        return iterator
    if data.num_batches is None:
        raise DataError(f"{name}: the dataset has no end; give it a length")
    return (data[index] for index in range(data.num_batches))


def _entries(batch: Any, name: str, targets: bool) -> tuple[Any, ...]:
    """What a batch holds, as arrays: inputs, targets, weights."""
    if not targets and not (isinstance(batch, tuple) and len(batch) in (1, 2, 3)):
        batch = (batch,)
    if not isinstance(batch, tuple) or len(batch) not in ((2, 3) if targets else (1, 2, 3)):
        hint = ""
        if isinstance(batch, Mapping):
            first, *_, last = [*batch, *batch]
            hint = (
                f"; name the target, {last!r} say, or pair them with .map(lambda row: (row[{first!r}], row[{last!r}]))"
            )
        raise DataError(f"{name}: expected batches (x, y) or (x, y, sample_weight), got {type(batch).__name__}{hint}")
    return tuple(_as_arrays(entry) for entry in batch)


def _as_arrays(entry: Any) -> Any:
    if isinstance(entry, Mapping):
        return {key: _as_arrays(part) for key, part in entry.items()}
    if isinstance(entry, (list, tuple)):
        return {f"input_{index}": _as_arrays(part) for index, part in enumerate(entry)}
    return np.asarray(as_given_array(entry, "x") if hasattr(entry, "toarray") else entry)


def _arrays_of(entry: Any) -> list[np.ndarray]:
    if isinstance(entry, Mapping):
        return [array for part in entry.values() for array in _arrays_of(part)]
    return [entry]


def _joined(entries: Sequence[Any], single: bool) -> Any:
    """Batches as one array, or a mapping of arrays."""
    if isinstance(entries[0], Mapping):
        return {key: _joined([entry[key] for entry in entries], single) for key in entries[0]}
    array = np.stack(entries) if single else np.concatenate(entries)
    if array.dtype.kind != "O":
        return array
    return np.array([v.decode() if isinstance(v, bytes) else str(v) for v in array.ravel()]).reshape(array.shape)

"""What people have in place of arrays: made into one, or refused by a line that says how to make one of it."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from evo.core.errors import DataError

#: Sparse matrices become arrays up to this many bytes.
_DENSE_LIMIT = 8 * 2**30


def as_given_array(value: Any, name: str) -> Any:
    """One input, target or weight: what it is made into is an array, a frame or what it was.

    Sparse matrices become arrays, masked entries NaN, tensors of torch arrays. Mappings and lists of several inputs are
    looked at part by part.

    Args:
        value: as a user gave it.
        name: what it is called in messages.

    Raises:
        DataError: a generator, a path, rows of different lengths, a sparse matrix that is too large, ...; the message
            says what to give instead.
    """
    if isinstance(value, Mapping):
        if value and all(_is_single(part) for part in value.values()):
            return _list([value], name)  # one record
        return {key: as_given_array(part, f"{name}[{key!r}]") for key, part in value.items()}
    package = type(value).__module__.partition(".")[0]
    kind = type(value).__name__
    if isinstance(value, (types.GeneratorType, zip, map, filter)):
        raise DataError(
            f"{name}: a {kind} can be read once only, and not be split; gather its rows, np.stack(list(...)), or give "
            "tf.data.Dataset.from_generator(...).batch(32)"
        )
    if isinstance(value, (types.FunctionType, types.MethodType, types.LambdaType)):
        raise DataError(f"{name}: expected rows, got the function {value.__name__}; give what it returns")
    if isinstance(value, (str, bytes)) or hasattr(value, "__fspath__"):
        raise DataError(
            f"{name}: expected rows, got a path or text; evo.fit reads files, pandas.read_csv makes a frame"
        )
    _refuse_single_values(value, name)
    if isinstance(value, np.ma.MaskedArray):
        return _unmasked(value)
    if hasattr(value, "tocsr") and hasattr(value, "toarray"):
        return _dense(value, name)
    if package == "torch" and hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if kind == "RaggedTensor":
        raise DataError(f"{name}: rows of different lengths; fill them up: give x.to_tensor()")
    if kind == "SparseTensor":
        raise DataError(f"{name}: a sparse tensor; give tf.sparse.to_dense(x)")
    if isinstance(value, (list, tuple)) or _holds_arrays(value):
        return _list(list(value) if isinstance(value, np.ndarray) else value, name)
    return _as_pandas(value)


def _holds_arrays(value: Any) -> bool:
    """Whether a value is an array of objects that are arrays."""
    objects = isinstance(value, np.ndarray) and value.dtype.kind == "O" and value.ndim == 1 and len(value) > 0
    return objects and all(isinstance(part, np.ndarray) and part.ndim for part in value)


def _is_single(value: Any) -> bool:
    """Whether a value is one of a table's cells."""
    return value is None or isinstance(value, (str, bytes, bool, int, float, np.generic))


def _refuse_single_values(value: Any, name: str) -> None:
    if hasattr(value, "read") and hasattr(value, "seek"):
        raise DataError(f"{name}: expected rows, got an open file; give its path, or what pandas.read_csv makes of it")
    if isinstance(value, (bool, int, float, complex, np.generic, set, frozenset)):
        what = (
            f"the {type(value).__name__} {value!r:.40}"
            if not isinstance(value, (set, frozenset))
            else "a set, which has no order"
        )
        raise DataError(f"{name}: expected rows, got {what}; give an array, a list or a data frame")
    if isinstance(value, np.ndarray) and value.ndim == 0:
        raise DataError(
            f"{name}: expected rows, got a single value, {value.item()!r:.40}; give an array with an axis of rows"
        )


def _unmasked(value: Any) -> np.ndarray:
    """A masked array as one whose masked entries are missing: NaN, None among words and truth values."""
    if not np.ma.is_masked(value):
        return np.asarray(value.data)
    numbers = value.dtype.kind in "iuf"
    found = np.array(value.data, dtype=np.float64 if numbers else object)
    found[np.ma.getmaskarray(value)] = np.nan if numbers else None
    return found


def batches_of_loader(value: Any) -> Callable[[], Iterator[Any]] | None:
    """How batches come out of a ``torch.utils.data.DataLoader``, as tuples of arrays; None for anything else."""
    if type(value).__module__.partition(".")[0] != "torch" and not any(
        base.__module__.startswith("torch.utils.data") for base in type(value).__mro__
    ):
        return None
    if not (hasattr(value, "dataset") and hasattr(value, "__iter__")):
        return None

    def batches() -> Iterator[Any]:
        for batch in value:
            yield tuple(as_given_array(part, "x") for part in batch) if isinstance(batch, (list, tuple)) else batch

    return batches


def _as_pandas(data: Any) -> Any:
    """A frame or a column of another library, polars say, as pandas has it; anything else as it is.

    Of columns with names on several levels, one name is made: ``size width``.
    """
    kind = type(data).__module__.partition(".")[0]
    if kind == "polars":
        return _from_polars(data)
    if getattr(getattr(data, "columns", None), "nlevels", 1) > 1:
        return data.set_axis([joined_name(name) for name in data.columns], axis=1)
    if hasattr(data, "to_pandas") and hasattr(data, "column_names"):  # a table of Arrow, a dataset of Hugging Face
        return data.to_pandas()
    if kind not in ("pandas", "numpy") and hasattr(data, "__dataframe__"):
        import pandas

        return pandas.api.interchange.from_dataframe(data)
    return data


def joined_name(name: Any) -> Any:
    """A column's name on several levels as one, without the empty ones; any other name as it is."""
    return " ".join(str(part) for part in name if str(part)) if isinstance(name, tuple) else name


def _from_polars(data: Any) -> Any:
    """A frame or a column of polars as pandas has it; its own ``to_pandas`` needs a further package, pyarrow."""
    import pandas

    if hasattr(data, "collect"):  # a lazy frame
        data = data.collect()
    if not hasattr(data, "columns"):
        return _column_of_polars(data)
    return pandas.DataFrame({name: _column_of_polars(data[name]) for name in data.columns})


def _column_of_polars(column: Any) -> Any:
    import pandas

    if type(column.dtype).__name__ == "Enum":  # whose categories have an order
        kind = pandas.CategoricalDtype(column.dtype.categories.to_list(), ordered=True)
        return pandas.Series(column.to_list(), dtype=kind, name=column.name)
    return pandas.Series(column.to_numpy(), name=column.name)


def _dense(value: Any, name: str) -> np.ndarray:
    """A sparse matrix as an array of numbers.

    Raises:
        DataError: it would take more than :data:`_DENSE_LIMIT` bytes.
    """
    size = math.prod(value.shape) * 4
    if size > _DENSE_LIMIT:
        raise DataError(
            f"{name}: a sparse matrix of shape {value.shape} takes {size >> 30} GiB as an array; make it narrower "
            "first, by sklearn.decomposition.TruncatedSVD, say"
        )
    array = np.asarray((value.astype(np.float32) if value.dtype.kind in "biuf" else value).toarray())
    # One row or column of a matrix is a vector where it stands for targets or weights.
    return array.reshape(-1) if name.endswith(("y", "sample_weight")) and 1 in array.shape else array


def _list(value: list[Any] | tuple[Any, ...], name: str) -> Any:
    """A list of rows, of inputs or of targets; refused if its rows are no rows."""
    if not value:
        return value
    if all(isinstance(part, Mapping) for part in value):
        import pandas

        return pandas.DataFrame.from_records(list(value))  # records, as JSON has them
    arrays = [part for part in value if getattr(part, "shape", ())]
    if len(arrays) == len(value):
        shapes = {tuple(part.shape) for part in value}
        if len(shapes) > 1 and len({shape[:1] for shape in shapes}) > 1:
            one, other = sorted(shapes)[:2]
            raise DataError(
                f"{name}: its entries have different shapes, {one} and {other}; bring them to one, with "
                "keras.ops.image.resize or keras.utils.pad_sequences, or give evo.fit a folder of pictures"
            )
        return [as_given_array(part, f"{name}[{index}]") for index, part in enumerate(value)]
    if any(isinstance(part, (tuple, list)) and any(np.ndim(entry) > 0 for entry in part[:1]) for part in value[:1]):
        first = value[0]
        if len(first) == 2 and np.ndim(first[1]) == 0:
            raise DataError(f"{name}: pairs of an input and a target; give them apart: x, y = zip(*pairs)")
    lengths = {len(part) for part in value if isinstance(part, (list, tuple))}
    if len(lengths) > 1:
        raise DataError(
            f"{name}: rows of different lengths, {min(lengths)} to {max(lengths)}; fill them up with "
            "keras.utils.pad_sequences(rows, dtype='float32')"
        )
    return value

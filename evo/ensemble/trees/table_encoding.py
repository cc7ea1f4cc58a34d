"""Raw tabular input as a matrix of numbers: what gradient-boosted trees read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from genomes.targets.labels import is_missing

#: scikit-learn's histogram boosting knows at most this many categories per column.
MOST_CATEGORIES = 254


@dataclass(frozen=True)
class EncodedColumn:
    """How one column becomes numbers.

    Attributes:
        name: its name in a mapping, a DataFrame or a structured array; its position in a matrix.
        categories: values that become 0, 1, ...; others become missing. None for a numeric column.
    """

    name: str
    categories: tuple[str, ...] | None = None

    def encode(self, values: np.ndarray) -> np.ndarray:
        """float64 (rows,), missing values NaN."""
        if self.categories is None:
            numbers = _numbers(values)
            if numbers is None:
                raise EnsembleError(f"x: column {self.name!r} was numeric in training, got {values.dtype} values")
            return numbers
        codes = {category: float(code) for code, category in enumerate(self.categories)}
        return np.array([codes.get(value, np.nan) for value in _texts(values)], dtype=np.float64)


class TableEncoding:
    """The columns of a table, learned from training rows.

    Args:
        columns: in the order of the matrix.
    """

    def __init__(self, columns: Sequence[EncodedColumn]) -> None:
        self.columns = tuple(columns)

    @classmethod
    def learn(cls, x: Any, categorical: Sequence[str] = ()) -> TableEncoding:
        """Find which columns are numbers and which are categories; categories come first in the matrix.

        Args:
            x: a matrix (numbers, strings or objects), a structured array, a DataFrame, or a mapping of columns.
            categorical: names of columns that are categories though they hold numbers.
        """
        columns = []
        for name, values in split(x).items():
            if name not in categorical and _numbers(values) is not None:
                columns.append(EncodedColumn(name))
                continue
            texts = _texts(values)
            found, counts = np.unique(texts[texts != ""], return_counts=True)
            frequent = np.sort(np.argsort(-counts, kind="stable")[:MOST_CATEGORIES])
            columns.append(EncodedColumn(name, tuple(str(v) for v in found[frequent])))
        return cls(sorted(columns, key=lambda column: column.categories is None))

    @property
    def categorical(self) -> np.ndarray:
        """Mask of the categorical columns."""
        return np.array([column.categories is not None for column in self.columns])

    def encode(self, x: Any) -> np.ndarray:
        """float64 (rows, columns).

        Raises:
            EnsembleError: a column is missing, or numbers of columns differ.
        """
        given = split(x)
        names = [column.name for column in self.columns]
        missing = [name for name in names if name not in given]
        if missing or len(given) != len(names):
            raise EnsembleError(f"x: expected the columns {names[:20]}, got {list(given)[:20]}")
        return np.stack([column.encode(given[column.name]) for column in self.columns], axis=1)

    def to_json(self) -> list[dict[str, Any]]:
        """JSON array."""
        return [
            {"name": c.name, "categories": None if c.categories is None else list(c.categories)} for c in self.columns
        ]

    @classmethod
    def from_json(cls, stored: Sequence[Mapping[str, Any]]) -> TableEncoding:
        """What :meth:`to_json` gave.

        Raises:
            ValueError: something else than texts.
        """
        given = [(column["name"], column["categories"]) for column in stored]
        if not all(type(text) is str for name, known in given for text in (name, *(known or ()))):
            raise ValueError("columns or categories that are no texts")
        return cls([EncodedColumn(name, None if known is None else tuple(known)) for name, known in given])


def split(x: Any) -> dict[str, np.ndarray]:
    """Columns by name, each one-dimensional.

    Raises:
        EnsembleError: something that is no table.
    """
    if hasattr(x, "columns") and hasattr(x, "iloc"):  # a DataFrame
        return {str(name): np.asarray(x.iloc[:, at]) for at, name in enumerate(x.columns)}
    if isinstance(x, Mapping):
        columns: dict[str, np.ndarray] = {}
        for name, values in x.items():
            array = np.asarray(values)
            if array.ndim > 2:
                raise EnsembleError(f"x: column {name!r} has shape {array.shape}; trees take tables only")
            if array.ndim == 2 and array.shape[1] != 1:
                columns |= {f"{name}/{at}": array[:, at] for at in range(array.shape[1])}
            else:
                columns[str(name)] = array.reshape(-1)
        return columns
    if isinstance(x, (list, tuple)) and len(x) and all(isinstance(part, np.ndarray) for part in x):
        return split({str(at): part for at, part in enumerate(x)})
    array = np.asarray(x)
    if array.dtype.names is not None:
        return {name: np.asarray(array[name]).reshape(len(array)) for name in array.dtype.names}
    if array.ndim != 2:
        raise EnsembleError(f"x: trees take tables of shape (rows, columns), got {array.shape}")
    return {str(at): array[:, at] for at in range(array.shape[1])}


def _numbers(values: np.ndarray) -> np.ndarray | None:
    """As float64 with NaN for what is missing; None if something is no number."""
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    if values.dtype.kind not in "OUST":
        return None
    texts = _texts(values)
    try:
        return np.array([float(t) if t else np.nan for t in texts], dtype=np.float64)
    except ValueError:
        return None


def _texts(values: np.ndarray) -> np.ndarray:
    """As strings; None and NaN become the empty string."""
    if values.dtype.kind == "U":
        return values
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8")
    texts = []
    for value in values.tolist():
        if is_missing(value):
            texts.append("")
        elif isinstance(value, bytes):
            texts.append(value.decode("utf-8"))
        elif isinstance(value, float) and value.is_integer():
            texts.append(str(int(value)))
        else:
            texts.append(str(value))
    return np.array(texts, dtype=object).astype(str)

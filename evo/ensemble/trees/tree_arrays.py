"""Decision trees of any library as arrays: thresholds, children, leaves. They predict without that library.

What is stored of a forest or of boosted trees are numbers alone, so that a file of them runs no code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError

#: Most categories of one column: codes 0 to 255 have a bit each in a set.
SET_BYTES = 32
#: Pairs of row and tree that are looked at together; they fit into a processor's cache.
_PAIRS = 1 << 17


def _two_classes(raw: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    second = expit(raw[:, 0])
    return np.stack([1 - second, second], axis=1)


def _softmax(raw: np.ndarray) -> np.ndarray:
    from scipy.special import softmax

    return np.asarray(softmax(raw, axis=1))


#: From sums of leaves to predictions.
LINKS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda raw: raw,
    "exponential": np.exp,
    "logistic": _two_classes,
    "softmax": _softmax,
}


def _no_sets() -> np.ndarray:
    return np.zeros((0, SET_BYTES), np.uint8)


@dataclass(frozen=True, eq=False)
class TreeArrays:
    """Trees over the columns of a matrix, all in the same arrays.

    A row goes left where its value is at most the threshold, or where its category is in the node's set; a missing
    value (NaN) goes where the node sends it.

    Attributes:
        roots: int32 (trees,), the node that each tree begins with.
        feature: int32 (nodes,), the column that a node looks at; -1 for a leaf.
        threshold: float32 or float64 (nodes,).
        left: int32 (nodes,), a child, numbered higher than its parent; of a leaf its row in ``value``.
        right: int32 (nodes,), as ``left``.
        missing_left: bool (nodes,).
        value: float32 or float64 (leaves, width): one number that is added to an output, or one for each output.
        base: float64 (outputs,), what the sum over the trees is added to.
        output: int32 (trees,), the output that a tree's leaves are added to; empty where a leaf has all outputs.
        category_set: int32 (nodes,), the row of ``sets`` of a node that asks for categories, else -1; empty for none.
        sets: uint8 (sets, 32), a bit for each category that goes left.
        scale: what the sum is multiplied by.
        link: from the sum to predictions, one of :data:`LINKS`.
        classes: int64, the classes of the predictions' columns; None for numbers.
        rounded: whether values are rounded to float32 before they are compared, as the library does.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray
    base: np.ndarray
    output: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    category_set: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    sets: np.ndarray = field(default_factory=_no_sets)
    scale: float = 1.0
    link: str = "identity"
    classes: np.ndarray | None = None
    rounded: bool = False

    @property
    def parameters(self) -> int:
        """Numbers that make up the trees: two per split, ``width`` per leaf."""
        return int(self.value.size + 2 * (self.feature >= 0).sum())

    @property
    def outputs(self) -> int:
        """Columns of :meth:`predict`."""
        return 2 if self.link == "logistic" else len(self.base)

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Predictions, float64 (rows, outputs); for classes probabilities (rows, classes).

        Args:
            matrix: float64 (rows, columns), missing values NaN, categories as codes.
        """
        if self.rounded:
            matrix = matrix.astype(np.float32)
        rows = len(matrix)
        total = np.zeros((rows, len(self.base)))
        at_once = max(1, _PAIRS // max(1, len(self.roots)))
        for start in range(0, rows, max(at_once, 256)):
            part = slice(start, start + max(at_once, 256))
            self._add(matrix[part], total[part])
        return LINKS[self.link](self.base + self.scale * total)

    def _add(self, matrix: np.ndarray, total: np.ndarray) -> None:
        """Add every tree's leaf to the outputs of each row, in the order of the trees."""
        together = max(1, _PAIRS // max(1, len(matrix)))
        for start in range(0, len(self.roots), together):
            trees = range(start, min(start + together, len(self.roots)))
            leaves = self._leaves(matrix, self.roots[start : trees.stop])
            for tree, leaf in zip(trees, leaves, strict=True):
                if len(self.output):
                    total[:, self.output[tree]] += self.value[leaf, 0]
                else:
                    total += self.value[leaf]

    def _leaves(self, matrix: np.ndarray, roots: np.ndarray) -> np.ndarray:
        """Rows of ``value`` that each tree's leaves have for each row, (trees, rows)."""
        rows, columns = matrix.shape
        flat = np.ascontiguousarray(matrix).ravel()
        node = np.repeat(roots, rows)
        begin = np.tile(np.arange(rows) * columns, len(roots))
        waiting = np.flatnonzero(self.feature[node] >= 0)
        while len(waiting):
            at = node[waiting]
            x = flat[begin[waiting] + self.feature[at]]
            goes_left = x <= self.threshold[at]
            missing = np.isnan(x)
            if len(self.sets):
                goes_left = self._in_sets(at, x, missing, goes_left)
            goes_left = np.where(missing, self.missing_left[at], goes_left)
            at = np.where(goes_left, self.left[at], self.right[at])
            node[waiting] = at
            waiting = waiting[self.feature[at] >= 0]
        return self.left[node].reshape(len(roots), rows)

    def _in_sets(self, at: np.ndarray, x: np.ndarray, missing: np.ndarray, goes_left: np.ndarray) -> np.ndarray:
        which = self.category_set[at]
        known = (which >= 0) & ~missing
        code = np.where(known, x, 0).astype(np.int64)
        bits = self.sets[np.maximum(which, 0), code >> 3]
        return np.where(known, (bits >> (code & 7).astype(np.uint8)) & 1 > 0, goes_left)

    # -- storing ---------------------------------------------------------------------------
    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays by name, for an archive."""
        stored = {name: getattr(self, name) for name in _ARRAYS}
        if self.classes is not None:
            stored["classes"] = self.classes
        return stored

    def to_json(self) -> dict[str, Any]:
        """What is no array."""
        return {"scale": self.scale, "link": self.link, "rounded": self.rounded}

    @classmethod
    def from_stored(cls, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any], columns: int) -> TreeArrays:
        """What :meth:`to_arrays` and :meth:`to_json` gave.

        Args:
            arrays: by name.
            about: the rest.
            columns: of the matrix that trees look at.

        Raises:
            EnsembleError: arrays that are no trees: nodes that are not there, or that lead in a circle.
        """
        given = {name: arrays[name] for name in _ARRAYS}
        trees = cls(
            **given,
            scale=float(about["scale"]),
            link=str(about["link"]),
            classes=arrays.get("classes"),
            rounded=bool(about["rounded"]),
        )
        trees._check(columns)
        return trees

    def _check(self, columns: int) -> None:
        whole, real = "i", "f"
        kinds = {"roots": whole, "feature": whole, "left": whole, "right": whole, "output": whole, "missing_left": "b",
                 "category_set": whole, "threshold": real, "value": real, "base": real, "sets": "u"}  # fmt: skip
        nodes, width = len(self.feature), self.value.shape[-1]
        lengths = {"threshold": nodes, "left": nodes, "right": nodes, "missing_left": nodes}
        if len(self.sets):
            lengths["category_set"] = nodes
        if len(self.output):
            lengths["output"] = len(self.roots)
        inner = self.feature >= 0
        places = np.arange(nodes)
        sound = (
            all(getattr(self, name).dtype.kind == kind for name, kind in kinds.items())
            and all(getattr(self, name).ndim == (2 if name in ("value", "sets") else 1) for name in kinds)
            and all(len(getattr(self, name)) == length for name, length in lengths.items())
            and self.link in LINKS
            and width == (1 if len(self.output) else len(self.base))
            and self.sets.dtype.itemsize == 1
            and self.sets.shape[1] == SET_BYTES
            and _within(self.roots, nodes)
            and _within(self.output, len(self.base))
            and bool((self.feature < columns).all())
            and _within(self.left[~inner], len(self.value))
            and all(
                _within(child[inner], nodes) and bool((child[inner] > places[inner]).all())
                for child in (self.left, self.right)
            )
            and (not len(self.sets) or bool((self.category_set < len(self.sets)).all()))
            and (self.classes is None or (self.classes.ndim == 1 and self.classes.dtype.kind == whole))
        )
        if not sound:
            raise EnsembleError("arrays that are no trees")


_ARRAYS = (
    "roots", "feature", "threshold", "left", "right", "missing_left", "value", "base", "output", "category_set", "sets",
)  # fmt: skip


def _within(places: np.ndarray, length: int) -> bool:
    return not len(places) or bool(places.min() >= 0 and places.max() < length)

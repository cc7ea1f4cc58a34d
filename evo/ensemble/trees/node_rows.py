"""Nodes of trees, collected one by one into arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from evo.ensemble.trees.tree_arrays import SET_BYTES, TreeArrays


class NodeRows:
    """Collects the nodes of trees, parents before their children.

    Args:
        single: whether values and thresholds are float32.
    """

    def __init__(self, single: bool = False) -> None:
        self.single = single
        self._roots: list[int] = []
        self._output: list[int] = []
        self._feature: list[int] = []
        self._threshold: list[float] = []
        self._left: list[int] = []
        self._right: list[int] = []
        self._missing_left: list[bool] = []
        self._set: list[int] = []
        self._sets: list[np.ndarray] = []
        self._values: list[Any] = []

    def begin_tree(self, output: int | None) -> None:
        """What follows is a tree that adds to an output, or to all where leaves have a number for each."""
        self._roots.append(len(self._feature))
        if output is not None:
            self._output.append(output)

    def add_leaf(self, value: Any) -> int:
        """A leaf; its place."""
        place = self._add(-1, 0.0, False, -1)
        self._left[place] = len(self._values)
        self._values.append(value)
        return place

    def add_split(self, feature: int, threshold: float, missing_left: bool) -> int:
        """A node that sends values up to the threshold to the left; its place."""
        return self._add(feature, threshold, missing_left, -1)

    def add_set(self, feature: int, codes: Iterable[int], missing_left: bool) -> int:
        """A node that sends categories to the left; its place."""
        bits = np.zeros(8 * SET_BYTES, np.uint8)
        bits[list(codes)] = 1
        self._sets.append(np.packbits(bits, bitorder="little"))
        return self._add(feature, 0.0, missing_left, len(self._sets) - 1)

    def link(self, parent: int, child: int, is_left: bool) -> None:
        """Make a node a child of another; a parent of -1 is none."""
        if parent >= 0:
            (self._left if is_left else self._right)[parent] = child

    def _add(self, feature: int, threshold: float, missing_left: bool, which: int) -> int:
        self._feature.append(feature)
        self._threshold.append(threshold)
        self._missing_left.append(missing_left)
        self._set.append(which)
        self._left.append(0)
        self._right.append(0)
        return len(self._feature) - 1

    def arrays(self, base: np.ndarray, link: str, classes: np.ndarray | None) -> TreeArrays:
        """Everything collected; see :class:`TreeArrays`."""
        real: Any = np.float32 if self.single else np.float64
        sets = np.array(self._sets, np.uint8).reshape(-1, SET_BYTES)
        value = np.array(self._values, np.float64 if len(self._output) else np.float32).reshape(len(self._values), -1)
        small = max(self._feature, default=0) < 2**15
        return TreeArrays(
            roots=np.array(self._roots, np.int32),
            feature=np.array(self._feature, np.int16 if small else np.int32),
            threshold=np.array(self._threshold, real),
            left=np.array(self._left, np.int32),
            right=np.array(self._right, np.int32),
            missing_left=np.array(self._missing_left, bool),
            value=value,
            base=np.asarray(base, np.float64),
            output=np.array(self._output, np.int32),
            category_set=np.array(self._set if len(sets) else [], np.int32),
            sets=sets,
            link=link,
            classes=classes,
            rounded=self.single,
        )

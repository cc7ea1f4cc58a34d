"""Features: what is computed of an input without being trained, before a linear model."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np


class Features(abc.ABC):
    """Numbers of an input, by rules that were learned of the training inputs alone, not of their targets.

    A subclass is registered under its ``kind`` when it is defined; files call it by that name.
    """

    #: The name in files.
    kind: ClassVar[str]
    #: Subclasses by :attr:`kind`.
    kinds: ClassVar[dict[str, type[Features]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Features.kinds[cls.kind] = cls

    @property
    @abc.abstractmethod
    def width(self) -> int:
        """Number of features."""

    @abc.abstractmethod
    def of(self, x: Any) -> Any:
        """Features, (rows, width): an array, or a sparse matrix in rows.

        Args:
            x: prepared input, as nets take it.
        """

    @abc.abstractmethod
    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays of numbers by name."""

    @abc.abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What is no array, as a JSON object."""

    @classmethod
    @abc.abstractmethod
    def from_stored(cls, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> Self:
        """What :meth:`to_arrays` and :meth:`to_json` gave.

        Raises:
            ValueError, LookupError, TypeError: they do not fit together.
        """

    @abc.abstractmethod
    def keras_features(self, inputs: Any) -> Any:
        """:meth:`of` by standard Keras layers and operations, float32 (batch, width).

        Args:
            inputs: symbolic inputs of the nets: one tensor, or a dict of them by name.
        """

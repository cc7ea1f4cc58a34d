"""Domain: the values that a field of a gene may take.

The names are KerasTuner's. A domain samples, perturbs, validates, and maps
its values to [0, 1] and back. Values are plain Python numbers, strings and
booleans, never numpy's: Keras refuses those in places.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any

import numpy as np

from genomes.errors import GenomeError

#: What a field may hold.
Value = int | float | bool | str | None

#: Standard deviation of a perturbation, as a share of the domain (in [0, 1] coordinates).
_PERTURBATION = 0.15


class Domain(abc.ABC):
    """The values that a field may take."""

    default: Value
    #: Number of values; None if there are infinitely many.
    size: int | None

    if TYPE_CHECKING:
        # A gene's attribute is a field's value, not the domain that its class declares.
        def __get__(self, instance: object, owner: Any = None) -> Any: ...

    @abc.abstractmethod
    def from_unit(self, unit: float) -> Value:
        """The value at ``unit`` in [0, 1]."""

    @abc.abstractmethod
    def to_unit(self, value: Value) -> float:
        """Where ``value`` lies in [0, 1].

        ``from_unit(to_unit(v)) == v``; up to rounding for a :class:`Float` without a step.
        """

    @abc.abstractmethod
    def validate(self, value: Any, path: str = "") -> Value:
        """``value`` as a plain Python value of the domain.

        Raises:
            GenomeError: it is not in the domain; the message starts with ``path``.
        """

    @abc.abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The domain as a JSON object with a ``domain`` entry."""

    def sample(self, rng: np.random.Generator) -> Value:
        """A value drawn uniformly (uniformly in the logarithm for ``log=True``)."""
        return self.from_unit(float(rng.random()))

    def perturb(self, value: Value, rng: np.random.Generator) -> Value:
        """A value near ``value`` and different from it, where there is one."""
        if self.size == 1:
            return value
        unit = self.to_unit(value)
        for _ in range(8):
            moved = unit + float(rng.normal(0.0, _PERTURBATION))
            # Reflected at the borders, so that they are not favoured.
            moved = abs(moved) % 2.0
            moved = 2.0 - moved if moved > 1.0 else moved
            candidate = self.from_unit(moved)
            if candidate != value:
                return candidate
        return self._neighbour(value, rng)

    def _neighbour(self, value: Value, rng: np.random.Generator) -> Value:
        """The next value up or down: reached when the values lie wider apart than perturbations reach."""
        if self.size is None:
            return value
        index = round(self.to_unit(value) * self.size - 0.5)
        steps = [i for i in (index - 1, index + 1) if 0 <= i < self.size]
        return self.from_unit((steps[int(rng.integers(len(steps)))] + 0.5) / self.size)

    def contains(self, value: Any) -> bool:
        """Whether ``value`` belongs to the domain."""
        try:
            self.validate(value)
        except GenomeError:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Domain) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.to_json().items() if k != "domain")
        return f"{type(self).__name__}({arguments})"

"""Values that are listed one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from genomes.domains.domain import Domain, Value
from genomes.errors import GenomeError, shown


class Choice(Domain):
    """One of several values.

    Args:
        values: plain numbers, strings, booleans or None; at least one, no duplicates.
        default: value of default genomes; the first if not given.
        ordered: neighbours in the list are alike; by default true if all are numbers.

    Raises:
        GenomeError: no value, a duplicate, a value that JSON cannot hold, a default that is not among them.
    """

    def __init__(self, values: Sequence[Value], default: Value = None, ordered: bool | None = None) -> None:
        if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)) or not len(values):
            raise GenomeError(f"Choice: expected a list with at least one value, got {shown(values)}")
        self.values: tuple[Value, ...] = tuple(v.item() if isinstance(v, np.generic) else v for v in values)
        for value in self.values:
            if not isinstance(value, (int, float, str, bool, type(None))):
                raise GenomeError(f"Choice: expected plain numbers, strings, booleans, got {shown(value)}")
            if isinstance(value, float) and not math.isfinite(value):
                raise GenomeError(f"Choice: expected finite numbers, got {value!r}")
        if len({(type(v) is bool, v) for v in self.values}) != len(self.values):
            raise GenomeError(f"Choice: values must differ, got {list(self.values)}")
        numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in self.values)
        self.ordered = numbers if ordered is None else bool(ordered)
        self.size = len(self.values)
        given = default is not None or None in self.values
        self.default = self.validate(default, "default") if given else self.values[0]

    def from_unit(self, unit: float) -> Value:
        """The value whose equal part of [0, 1] holds ``unit``."""
        return self.values[min(max(int(unit * len(self.values)), 0), len(self.values) - 1)]

    def to_unit(self, value: Value) -> float:
        """The middle of the part of [0, 1] that ``value`` owns."""
        return (self._index(value) + 0.5) / len(self.values)

    def perturb(self, value: Value, rng: np.random.Generator) -> Value:
        """A near value if the choice is ordered, else any other value."""
        if self.ordered or len(self.values) == 1:
            return super().perturb(value, rng)
        index = int(rng.integers(len(self.values) - 1))
        return self.values[index + (index >= self._index(value))]

    def _index(self, value: Value) -> int:
        if isinstance(value, (int, float, str, type(None))):
            for index, known in enumerate(self.values):
                if known == value and isinstance(known, bool) == isinstance(value, bool):
                    return index
        raise GenomeError(f"expected one of {list(self.values)}, got {shown(value)}")

    def validate(self, value: Any, path: str = "") -> Value:
        """The one of the values that equals ``value``; True is not 1."""
        if isinstance(value, np.generic):
            value = value.item()
        try:
            return self.values[self._index(value)]
        except GenomeError:
            raise GenomeError(f"expected one of {list(self.values)}, got {shown(value)}", path) from None

    def to_json(self) -> dict[str, Any]:
        """The domain as a JSON object."""
        return {
            "domain": "Choice",
            "values": list(self.values),
            "default": self.default,
            "ordered": self.ordered,
        }


class Boolean(Choice):
    """True or false."""

    def __init__(self, default: bool = False) -> None:
        super().__init__([False, True], default=bool(default), ordered=False)

    def to_json(self) -> dict[str, Any]:
        """The domain as a JSON object."""
        return {"domain": "Boolean", "default": self.default}


class Fixed(Choice):
    """A single value."""

    def __init__(self, value: Value) -> None:
        super().__init__([value])

    def to_json(self) -> dict[str, Any]:
        """The domain as a JSON object."""
        return {"domain": "Fixed", "value": self.values[0]}

"""Domains: the values that a field of a gene may take.

The names are KerasTuner's. A domain samples, perturbs, validates, and maps
its values to [0, 1] and back. Values are plain Python numbers, strings and
booleans, never numpy's: Keras refuses those in places.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from genomes.checks import whole_number
from genomes.errors import GenomeError, shown

#: What a field may hold.
Value = int | float | bool | str | None

#: Standard deviation of a perturbation, as a share of the domain (in [0, 1] coordinates).
_PERTURBATION = 0.15

_MAX_MAGNITUDE = 1e300

#: Largest whole number, up or down, that a field may hold: beyond it floats skip numbers.
_MAX_INTEGER = 2**53


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


def _integer(value: Any, path: str) -> int:
    """``value`` as a plain int that a float can hold, or a GenomeError."""
    number = whole_number(value, "", error=partial(GenomeError, path=path))
    if abs(number) > _MAX_INTEGER:
        raise GenomeError(f"expected a whole number from -2**53 to 2**53, got {shown(value)}", path)
    return number


def _real(value: Any, path: str) -> float:
    """``value`` as a plain finite float, or a GenomeError."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise GenomeError(f"expected a number, got {shown(value)}", path)
    if isinstance(value, np.generic):
        value = value.item()
    if (isinstance(value, int) and abs(value) > 2**63) or not math.isfinite(value) or abs(value) > _MAX_MAGNITUDE:
        raise GenomeError(f"expected a finite number of magnitude up to {_MAX_MAGNITUDE:g}, got {shown(value)}", path)
    # Adding 0.0 turns -0.0 into 0.0: equal values must be written alike.
    return float(value) + 0.0


class Int(Domain):
    """Whole numbers ``low, low + step, ...`` up to and including ``high``.

    Args:
        low: smallest value.
        high: largest value (included where the steps reach it).
        step: distance of neighbours; with ``log=True`` the factor between them if it
            is 2 or more, as in KerasTuner.
        log: spread evenly in the logarithm; needs ``low > 0``.
        default: value of default genomes; ``low`` if not given.

    Raises:
        GenomeError: ``low > high``, a step below 1, ``log`` with ``low < 1``, a default outside.
    """

    def __init__(self, low: int, high: int, step: int = 1, log: bool = False, default: int | None = None) -> None:
        self.low = _integer(low, "low")
        self.high = _integer(high, "high")
        self.step = _integer(step, "step")
        self.log = bool(log)
        if self.low > self.high:
            raise GenomeError(f"Int: low must not exceed high, got low={low}, high={high}")
        if self.step < 1:
            raise GenomeError(f"Int: step must be 1 or more, got {step}")
        if self.log and self.low < 1:
            raise GenomeError(f"Int: log=True needs low >= 1, got low={low}")
        self._geometric = self.log and self.step > 1
        if self._geometric:
            # Counted in whole numbers: logarithms are wrong in the last place.
            self.size = 1
            while self._value(self.size) <= self.high:
                self.size += 1
        else:
            self.size = (self.high - self.low) // self.step + 1
        # With more values than this, [0, 1] no longer tells neighbours apart.
        most = 40 if self.log and not self._geometric else 50
        if self.size > 2**most:
            raise GenomeError(f"Int: low={low} to high={high} is too wide; expected at most 2**{most} values")
        self.default = self.low if default is None else _integer(default, "default")
        self.validate(self.default, "default")

    def _value(self, index: int) -> int:
        return self.low * self.step**index if self._geometric else self.low + index * self.step

    def from_unit(self, unit: float) -> int:
        """The value at ``unit`` in [0, 1].

        Each value owns an equal part of [0, 1]; with ``log``, its part of the logarithm.
        """
        assert self.size is not None
        unit = min(max(unit, 0.0), 1.0)
        if self.log and not self._geometric:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            value = math.exp(low + unit * (high - low))
            index = round((value - self.low) / self.step)
        else:
            index = int(unit * self.size)
        return self._value(min(max(index, 0), self.size - 1))

    def to_unit(self, value: Value) -> float:
        """The middle of the part of [0, 1] that ``value`` owns."""
        assert self.size is not None
        number = float(value)  # type: ignore[arg-type]
        if self.log and not self._geometric:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return (math.log(number) - low) / (high - low)
        if self._geometric:
            index = round(math.log(number / self.low) / math.log(self.step))
        else:
            index = round((number - self.low) / self.step)
        return (index + 0.5) / self.size

    def validate(self, value: Any, path: str = "") -> int:
        """``value`` as a plain int, if it is one of the numbers."""
        number = _integer(value, path)
        if not self.low <= number <= self.high:
            raise GenomeError(f"expected {self.low} to {self.high}, got {number}", path)
        if self._geometric:
            index = round(math.log(number / self.low) / math.log(self.step))
            fits = self._value(index) == number
        else:
            fits = (number - self.low) % self.step == 0
        if not fits:
            raise GenomeError(f"expected {self.low} to {self.high} in steps of {self.step}, got {number}", path)
        return number

    def _neighbour(self, value: Value, rng: np.random.Generator) -> int:
        assert self.size is not None
        if self._geometric:
            index = round(math.log(float(value) / self.low) / math.log(self.step))  # type: ignore[arg-type]
        else:
            index = (int(value) - self.low) // self.step  # type: ignore[arg-type]
        steps = [i for i in (index - 1, index + 1) if 0 <= i < self.size]
        return self._value(steps[int(rng.integers(len(steps)))])

    def to_json(self) -> dict[str, Any]:
        """The domain as a JSON object."""
        return {
            "domain": "Int",
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "log": self.log,
            "default": self.default,
        }


class Float(Domain):
    """Real numbers from ``low`` to ``high``.

    Args:
        low: smallest value.
        high: largest value.
        step: distance of neighbours; None for all numbers between; with ``log=True`` the
            factor between neighbours, as in KerasTuner.
        log: spread evenly in the logarithm; needs ``low > 0``.
        default: value of default genomes; ``low`` if not given.

    Raises:
        GenomeError: ``low > high``, a step that is not positive (not above 1 with ``log``),
            ``log`` with ``low <= 0``, a default outside.
    """

    def __init__(
        self,
        low: float,
        high: float,
        step: float | None = None,
        log: bool = False,
        default: float | None = None,
    ) -> None:
        self.low = _real(low, "low")
        self.high = _real(high, "high")
        self.step = None if step is None else _real(step, "step")
        self.log = bool(log)
        if self.low > self.high:
            raise GenomeError(f"Float: low must not exceed high, got low={low}, high={high}")
        if self.log and self.low <= 0:
            raise GenomeError(f"Float: log=True needs low > 0, got low={low}")
        if self.step is not None and self.step <= (1.0 if self.log else 0.0):
            raise GenomeError(f"Float: step must be above {1 if self.log else 0}, got {step}")
        if self.low == self.high:
            self.size = 1
        elif self.step is None:
            self.size = None
        elif self.log:
            self.size = int(math.log(self.high / self.low) / math.log(self.step) + 1e-9) + 1
        else:
            self.size = int((self.high - self.low) / self.step + 1e-9) + 1
        self.default = self.validate(self.low if default is None else default, "default")

    def _value(self, index: int) -> float:
        assert self.step is not None
        if index == 0:
            return self.low
        value = self.low * self.step**index if self.log else self.low + index * self.step
        # Rounded, so that 0.1 + 2 * 0.1 is written 0.3 wherever it is computed.
        return min(max(float(f"{value:.14g}"), self.low), self.high)

    def from_unit(self, unit: float) -> float:
        """The value at ``unit`` in [0, 1]."""
        unit = min(max(unit, 0.0), 1.0)
        if self.size == 1:
            return self.low
        if self.size is not None:
            return self._value(min(int(unit * self.size), self.size - 1))
        if self.log:
            value = math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + unit * (self.high - self.low)
        return min(max(value, self.low), self.high)

    def to_unit(self, value: Value) -> float:
        """Where ``value`` lies in [0, 1]."""
        number = float(value)  # type: ignore[arg-type]
        if self.size == 1:
            return 0.5
        if self.size is not None:
            assert self.step is not None
            if self.log:
                index = round(math.log(number / self.low) / math.log(self.step))
            else:
                index = round((number - self.low) / self.step)
            return (index + 0.5) / self.size
        if self.log:
            unit = math.log(number / self.low) / math.log(self.high / self.low)
        else:
            unit = (number - self.low) / (self.high - self.low)
        return min(max(unit, 0.0), 1.0)

    def validate(self, value: Any, path: str = "") -> float:
        """``value`` as a plain float: the nearest step, if it is that up to rounding."""
        number = _real(value, path)
        if not self.low <= number <= self.high:
            raise GenomeError(f"expected {self.low} to {self.high}, got {number}", path)
        if self.step is not None and self.size is not None and self.size > 1:
            if self.log:
                index = round(math.log(number / self.low) / math.log(self.step))
            else:
                index = round((number - self.low) / self.step)
            nearest = self._value(index)
            if not math.isclose(nearest, number, rel_tol=1e-9, abs_tol=1e-12):
                raise GenomeError(f"expected {self.low} to {self.high} in steps of {self.step}, got {number}", path)
            number = nearest
        return number

    def to_json(self) -> dict[str, Any]:
        """The domain as a JSON object."""
        return {
            "domain": "Float",
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "log": self.log,
            "default": self.default,
        }


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


_KINDS: dict[str, type[Domain]] = {d.__name__: d for d in (Int, Float, Choice, Boolean, Fixed)}


def domain_from_json(json: Mapping[str, Any], path: str = "") -> Domain:
    """The domain that :meth:`Domain.to_json` wrote.

    Raises:
        GenomeError: an unknown kind of domain, or arguments that it refuses.
    """
    kind = _KINDS.get(str(json.get("domain"))) if isinstance(json, Mapping) else None
    if kind is None:
        raise GenomeError(f"expected a domain ({', '.join(_KINDS)}), got {shown(json)}", path)
    arguments = {name: value for name, value in json.items() if name != "domain"}
    try:
        return kind(**arguments)
    except TypeError as error:
        raise GenomeError(f"{kind.__name__}: {error}", path) from None

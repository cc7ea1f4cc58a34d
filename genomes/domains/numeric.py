"""Numbers between two ends: whole ones and others."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from genomes.checks import whole_number
from genomes.domains.domain import Domain, Value
from genomes.errors import GenomeError, shown

_MAX_MAGNITUDE = 1e300

#: Largest whole number, up or down, that a field may hold: beyond it floats skip numbers.
_MAX_INTEGER = 2**53


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


def _reversed(kind: str, log: bool, reverse: bool) -> bool:
    """``reverse``, which needs ``log``."""
    if reverse and not log:
        raise GenomeError(f"{kind}: reverse=True mirrors a logarithmic scale; give log=True too")
    return bool(reverse)


class Int(Domain):
    """Whole numbers ``low, low + step, ...`` up to and including ``high``.

    Args:
        low: smallest value.
        high: largest value (included where the steps reach it).
        step: distance of neighbours; with ``log=True`` the factor between them if it
            is 2 or more, as in KerasTuner.
        log: spread evenly in the logarithm; needs ``low > 0``.
        default: value of default genomes; the smallest value if not given.
        reverse: with ``log=True``, mirrored: values lie densely at ``high`` instead of at ``low``, with the
            probabilities of KerasTuner's ``reverse_log``.

    Raises:
        GenomeError: ``low > high``, a step below 1, ``log`` with ``low < 1``, ``reverse`` without ``log``, a default
            outside.
    """

    def __init__(
        self,
        low: int,
        high: int,
        step: int = 1,
        log: bool = False,
        default: int | None = None,
        reverse: bool = False,
    ) -> None:
        self.low = _integer(low, "low")
        self.high = _integer(high, "high")
        self.step = _integer(step, "step")
        self.log, self.reverse = bool(log), _reversed("Int", log, reverse)
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
        smallest = self._mirrored(self._value(self.size - 1)) if self.reverse else self.low
        self.default = smallest if default is None else _integer(default, "default")
        self.validate(self.default, "default")

    def _value(self, index: int) -> int:
        """The value of a place, counted from the dense end; to be mirrored if that is ``high``."""
        return self.low * self.step**index if self._geometric else self.low + index * self.step

    def _mirrored(self, value: int) -> int:
        return self.low + self.high - value

    def from_unit(self, unit: float) -> int:
        """The value at ``unit`` in [0, 1].

        Each value owns an equal part of [0, 1]; with ``log``, its part of the logarithm.
        """
        assert self.size is not None
        unit = min(max(unit, 0.0), 1.0)
        if self.reverse:
            unit = 1.0 - unit
        if self.log and not self._geometric:
            low, high = self._logarithms()
            value = math.exp(low + unit * (high - low))
            # Mirrored values own what KerasTuner gives them, [v, v + 1); others [v - 0.5, v + 0.5).
            index = math.floor(value) - self.low if self.reverse else round((value - self.low) / self.step)
        else:
            # A mirrored part is closed above, so that unit 0 and 1 are the first and the last value.
            index = math.ceil(unit * self.size) - 1 if self.reverse else int(unit * self.size)
        index = min(max(index, 0), self.size - 1)
        return self._mirrored(self._value(index)) if self.reverse else self._value(index)

    def _logarithms(self) -> tuple[float, float]:
        """Logarithms of the ends of what all values own together."""
        if self.reverse:
            return math.log(self.low), math.log(self.high + 1)
        return math.log(self.low - 0.5), math.log(self.high + 0.5)

    def to_unit(self, value: Value) -> float:
        """The middle of the part of [0, 1] that ``value`` owns."""
        assert self.size is not None
        number = float(value)  # type: ignore[arg-type]
        if self.reverse:
            number = self.low + self.high - number
        if self.log and not self._geometric:
            low, high = self._logarithms()
            unit = (math.log(number + 0.5 * self.reverse) - low) / (high - low)
        else:
            index = (
                math.log(number / self.low) / math.log(self.step)
                if self._geometric
                else ((number - self.low) / self.step)
            )
            unit = (round(index) + 0.5) / self.size
        return 1.0 - unit if self.reverse else unit

    def validate(self, value: Any, path: str = "") -> int:
        """``value`` as a plain int, if it is one of the numbers."""
        number = _integer(value, path)
        if not self.low <= number <= self.high:
            raise GenomeError(f"expected {self.low} to {self.high}, got {number}", path)
        if self._geometric:
            counted = self._mirrored(number) if self.reverse else number
            index = round(math.log(counted / self.low) / math.log(self.step))
            fits = self._value(index) == counted
        else:
            fits = (number - self.low) % self.step == 0
        if not fits:
            raise GenomeError(f"expected {self.low} to {self.high} in steps of {self.step}, got {number}", path)
        return number

    def _neighbour(self, value: Value, rng: np.random.Generator) -> int:
        assert self.size is not None
        number = self._mirrored(int(value)) if self.reverse else value  # type: ignore[arg-type]
        if self._geometric:
            index = round(math.log(float(number) / self.low) / math.log(self.step))  # type: ignore[arg-type]
        else:
            index = (int(number) - self.low) // self.step  # type: ignore[arg-type]
        steps = [i for i in (index - 1, index + 1) if 0 <= i < self.size]
        chosen = self._value(steps[int(rng.integers(len(steps)))])
        return self._mirrored(chosen) if self.reverse else chosen

    def to_json(self) -> dict[str, Any]:
        """The domain as a JSON object."""
        return {
            "domain": "Int",
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "log": self.log,
            "default": self.default,
            **({"reverse": True} if self.reverse else {}),
        }


class Float(Domain):
    """Real numbers from ``low`` to ``high``.

    Args:
        low: smallest value.
        high: largest value.
        step: distance of neighbours; None for all numbers between; with ``log=True`` the
            factor between neighbours, as in KerasTuner.
        log: spread evenly in the logarithm; needs ``low > 0``.
        default: value of default genomes; the smallest value if not given.
        reverse: with ``log=True``, mirrored: values lie densely at ``high`` instead of at ``low``, as in KerasTuner's
            ``reverse_log``.

    Raises:
        GenomeError: ``low > high``, a step that is not positive (not above 1 with ``log``),
            ``log`` with ``low <= 0``, ``reverse`` without ``log``, a default outside.
    """

    def __init__(
        self,
        low: float,
        high: float,
        step: float | None = None,
        log: bool = False,
        default: float | None = None,
        reverse: bool = False,
    ) -> None:
        self.low = _real(low, "low")
        self.high = _real(high, "high")
        self.step = None if step is None else _real(step, "step")
        self.log, self.reverse = bool(log), _reversed("Float", log, reverse)
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
        if self.reverse and self.size not in (None, 1) and self.low * (float(self.step or 0) - 1) < 1e-12 * self.high:
            raise GenomeError(f"Float: steps from {low} are lost in rounding beside {high}; reverse needs larger ones")
        # Not the exponential of a logarithm, which is another number in its last digit.
        smallest = self.from_unit(0.0) if self.reverse else self.low
        self.default = self.validate(smallest if default is None else default, "default")

    def _value(self, index: int) -> float:
        """The value of a place, counted from the dense end."""
        assert self.step is not None
        if index == 0:
            return self.high if self.reverse else self.low
        value = self.low * self.step**index if self.log else self.low + index * self.step
        if self.reverse:
            value = self._mirrored(value)
        # Rounded, so that 0.1 + 2 * 0.1 is written 0.3 wherever it is computed.
        return min(max(float(f"{value:.14g}"), self.low), self.high)

    def _mirrored(self, value: float) -> float:
        # Within the ends: where ``low`` is tiny beside ``high``, the difference is rounded.
        return min(max(self.low + self.high - value, self.low), self.high)

    def from_unit(self, unit: float) -> float:
        """The value at ``unit`` in [0, 1]."""
        unit = min(max(unit, 0.0), 1.0)
        if self.size == 1:
            return self.high if self.reverse else self.low
        if self.size is not None:
            index = min(int(unit * self.size), self.size - 1)
            return self._value(self.size - 1 - index if self.reverse else index)
        if unit in (0.0, 1.0):
            return self.high if unit else self.low  # to the last digit, also where a logarithm would round
        if self.log:
            unit = 1.0 - unit if self.reverse else unit
            value = math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
            value = self._mirrored(value) if self.reverse else value
        else:
            value = self.low + unit * (self.high - self.low)
        return min(max(value, self.low), self.high)

    def to_unit(self, value: Value) -> float:
        """Where ``value`` lies in [0, 1]."""
        number = float(value)  # type: ignore[arg-type]
        if self.size == 1:
            return 0.5
        if self.reverse:
            number = self._mirrored(number)
        if self.size is not None:
            assert self.step is not None
            if self.log:
                index = round(math.log(number / self.low) / math.log(self.step))
            else:
                index = round((number - self.low) / self.step)
            unit = (index + 0.5) / self.size
        elif self.log:
            unit = math.log(number / self.low) / math.log(self.high / self.low)
        else:
            unit = (number - self.low) / (self.high - self.low)
        return min(max(1.0 - unit if self.reverse else unit, 0.0), 1.0)

    def validate(self, value: Any, path: str = "") -> float:
        """``value`` as a plain float: the nearest step, if it is that up to rounding."""
        number = _real(value, path)
        if not self.low <= number <= self.high:
            raise GenomeError(f"expected {self.low} to {self.high}, got {number}", path)
        if self.step is not None and self.size is not None and self.size > 1:
            counted = self._mirrored(number) if self.reverse else number
            if self.log:
                index = round(math.log(counted / self.low) / math.log(self.step))
            else:
                index = round((counted - self.low) / self.step)
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
            **({"reverse": True} if self.reverse else {}),
        }

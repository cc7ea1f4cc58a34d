"""Constraints: bounds on what an outcome measured, such as ``"latency <= 0.005"``."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from evo.core.errors import SettingsError
from evo.core.trial import Outcome

#: What a trial that breaks a constraint is ranked by lies between -2 and -1 times this: below all that is measured.
_BELOW_ALL = 1e300
#: A bound as people write it: a name, which way, a number. Names of scorers have "=" in them.
_WRITTEN = re.compile(r"\s*(?P<name>[^<>=≤≥]*?)\s*(?P<sign><=|>=|<|>|≤|≥)\s*(?P<bound>.*?)\s*")


@dataclass(frozen=True)
class Constraint:
    """A bound that the outcome of a trial has to keep.

    Args:
        measure: name of a score (``val_accuracy``, ``latency``, any logged metric), one of ``parameters``, ``flops``,
            ``seconds``, or a callable that takes the :class:`evo.Outcome` and returns a float.
        at_least: the least value allowed.
        at_most: the largest value allowed.

    Raises:
        SettingsError: not exactly one bound, one that is no finite number, or a measure that is neither a name nor a
            callable.
    """

    measure: str | Callable[[Outcome], float]
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if not callable(self.measure) and not (isinstance(self.measure, str) and self.measure):
            raise SettingsError(f"objectives: a constraint is on a metric's name or a callable, got {self.measure!r}")
        if isinstance(self.measure, str) and self.measure.startswith("-"):
            plain = self.measure.lstrip("-")
            raise SettingsError(f"objectives: a constraint is on the quantity itself: {plain!r}, not {self.measure!r}")
        if (self.at_least is None) == (self.at_most is None):
            raise SettingsError(f"objectives: a constraint has either at_least or at_most, got {self!r}")
        if not _is_number(self.bound):
            raise SettingsError(f"objectives: the bound of {self.name} must be a finite number, got {self.bound!r}")

    @property
    def bound(self) -> float:
        """The least or the largest value."""
        return self.at_most if self.at_least is None else self.at_least  # type: ignore[return-value]

    @property
    def name(self) -> str:
        """Name of what is measured."""
        return self.measure if isinstance(self.measure, str) else str(getattr(self.measure, "__qualname__", "callable"))

    def __str__(self) -> str:
        return f"{self.name} {'<=' if self.at_least is None else '>='} {repr(float(self.bound)).removesuffix('.0')}"

    def value(self, outcome: Outcome) -> float | None:
        """What the outcome measured; None if it has no such value."""
        return outcome.value(self.measure) if isinstance(self.measure, str) else float(self.measure(outcome))

    def violation(self, outcome: Outcome) -> float:
        """By how much an outcome breaks the bound, in units of the bound (of 1 where that is 0); 0 where it is kept.

        Infinite where the value is missing or not finite.
        """
        value = self.value(outcome)
        if value is None or not math.isfinite(value):
            return math.inf
        beyond = value - self.bound if self.at_least is None else self.bound - value
        return max(0.0, beyond / (abs(self.bound) or 1.0))


def read_constraint(given: Any) -> Constraint | None:
    """The constraint that a user wrote, as an object or as ``"name <= number"``; None if it is none.

    Raises:
        SettingsError: something that was meant as one; says what is wrong.
    """
    if isinstance(given, Constraint):
        return given
    found = _WRITTEN.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        return None
    name, sign, bound = found["name"], found["sign"], found["bound"]
    if sign not in ("<=", ">=", "≤", "≥"):
        raise SettingsError(f"objectives: {given!r}: a constraint is written with <= or >=")
    try:
        number = float(bound)
    except ValueError:
        raise SettingsError(f"objectives: {given!r}: expected a number after {sign}, got {bound!r}") from None
    if not name:
        raise SettingsError(f"objectives: {given!r} names no metric")
    return Constraint(name, at_most=number) if sign in ("<=", "≤") else Constraint(name, at_least=number)


def check_together(constraints: Sequence[Constraint]) -> None:
    """Refuse constraints that are given twice or that no value can keep.

    Raises:
        SettingsError: see above.
    """
    for index, one in enumerate(constraints):
        for other in constraints[:index]:
            if one.measure != other.measure:
                continue
            if (one.at_least is None) == (other.at_least is None):
                raise SettingsError(f"objectives: two bounds of one kind: '{other}' and '{one}'; give one of them")
            low, high = (one, other) if one.at_most is None else (other, one)
            if low.bound > high.bound:
                raise SettingsError(f"objectives: no value keeps both '{low}' and '{high}'")


def below_all(violation: float) -> float:
    """What stands for each objective of an outcome that breaks constraints: lower than anything measured.

    With it in every place, plain domination is constrained domination (Deb et al. 2002, section VI): who keeps the
    constraints dominates who does not, and of two that do not the one that breaks them less.

    Args:
        violation: by how much they are broken, above 0.
    """
    share = 1.0 if math.isinf(violation) else violation / (1.0 + violation)
    return -_BELOW_ALL * (1.0 + share)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)

"""Named hyperparameters of which some exist only where others have certain values.

KerasTuner's spaces are like that: a parameter is known by its name and its
conditions, and one inside a plain ``if`` or ``for`` exists only when the code reaches it.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from genomes.domains import Domain, Value, domain_from_json
from genomes.errors import GenomeError, shown
from genomes.gene import Gene

#: Longest text of chosen values, and most values in it.
_MAX_TEXT = 200_000
_MAX_VALUES = 5_000

Values = dict[str, Value]


@dataclass(frozen=True)
class Rule:
    """A parameter exists only where another one has certain values.

    Args:
        parent: the other parameter's name.
        values: its values; None if ``least`` and ``most`` say it.
        least: its least value.
        most: its largest value.
    """

    parent: str
    values: tuple[Value, ...] | None = None
    least: float | None = None
    most: float | None = None

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether the parent exists and has one of the rule's values."""
        if self.parent not in values:
            return False
        value = values[self.parent]
        if self.values is not None:
            return any(value == v and isinstance(value, bool) == isinstance(v, bool) for v in self.values)
        assert isinstance(value, (int, float))
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def describe(self) -> str:
        """The rule in words: ``layers is at least 2``."""
        if self.values is not None:
            return f"{self.parent} is {' or '.join(map(str, self.values))}"
        least = [] if self.least is None else [f"at least {self.least:g}"]
        most = [] if self.most is None else [f"at most {self.most:g}"]
        return f"{self.parent} is {' and '.join(least + most) or 'there'}"

    def to_json(self) -> dict[str, Any]:
        """The rule as a JSON object."""
        values = None if self.values is None else list(self.values)
        return {"parent": self.parent, "values": values, "least": self.least, "most": self.most}

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Self:
        """The rule that :meth:`to_json` wrote."""
        values = json["values"]
        return cls(str(json["parent"]), None if values is None else tuple(values), json["least"], json["most"])


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter.

    Args:
        name: its name; several may share one where their rules exclude each other.
        domain: its values.
        rules: all must hold for it to exist.
    """

    name: str
    domain: Domain
    rules: tuple[Rule, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The parameter as a JSON object."""
        return {
            "name": self.name,
            "domain": self.domain.to_json(),
            "rules": [rule.to_json() for rule in self.rules],
        }

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Self:
        """The parameter that :meth:`to_json` wrote."""
        name = str(json["name"])
        return cls(name, domain_from_json(json["domain"], name), tuple(map(Rule.from_json, json["rules"])))


def active_parameters(parameters: Sequence[Parameter], values: Mapping[str, Value]) -> dict[str, Parameter]:
    """The parameters that exist for these values, by name; parents stand before what depends on them.

    A parameter without a value yet counts as its parents say; nothing can depend on it.
    """
    found: dict[str, Parameter] = {}
    known: Values = {}
    for parameter in parameters:
        if parameter.name not in found and all(rule.holds(known) for rule in parameter.rules):
            found[parameter.name] = parameter
            if parameter.name in values:
                known[parameter.name] = values[parameter.name]
    return found


def completed_values(
    parameters: Sequence[Parameter], values: Mapping[str, Value], rng: np.random.Generator | None
) -> Values:
    """A value for exactly the parameters that exist, in their order.

    Args:
        parameters: the parameters, parents first.
        values: given values; kept where they exist and are in the domain.
        rng: draws values that are missing; None takes defaults.
    """
    found: Values = {}
    for parameter in parameters:
        name, domain = parameter.name, parameter.domain
        if name in found or not all(rule.holds(found) for rule in parameter.rules):
            continue
        if name in values and domain.contains(values[name]):
            found[name] = domain.validate(values[name])
        else:
            found[name] = domain.default if rng is None else domain.sample(rng)
    return found


class ChosenValues(Domain):
    """JSON text of an object of plain values by name; a space says which names and which values."""

    size = 1
    default: Value = "{}"

    def from_unit(self, unit: float) -> Value:
        """The default: a space draws values, this domain alone cannot."""
        return self.default

    def to_unit(self, value: Value) -> float:
        """The middle: a text has no place among others."""
        return 0.5

    def validate(self, value: Any, path: str = "") -> Value:
        """The text in its one spelling, if it is a JSON object of plain values."""
        return text_of_values(values_from_text(value, path))

    def parts(self, value: Value) -> Values:
        """The values by name; the edit distance compares them one by one."""
        return values_from_text(value)

    def to_json(self) -> dict[str, Any]:
        """The domain as a JSON object."""
        return {"domain": "ChosenValues"}


def values_from_text(text: Any, path: str = "") -> Values:
    """The values in a text.

    Raises:
        GenomeError: no such text.
    """
    if not isinstance(text, str) or len(text) > _MAX_TEXT:
        raise GenomeError(f"expected a JSON object as text, got {shown(text)}", path)
    try:
        values = json_module.loads(text)
    except (ValueError, RecursionError):
        raise GenomeError(f"expected a JSON object as text, got {shown(text)}", path) from None
    if not isinstance(values, dict) or len(values) > _MAX_VALUES:
        raise GenomeError(f"expected a JSON object as text, got {shown(text)}", path)
    for name, value in values.items():
        if not isinstance(value, (int, float, str, bool, type(None))) or value in (float("inf"), float("-inf")):
            raise GenomeError(f"expected a plain value, got {shown(value)}", f"{path}.{name[:80]}")
        if isinstance(value, float) and value != value:
            raise GenomeError("expected a plain value, got NaN", f"{path}.{name[:80]}")
    return values


def text_of_values(values: Mapping[str, Value]) -> str:
    """The values as text; equal values, equal texts."""
    return json_module.dumps(dict(sorted(values.items())), separators=(",", ":"))


class Hyperparameters(Gene):
    """A gene that holds named values of which the set itself varies.

    Fields:
        chosen: the values that exist, as JSON text.
    """

    chosen = ChosenValues()

    @property
    def named(self) -> Values:
        """The values by name."""
        return values_from_text(self.chosen)

    def __str__(self) -> str:
        parts = [f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in self.named.items()]
        return f"Hyperparameters({', '.join(parts)})"

"""Preferences: values of fields that a user believes in, as a search draws them more often.

A preference changes nothing of what is in a space. How far a search trusts it is the search's own
matter (:mod:`evo.algorithms.trust`).
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from genomes.checks import real_number
from genomes.domains import Choice, Domain, Value, domain_from_json
from genomes.errors import GenomeError, shown

if TYPE_CHECKING:
    from genomes.genome import Genome

#: Standard deviation of draws around a single number, as a share of the domain; within it a value counts as preferred.
_NEAR = 0.15


@dataclass(frozen=True)
class Preference:
    """What is preferred of a field: values with weights, the surroundings of a number, or a narrower domain.

    Args:
        field: ``Dense.units``, or ``units`` for every gene class with such a field; of spaces of plain values the name.
        values: plain values; none with ``domain``.
        weights: one for each of them; equal if empty.
        near: values are drawn around the (only) one, where the field's values have an order.
        domain: values are drawn from it.
    """

    field: str
    values: tuple[Value, ...] = ()
    weights: tuple[float, ...] = ()
    near: bool = False
    domain: Domain | None = None

    @classmethod
    def of(cls, field: str, given: Any) -> Self:
        """The preference that a user wrote: a value, several, a mapping of values to weights, or a domain.

        Raises:
            GenomeError: nothing, or weights that are no positive numbers.
        """
        if isinstance(given, Domain):
            return cls(field, domain=given)
        if isinstance(given, Mapping):
            for value, weight in given.items():
                real_number(weight, f"prefer: weight of {shown(value)} in {field}", 0, 1e300)
            values, weights = tuple(given), tuple(float(weight) for weight in given.values())
            if not sum(weights):
                raise GenomeError(f"prefer: expected a value with a weight above 0 for {field}, got {shown(given)}")
            return cls(field, _plain(values), weights)
        if isinstance(given, (set, frozenset)):
            raise GenomeError(f"prefer: expected a list for {field}, as a set has no order; got {shown(given)}")
        if isinstance(given, Iterable) and not isinstance(given, (str, bytes)):
            values = _plain(given)
            if not values:
                raise GenomeError(f"prefer: expected at least one value for {field}, got none")
            return cls(field, values)
        return cls(field, _plain((given,)), near=True)

    def applies(self, domain: Domain) -> bool:
        """Whether a field with this domain can hold what is preferred."""
        if self.domain is not None:
            return all(domain.contains(v) for v in (self.domain.from_unit(0.0), self.domain.from_unit(1.0)))
        return any(domain.contains(value) for value in self.values)

    def draw(self, domain: Domain, rng: np.random.Generator) -> Value:
        """A preferred value that the domain holds; it must :meth:`apply <applies>`."""
        if self.domain is not None:
            return domain.from_unit(domain.to_unit(self.domain.sample(rng)))
        held, weights = self._held(domain)
        if self.near and _ordered(domain):
            moved = abs(domain.to_unit(held[0]) + float(rng.normal(0.0, _NEAR))) % 2.0
            return domain.from_unit(2.0 - moved if moved > 1.0 else moved)
        place = int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), side="right"))
        return held[min(place, len(held) - 1)]

    def agrees(self, domain: Domain, value: Value) -> bool:
        """Whether a value is one of those that are drawn more often than without the preference."""
        unit = domain.to_unit(value)
        if self.domain is not None:
            ends = sorted(domain.to_unit(end) for end in (self.domain.from_unit(0.0), self.domain.from_unit(1.0)))
            return self.domain.contains(value) if not _ordered(domain) else ends[0] <= unit <= ends[1]
        held, weights = self._held(domain)
        if domain.size is None or (self.near and _ordered(domain)):
            return any(abs(domain.to_unit(one) - unit) <= _NEAR for one in held)
        share = sum(w for one, w in zip(held, weights, strict=True) if one == value) / float(weights.sum())
        return share > 1 / domain.size

    def _held(self, domain: Domain) -> tuple[list[Value], np.ndarray]:
        """The values that the domain holds, and their weights."""
        weights = self.weights or (1.0,) * len(self.values)
        pairs = [(domain.validate(v), w) for v, w in zip(self.values, weights, strict=True) if domain.contains(v)]
        total = np.array([weight for _, weight in pairs])
        return [value for value, _ in pairs], total if total.sum() else np.ones(len(pairs))

    def to_json(self) -> dict[str, Any]:
        """The preference as a JSON object."""
        found: dict[str, Any] = {"field": self.field}
        if self.domain is not None:
            return {**found, "domain": self.domain.to_json()}
        weights = {"weights": list(self.weights)} if self.weights else {}
        return {**found, "values": list(self.values), **weights, **({"near": True} if self.near else {})}

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Self:
        """The preference that :meth:`to_json` wrote."""
        if "domain" in json:
            return cls(str(json["field"]), domain=domain_from_json(json["domain"], "preferences"))
        values, weights = tuple(json["values"]), tuple(json.get("weights", ()))
        # As a user would give them, so that what no user can give is refused.
        given = dict(zip(values, weights, strict=True)) if weights else values
        return dataclasses.replace(cls.of(str(json["field"]), given), near=bool(json.get("near", False)))


class FieldValue(NamedTuple):
    """What one field of a genome holds.

    Attributes:
        field: its name: ``Dense.units``, or of spaces of plain values the name alone.
        domain: what it may hold.
        value: what it holds.
    """

    field: str
    domain: Domain
    value: Value


class WithPreferences:
    """The part of a space that is about preferred values; a subclass says which fields its genomes have."""

    #: What is preferred, in the order in which it was said.
    preferences: tuple[Preference, ...] = ()

    # -- what a subclass says ------------------------------------------------------------
    def field_domains(self) -> Mapping[str, Domain]:
        """Every field that may be preferred, by its name; a subclass that has any overrides all three."""
        return {}

    def field_values(self, genome: Genome) -> Mapping[Hashable, FieldValue]:
        """Every field of a genome, by a key that stays the same when the genome is changed elsewhere."""
        return {}

    def with_field_values(self, genome: Genome, changes: Mapping[Hashable, Value], rng: np.random.Generator) -> Genome:
        """A valid genome in which these fields, by their keys, hold other values."""
        return genome

    # -- what a user says ----------------------------------------------------------------
    def prefer(self, field: str, values: Any) -> Self:
        """The same space with a belief about a field: searches draw such values more often, until trials speak
        against it (PriorBand: Mallik et al. 2023, arXiv 2306.12370).

        Args:
            field: ``"Dense.units"``, or ``"units"`` for every gene class with such a field; of spaces of plain
                values and of hypermodels the name.
            values: several values; a mapping of values to weights; a narrower domain (``Float(1e-4, 1e-3, log=True)``);
                or one value, around which others are drawn where values have an order.

        Raises:
            GenomeError: no such field, or values of which it can hold none.

        Example:
            >>> from genomes import Choice, Float, spaces
            >>> space = spaces.vector({"rate": Float(1e-4, 1e-1, log=True), "kind": Choice(["a", "b", "c"])})
            >>> space = space.prefer("rate", 1e-3).prefer("kind", {"a": 3, "b": 1})
        """
        domains = self.field_domains()
        matching = {name: domain for name, domain in domains.items() if field in (name, name.rpartition(".")[2])}
        if not matching:
            near = difflib.get_close_matches(str(field), [*domains, *(n.rpartition(".")[2] for n in domains)], 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; fields are {shown(sorted(domains), 400)}"
            raise GenomeError(f"prefer: there is no field {shown(field)}{hint}")
        preference = Preference.of(field, values)
        if not any(preference.applies(domain) for domain in matching.values()):
            name, domain = next(iter(matching.items()))
            raise GenomeError(f"prefer: {name} can hold nothing of {shown(values)}; its domain is {domain!r}")
        space = copy.copy(self)
        space.preferences = (*(p for p in self.preferences if p.field != field), preference)
        return space

    # -- what a search asks --------------------------------------------------------------
    def leaning(self, genome: Genome, rng: np.random.Generator, before: Genome | None = None) -> Genome:
        """The genome with preferred values in the fields that something is preferred of; itself if there are none.

        Args:
            genome: a valid genome.
            rng: they are drawn from it.
            before: only fields that this one has not, or has with another value, are drawn.
        """
        known = {} if before is None else self.field_values(before)
        changes: dict[Hashable, Value] = {}
        for key, found in self.field_values(genome).items():
            preference = self._preference(found)
            if preference is not None and not (key in known and known[key].value == found.value):
                changes[key] = preference.draw(found.domain, rng)
        return self.with_field_values(genome, changes, rng) if changes else genome

    def agreement(self, genome: Genome) -> float | None:
        """Share of the fields that something is preferred of which hold such a value; None if there are none."""
        asked = [(self._preference(found), found) for found in self.field_values(genome).values()]
        agreeing = [preference.agrees(found.domain, found.value) for preference, found in asked if preference]
        return sum(agreeing) / len(agreeing) if agreeing else None

    def _preference(self, found: FieldValue) -> Preference | None:
        """What is preferred of a field: what was said of its full name, else of its short one."""
        for name in (found.field, found.field.rpartition(".")[2]):
            for preference in self.preferences:
                if preference.field == name and preference.applies(found.domain):
                    return preference
        return None

    def with_stored_preferences(self, stored: Iterable[Mapping[str, Any]]) -> Self:
        """The space with the preferences that its JSON holds.

        Raises:
            GenomeError: one of them is of no field of the space.
        """
        space = self
        for json in stored:
            preference = Preference.from_json(json)
            space = space.prefer(preference.field, preference.domain or list(preference.values))
            space.preferences = (*space.preferences[:-1], preference)
        return space


def _plain(values: Iterable[Any]) -> tuple[Value, ...]:
    """Plain Python values, as domains hold them."""
    return tuple(value.item() if isinstance(value, np.generic) else value for value in values)


def _ordered(domain: Domain) -> bool:
    return not isinstance(domain, Choice) or domain.ordered

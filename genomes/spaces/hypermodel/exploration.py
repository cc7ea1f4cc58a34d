"""Finds the hyperparameters of a KerasTuner ``build(hp)`` by building it with chosen values.

``build`` is a program: which hyperparameters there are shows only in running
it. It is run with default values, then so that every conditional scope becomes
active (as KerasTuner does), then with other values of one parameter at a time;
what appears and disappears tells which parameters depend on which. All of it is
a function of ``build`` and the number of builds alone, so that the space is the same
wherever it is made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from genomes.domains import Boolean, Choice, Domain, Fixed, Float, Int, Value
from genomes.errors import GenomeError, shown, told
from genomes.genes.hyperparameters import Parameter, Rule, Values
from genomes.process_state import new_garbage_alone
from genomes.spaces.hypermodel.user_state import state_put_back
from genomes.spaces.hypermodel.without_values import without_values

#: A range of whole numbers with at most this many values is tried value by value, where its ends differ.
_FEW = 16
#: Values of a domain that are looked at for the one nearest to a default.
_MOST = 100_000


def _to_domain(parameter: Any) -> Domain:
    """The domain of a KerasTuner hyperparameter.

    Raises:
        GenomeError: an unknown kind.
    """
    kind = type(parameter).__name__
    if kind == "Fixed":
        return Fixed(parameter.value)
    if kind == "Boolean":
        return Boolean(default=bool(parameter.default))
    if kind == "Choice":
        if len(set(parameter.values)) != len(parameter.values):
            values = list(dict.fromkeys(parameter.values))
        else:
            values = list(parameter.values)
        return Choice(values, default=parameter.default, ordered=bool(parameter.ordered))
    if kind not in ("Int", "Float"):
        raise GenomeError(f"hyperparameter {parameter.name!r}: kind {kind} is not known")
    log, reverse = parameter.sampling in ("log", "reverse_log"), parameter.sampling == "reverse_log"
    low, high, step, default = parameter.min_value, parameter.max_value, parameter.step, parameter.default
    if kind == "Int":
        whole = Int(int(low), int(high), 1 if step is None else int(step), log, reverse=reverse)
        return _int(whole, int(_nearest(whole, default)))
    number = Float(float(low), float(high), None if step is None else float(step), log, reverse=reverse)
    return _float(number, float(_nearest(number, default)))


def _nearest(domain: Int | Float, default: Any) -> float:
    """The value of a domain that is nearest to a default, which KerasTuner takes from anywhere."""
    if domain.contains(default):
        return float(default)
    size = domain.size
    if size is None:
        return min(max(float(default), domain.low), domain.high)
    values = (domain.from_unit((index + 0.5) / size) for index in range(min(size, _MOST)))
    return min((float(value) for value in values), key=lambda value: abs(value - float(default)))


def _int(domain: Int, default: int) -> Int:
    return Int(domain.low, domain.high, domain.step, domain.log, default, domain.reverse)


def _float(domain: Float, default: float) -> Float:
    return Float(domain.low, domain.high, domain.step, domain.log, default, domain.reverse)


#: Name and conditions: what KerasTuner tells parameters apart by.
Identity = tuple[str, tuple[tuple[str, tuple[Value, ...]], ...]]


def _identity(parameter: Any) -> Identity:
    return parameter.name, tuple((c.name, tuple(c.values)) for c in parameter.conditions)


class Explorer:
    """Runs ``build`` and gathers what it asks for.

    Args:
        build: the user's function.
        builds: most models that are built.
        values: whether the weights of the models need values; without, large models are built faster, and those that
            cannot do without are built again.
    """

    def __init__(self, build: Callable[[Any], Any], builds: int, values: bool = False) -> None:
        self.build = build
        self.values = values
        self.left = builds
        self.order: list[Identity] = []
        self.known: dict[Identity, Any] = {}
        self.rules: dict[Identity, list[Rule]] = {}
        #: Values with which a parameter was first reached.
        self.first: dict[Identity, Values] = {}
        self.widest: Values = {}
        #: The first that was built and is no model; empty if there was none.
        self.other = ""
        self._failure: BaseException | None = None
        self._never: list[Any] = []
        self._once: list[Any] = []

    @new_garbage_alone()
    def run(self) -> list[Parameter]:
        """Explore.

        Raises:
            GenomeError: ``build`` failed with its default values.
        """
        if self._trace({}) is None:
            assert self._failure is not None
            raise GenomeError(f"build: failed with default values: {told(self._failure)}") from self._failure
        self._activate_scopes()
        probed: set[Identity] = set()
        while self.left > 0:
            # Whole numbers first: loops run over them, and reach the most.
            waiting = [i for i in self.order if i not in probed and self._probes(i)]
            if not waiting:
                break
            waiting.sort(key=lambda i: type(self.known[i]).__name__ != "Int")
            probed.add(waiting[0])
            self._probe(waiting[0])
            self._activate_scopes()
        return [
            Parameter(identity[0], _to_domain(self.known[identity]), self._all_rules(identity))
            for identity in self._parents_first()
        ]

    # -- running build -----------------------------------------------------------------
    def _trace(self, values: Mapping[str, Value]) -> set[Identity] | None:
        """What is reached with these values; None if ``build`` fails with them or no build is left."""
        if self.left <= 0:
            return None
        self.left -= 1
        hp = self._asked(values)
        if hp is None:
            return None
        self._scopes(hp)
        reached = set()
        last = -1
        for parameter in hp.space:
            identity = _identity(parameter)
            if identity not in self.known:
                self.known[identity] = parameter
                # In the order in which the code asks for them.
                self.order.insert(last + 1, identity)
            last = max(last, self.order.index(identity))
            if hp.is_active(parameter):
                reached.add(identity)
                self.first.setdefault(identity, dict(hp.values))
        if not self.widest or len(reached) > len(self.widest):
            self.widest = dict(hp.values)
        return reached

    def _asked(self, values: Mapping[str, Value]) -> Any:
        """What ``build`` asked for with these values; None if it fails."""
        try:
            if not self.values:
                with contextlib.suppress(Exception, SystemExit), without_values():
                    return self._built(values)
            return self._built(values)
        except (Exception, SystemExit) as error:  # a user's code may raise anything
            self._failure = error
            return None

    def _built(self, values: Mapping[str, Value]) -> Any:
        import keras
        import keras_tuner

        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        with state_put_back():
            model = self.build(hp)
        if not isinstance(model, keras.Model) and not self.other:
            self.other = f"{type(model).__name__} with {shown(dict(values), 200) if values else 'default values'}"
        return hp

    def _scopes(self, hp: Any) -> None:
        for conditions in hp.active_scopes:
            if conditions not in self._once:
                self._once.append(conditions)
            if conditions in self._never:
                self._never.remove(conditions)
        for conditions in hp.inactive_scopes:
            if conditions not in self._once and conditions not in self._never:
                self._never.append(conditions)

    def _activate_scopes(self) -> None:
        """Build until every conditional scope was active once, or cannot be."""
        tried: list[Any] = []
        while self.left > 0:
            waiting = [conditions for conditions in self._never if conditions not in tried]
            if not waiting:
                return
            tried.append(waiting[0])
            values: Values = {}
            for condition in waiting[0]:
                values |= self.first.get(next((i for i in self.order if i[0] == condition.name), ("", ())), {})
            values |= {condition.name: condition.values[0] for condition in waiting[0]}
            self._trace(values)

    # -- one parameter at a time -----------------------------------------------------------
    def _probes(self, identity: Identity) -> bool:
        kind = type(self.known[identity]).__name__
        return kind in ("Int", "Choice", "Boolean") and identity in self.first

    def _probe(self, identity: Identity) -> None:
        domain = _to_domain(self.known[identity])
        name = identity[0]
        # The widest values known, so that inner loops are seen too, where the parameter exists in them.
        base = self.first[identity] if self.widest.get(name) is None else self.widest
        if identity[1]:
            base = {**base, **self.first[identity]}
        seen: dict[Value, set[Identity]] = {}
        if isinstance(domain, Int):
            for value in dict.fromkeys((domain.from_unit(1.0), domain.from_unit(0.0))):
                self._see(base, name, value, seen)
            sets = list(seen.values())
            assert domain.size is not None
            if len(sets) == 2 and sets[0] != sets[1] and domain.size > 2:
                self._between(base, name, domain, seen)
        else:
            assert isinstance(domain, Choice)
            for choice in domain.values[:_FEW]:
                self._see(base, name, choice, seen)
        self._learn(name, domain, seen)

    def _see(self, base: Values, name: str, value: Value, seen: dict[Value, set[Identity]]) -> None:
        reached = self._trace({**base, name: value})
        if reached is not None:
            seen[value] = reached

    def _between(self, base: Values, name: str, domain: Int, seen: dict[Value, set[Identity]]) -> None:
        """Values of a whole number between its ends: all if they are few, else by bisection."""
        assert domain.size is not None
        size = domain.size
        if size <= _FEW:
            for index in range(1, size - 1):
                self._see(base, name, domain.from_unit((index + 0.5) / size), seen)
            return
        spans = [(0, size - 1)]
        while spans and self.left > 0:
            low, high = spans.pop(0)
            ends = [domain.from_unit((index + 0.5) / size) for index in (low, high)]
            if high - low < 2 or any(end not in seen for end in ends) or seen[ends[0]] == seen[ends[1]]:
                continue
            middle = (low + high) // 2
            self._see(base, name, domain.from_unit((middle + 0.5) / size), seen)
            spans += [(low, middle), (middle, high)]

    def _learn(self, name: str, domain: Domain, seen: Mapping[Value, set[Identity]]) -> None:
        """Rules of what appears with some values only."""
        if len(seen) < 2:
            return
        for identity in set.union(*seen.values()):
            if identity[0] == name or any(condition[0] == name for condition in identity[1]):
                continue
            with_it = [value for value, reached in seen.items() if identity in reached]
            if len(with_it) == len(seen):
                continue
            self.rules.setdefault(identity, []).append(_rule(name, domain, seen, with_it))

    def _all_rules(self, identity: Identity) -> tuple[Rule, ...]:
        conditions = tuple(Rule(name, values) for name, values in identity[1])
        return (*conditions, *self.rules.get(identity, ()))

    def _parents_first(self) -> list[Identity]:
        """The order of asking, with every parameter behind those that its rules name."""
        placed: list[Identity] = []
        waiting = list(self.order)
        while waiting:
            names = {identity[0] for identity in waiting}
            ready = [i for i in waiting if not any(r.parent in names and r.parent != i[0] for r in self._all_rules(i))]
            placed += ready or waiting[:1]
            waiting = [i for i in waiting if i not in placed]
        return placed


def _rule(name: str, domain: Domain, seen: Mapping[Value, set[Identity]], with_it: list[Value]) -> Rule:
    if isinstance(domain, Int):
        numbers = sorted(float(v) for v in seen)  # type: ignore[arg-type]
        inside = sorted(float(v) for v in with_it)  # type: ignore[arg-type]
        run = numbers[numbers.index(inside[0]) : numbers.index(inside[-1]) + 1]
        if run == inside:
            least = None if inside[0] == numbers[0] else inside[0]
            most = None if inside[-1] == numbers[-1] else inside[-1]
            return Rule(name, least=least, most=most)
        return Rule(name, values=tuple(int(v) for v in inside))
    # Values that were not tried may activate it too.
    untried = [v for v in domain.values if v not in seen] if isinstance(domain, Choice) else []
    return Rule(name, values=(*with_it, *untried))

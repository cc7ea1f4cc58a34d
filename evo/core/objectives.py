"""Objectives: what a campaign maximises, read from an outcome.

``"val_accuracy"`` is maximised, ``"-val_loss"`` is minimised, a callable is
called with the :class:`evo.core.trial.Outcome` and its value is maximised.
``"latency <= 0.005"`` is no objective but a constraint: what keeps it comes
before what does not.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from evo.core.constraints import Constraint, below_all, check_together, read_constraint
from evo.core.errors import SettingsError
from evo.core.trial import Outcome, Status

#: Quantities of which more is worse: refused without a leading minus sign.
_TO_MINIMISE = (
    "loss",
    "error",
    "mse",
    "mae",
    "rmse",
    "parameters",
    "flops",
    "latency",
    "seconds",
    "crossentropy",
)

Objective = str | Callable[[Outcome], float] | Constraint


#: What every outcome has besides its scores.
OF_EVERY_OUTCOME = ("parameters", "flops", "seconds")


def _written(objective: Any) -> Any:
    """A ``keras_tuner.Objective``, which has a name and a direction, as a name with its sign; others as they are."""
    name, direction = getattr(objective, "name", None), getattr(objective, "direction", None)
    if not isinstance(name, str) or direction not in ("min", "max"):
        return objective
    return f"-{name}" if direction == "min" else name


class Objectives:
    """An ordered set of objectives; calling it on an outcome gives its fitness.

    Args:
        objectives: one objective or several. A string names a score of the
            outcome (``"val_accuracy"``, ``"val_loss"``, any logged metric) or
            one of ``parameters``, ``flops``, ``latency``, ``seconds``; a
            leading ``-`` minimises it. A callable takes the outcome and
            returns a float to maximise. A ``keras_tuner.Objective`` is taken too.
            Among them constraints: ``"latency <= 0.005"``, ``"val_accuracy >= 0.9"``, or a
            :class:`Constraint`. Trials that keep them all come first, the others by how
            little they break them (Deb et al. 2002).

    Attributes:
        objectives: what is maximised.
        constraints: what has to be kept.

    Raises:
        SettingsError: no objective, a name given twice, a quantity of
            which more is worse (a loss, an error, a cost) without its minus,
            a constraint that cannot be read, or two that contradict each other.
    """

    def __init__(self, objectives: Objective | Sequence[Objective]) -> None:
        single = isinstance(objectives, (str, Constraint)) or callable(objectives) or hasattr(objectives, "direction")
        if not single and not isinstance(objectives, Iterable):
            raise SettingsError(f"objectives: expected a metric's name, a callable or several, got {objectives!r}")
        every = [_written(o) for o in ((objectives,) if single else objectives)]  # type: ignore[union-attr]
        bounds = [read_constraint(o) for o in every]
        self.constraints: tuple[Constraint, ...] = tuple(bound for bound in bounds if bound is not None)
        check_together(self.constraints)
        given = tuple(o for o, bound in zip(every, bounds, strict=True) if bound is None)
        if not given and self.constraints:
            raise SettingsError(
                f"objectives: '{self.constraints[0]}' is a constraint; name also what is to be best, as 'val_accuracy'"
            )
        if not given:
            raise SettingsError("objectives: at least one objective is needed, got none")
        for objective in given:
            if isinstance(objective, str):
                name = objective.lstrip("-")
                if not name:
                    raise SettingsError(f"objectives: {objective!r} names no metric")
                if not objective.startswith("-") and name.split("_")[-1] in _TO_MINIMISE:
                    raise SettingsError(
                        f"objectives: {objective!r} would be maximised; write '-{objective}' to minimise it"
                    )
            elif not callable(objective):
                raise SettingsError(f"objectives: expected a metric's name or a callable, got {objective!r}")
        self.objectives: tuple[str | Callable[[Outcome], float], ...] = given
        if len(set(self.names)) != len(given):
            raise SettingsError(f"objectives: each may be given once, got {self.names}")

    @property
    def names(self) -> tuple[str, ...]:
        """One readable name per objective, with its sign; constraints are not among them."""
        return tuple(o if isinstance(o, str) else getattr(o, "__qualname__", repr(o)) for o in self.objectives)

    @property
    def written(self) -> tuple[str, ...]:
        """:attr:`names`, and the constraints as they are written; stored with the campaign."""
        return (*self.names, *map(str, self.constraints))

    def check_names(self, logged: Iterable[str]) -> None:
        """Refuse objectives that no trial gives.

        Args:
            logged: names of what trials log: ``val_accuracy``, ``latency``, ...

        Raises:
            SettingsError: a name that is not among them; the message has the nearest one, and all that there are.
        """
        known = [*dict.fromkeys([*logged, *OF_EVERY_OUTCOME])]
        for objective in (*self.objectives, *(constraint.measure for constraint in self.constraints)):
            name = objective.lstrip("-") if isinstance(objective, str) else known[0]
            if name not in known:
                sign = "-" if str(objective).startswith("-") else ""
                near = difflib.get_close_matches(name, known, 1)
                hint = f" Did you mean '{sign}{near[0]}'?" if near else ""
                raise SettingsError(f"objectives: no trial gives {objective!r}.{hint} There are {', '.join(known)}")

    def check_outcome(self, outcome: Outcome) -> None:
        """Refuse objectives that a completed outcome does not have, or that fail on it.

        Raises:
            SettingsError: see above.
        """
        self.check_names(outcome.scores)
        asked = [*zip(self.objectives, self.names, strict=True), *((c.measure, c.name) for c in self.constraints)]
        for objective, name in asked:
            if callable(objective):
                try:
                    float(objective(outcome))
                except Exception as error:
                    raise SettingsError(
                        f"objectives: {name} failed with {type(error).__name__}: {error}; the outcome's scores are "
                        f"{', '.join(outcome.scores)}"
                    ) from error

    def settled(self, outcome: Outcome) -> Outcome:
        """The outcome; one that completed with a score that is asked for and is not finite has diverged."""
        if not outcome.completed:
            return outcome
        for objective in (*self.objectives, *(constraint.measure for constraint in self.constraints)):
            name = objective.lstrip("-") if isinstance(objective, str) else ""
            value = outcome.scores.get(name, 0.0)
            if not math.isfinite(value):
                message = "; ".join(text for text in (outcome.message, f"{name} is {value}") if text)
                return dataclasses.replace(outcome, status=Status.DIVERGED, message=message)
        return outcome

    def __len__(self) -> int:
        return len(self.objectives)

    def __repr__(self) -> str:
        return f"Objectives({', '.join(map(repr, self.written))})"

    def __call__(self, outcome: Outcome | None) -> tuple[float, ...]:
        """The fitness: one value per objective, all to be maximised.

        Whatever is missing or not finite, and every outcome that did not
        complete, becomes ``-inf``: DEAP's comparison would let NaN win.
        """
        if outcome is None or not outcome.completed:
            return (-math.inf,) * len(self.objectives)
        return tuple(self._value(objective, outcome) for objective in self.objectives)

    def violation(self, outcome: Outcome) -> float:
        """How far a completed outcome is beyond the constraints, in units of each bound, summed; 0 if it keeps them."""
        return sum(constraint.violation(outcome) for constraint in self.constraints)

    def merit(self, outcome: Outcome | None) -> tuple[float, ...]:
        """What trials are ranked by: the fitness, or where a constraint is broken lower values than any fitness.

        Comparing merits is constrained domination (Deb et al. 2002). Without constraints it is the fitness.
        """
        fitness = self(outcome)
        if outcome is None or not self.constraints or not all(map(math.isfinite, fitness)):
            return fitness
        violation = self.violation(outcome)
        return (below_all(violation),) * len(fitness) if violation > 0 else fitness

    @staticmethod
    def _value(objective: str | Callable[[Outcome], float], outcome: Outcome) -> float:
        if callable(objective):
            value, sign = float(objective(outcome)), 1.0
        else:
            name = objective.lstrip("-")
            sign = -1.0 if objective.startswith("-") else 1.0
            found = outcome.value(name)
            value = math.nan if found is None else found
        return sign * value if math.isfinite(value) else -math.inf

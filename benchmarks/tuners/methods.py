"""The methods that can be compared, by name; what each needs, and what runs it.

A name is ``TUNER@SPACE``. Spaces: ``same`` is the one ``build(hp)`` that all
share; ``own`` is a tuner's own best (for evo its premade space, for KerasTuner
a generous ``build(hp)``); ``resnet`` and ``xception`` are KerasTuner's.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from benchmarks.tasks import Task

KERAS_TUNERS = ("random", "bayesian", "hyperband")


@dataclass(frozen=True)
class Method:
    """A method.

    Attributes:
        name: ``TUNER@SPACE``.
        side: ``evo``, ``keras_tuner``, ``optuna``, ``autokeras`` or ``boosting``.
        tuner: which algorithm of that side.
        space: ``same``, ``own``, ``resnet`` or ``xception``.
        needs: package that must be importable here; empty if none.
    """

    name: str
    side: str
    tuner: str
    space: str
    needs: str = ""

    def applies(self, task: Task) -> bool:
        """Whether the method can work on this task at all."""
        if self.space in ("resnet", "xception"):
            return task.kind == "image" and task.target != "regression"
        if self.side == "boosting":
            return task.kind == "tabular"
        if self.side == "autokeras":
            return task.kind in ("image", "tabular", "text")
        return True

    @property
    def available(self) -> bool:
        """Whether the package that it needs is installed."""
        return not self.needs or importlib.util.find_spec(self.needs) is not None


def _methods() -> dict[str, Method]:
    found = [
        Method("evo@own", "evo", "default", "own"),
        Method("evo-random@own", "evo", "random", "own"),
        Method("evo-inherit@own", "evo", "inherit", "own"),
        Method("evo@same", "evo", "default", "same", "keras_tuner"),
        Method("evo-tuner@same", "keras_tuner", "evolution", "same", "keras_tuner"),
    ]
    for tuner in KERAS_TUNERS:
        for space in ("same", "own", "resnet", "xception"):
            found.append(Method(f"kt-{tuner}@{space}", "keras_tuner", tuner, space, "keras_tuner"))
    found.append(Method("optuna@same", "optuna", "tpe", "same", "optuna"))
    found.append(Method("autokeras", "autokeras", "greedy", "own"))
    found.append(Method("boosting", "boosting", "default", "own"))
    return {method.name: method for method in found}


METHODS = _methods()

#: Names that stand for several methods.
GROUPS: dict[str, tuple[str, ...]] = {
    "same": ("evo@same", "kt-random@same", "kt-bayesian@same", "kt-hyperband@same"),
    "product": ("evo@own", "evo-random@own", "kt-random@own", "kt-bayesian@own", "kt-hyperband@own"),
    "applications": ("kt-hyperband@resnet", "kt-hyperband@xception"),
}


def expand(names: list[str]) -> list[Method]:
    """Methods by name, groups unfolded, each once, in the order given.

    Raises:
        ValueError: an unknown name.
    """
    found: dict[str, Method] = {}
    for name in names:
        for member in GROUPS.get(name, (name,)):
            if member not in METHODS:
                known = ", ".join([*GROUPS, *METHODS])
                raise ValueError(f"--methods: expected names among {known}; got {member!r}")
            found[member] = METHODS[member]
    return list(found.values())

"""Every method that can be compared, by the name that results carry."""

from __future__ import annotations

import functools
from collections.abc import Callable

from benchmarks.search import packages
from benchmarks.search.evaluator import Evaluator
from benchmarks.search.own import ABLATIONS, ALGORITHMS, run_own

#: ``(evaluator, seed)``; it continues until the evaluator raises BudgetSpent.
Method = Callable[[Evaluator, int], None]

#: Seconds per proposal: compared on few trials and seeds only.
SLOW = {"keras-tuner bayesian": (50.0, 3)}

METHODS: dict[str, Method] = {
    **{
        name: functools.partial(lambda settings, evaluator, seed: run_own(settings, evaluator, seed), settings)
        for name, settings in {**ALGORITHMS, **ABLATIONS}.items()
    },
    "local search": packages.local_search,
    "optuna tpe": packages.optuna_tpe,
    "optuna tpe hyperband": packages.optuna_tpe_hyperband,
    "dehb": packages.dehb,
    "keras-tuner random": packages.keras_tuner_random,
    "keras-tuner hyperband": packages.keras_tuner_hyperband,
    "keras-tuner bayesian": packages.keras_tuner_bayesian,
}

#: Names that stand for several methods.
GROUPS: dict[str, tuple[str, ...]] = {
    "all": tuple(name for name in METHODS if name not in SLOW and not (name in ABLATIONS and name not in ALGORITHMS)),
    "own": tuple(ALGORITHMS),
    "ablation": tuple(ABLATIONS),
    "keras-tuner": ("keras-tuner random", "keras-tuner hyperband", "keras-tuner bayesian"),
}


def resolve(names: list[str]) -> list[str]:
    """Names of methods from names of methods and groups, in order, each once.

    Raises:
        ValueError: an unknown name.
    """
    found: dict[str, None] = {}
    for name in names:
        if name in GROUPS:
            found.update(dict.fromkeys(GROUPS[name]))
        elif name in METHODS:
            found[name] = None
        else:
            raise ValueError(f"methods: expected some of {', '.join((*GROUPS, *METHODS))}, got {name!r}")
    return list(found)

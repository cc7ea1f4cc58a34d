"""Every method that can be compared, by the name that results carry."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable
from importlib import metadata

from benchmarks.search import packages, smac_methods
from benchmarks.search.evaluator import Evaluator
from benchmarks.search.own import ABLATIONS, ALGORITHMS, run_own

#: ``(evaluator, seed)``; it continues until the evaluator raises BudgetSpent.
Method = Callable[[Evaluator, int], None]

#: Seconds per proposal: compared on few trials and seeds only.
SLOW = {"keras-tuner bayesian": (50.0, 3)}

#: Methods of packages that the extra `benchmarks` does not install (SMAC; GPSampler needs torch): asked for by name.
EXTRA = ("optuna gp", "smac", "smac hyperband")

METHODS: dict[str, Method] = {
    **{
        name: functools.partial(lambda settings, evaluator, seed: run_own(settings, evaluator, seed), settings)
        for name, settings in {**ALGORITHMS, **ABLATIONS}.items()
    },
    "local search": packages.local_search,
    "optuna tpe": packages.optuna_tpe,
    "optuna tpe hyperband": packages.optuna_tpe_hyperband,
    "optuna tpe multivariate": packages.optuna_tpe_multivariate,
    "optuna gp": packages.optuna_gp,
    "smac": smac_methods.smac,
    "smac hyperband": smac_methods.smac_hyperband,
    "dehb": packages.dehb,
    "keras-tuner random": packages.keras_tuner_random,
    "keras-tuner hyperband": packages.keras_tuner_hyperband,
    "keras-tuner bayesian": packages.keras_tuner_bayesian,
}

#: Names that stand for several methods.
GROUPS: dict[str, tuple[str, ...]] = {
    "all": tuple(
        name
        for name in METHODS
        if name not in SLOW and name not in EXTRA and not (name in ABLATIONS and name not in ALGORITHMS)
    ),
    "rivals": ("optuna tpe multivariate", *EXTRA),
    "own": tuple(ALGORITHMS),
    "ablation": tuple(ABLATIONS),
    "keras-tuner": ("keras-tuner random", "keras-tuner hyperband", "keras-tuner bayesian"),
}


#: What a method's name begins with, and the distribution whose version its results depend on.
_DISTRIBUTIONS = {"optuna": "optuna", "smac": "smac", "dehb": "DEHB", "keras-tuner": "keras-tuner"}


def versions(methods: Iterable[str]) -> dict[str, str]:
    """Versions of the packages that these methods come from, by distribution; those that are installed."""
    found = {}
    for name in methods:
        distribution = next((d for begins, d in _DISTRIBUTIONS.items() if name.startswith(begins)), None)
        if distribution is not None:
            with contextlib.suppress(metadata.PackageNotFoundError):
                found[distribution] = metadata.version(distribution)
    return found


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

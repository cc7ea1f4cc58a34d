"""How to run a campaign again: packages to install, and Python that asks for the same."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evo import algorithms
from evo.campaign.arguments import SEARCH_DEFAULTS, TrialLimits, TrialTraining
from evo.campaign.settings import algorithm_from_json, algorithm_json
from evo.core.budget import Budget
from evo.core.errors import EvoError
from genomes.errors import shown

#: A version as packages have them: 3.15.1, 2.0rc1, 1.0+cpu.
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!]{0,40}")
#: Packages whose version decides what comes out.
_PACKAGES = ("evo-keras", "tensorflow", "keras", "deap", "numpy", "scikit-learn")


def installation(versions: Mapping[str, str]) -> str:
    """A line that installs the versions that a campaign began with."""
    # A directory may be somebody else's: what is typed into a shell has versions that are versions.
    found = {name: str(versions[name]) for name in _PACKAGES if name in versions}
    words = [f"{name}=={version}" for name, version in found.items() if _VERSION.fullmatch(version)]
    return " ".join(["pip install", *map(shlex.quote, words)])


def as_python(directory: Path, settings: Mapping[str, Any], budget: Mapping[str, Any] | None) -> str:
    """Python that makes the same campaign in a directory beside it; ``data`` is what the reader has.

    Args:
        directory: of the campaign; its space is read from there.
        settings: as they are stored.
        budget: of the last session, None if none was noted.
    """
    defaults: dict[str, Any] = dict(SEARCH_DEFAULTS)
    for group in (TrialTraining, TrialLimits):
        defaults |= {field.name: field.default for field in dataclasses.fields(group)}
    given = settings.get("training")
    training: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {}
    training["best_epoch"] = "best_epoch" in training
    stored = {**settings, **training}
    # Names come from here and values are written by repr: Python of somebody else is nowhere in it.
    asked: dict[str, Any] = {name: stored[name] for name in ["seed", "objectives"] if name in stored}
    asked |= {name: stored[name] for name, usual in defaults.items() if name in stored and stored[name] != usual}
    lines = [f"{name}={_python(value)}," for name, value in asked.items()]
    algorithm = settings.get("algorithm")
    lines += _algorithm(algorithm if isinstance(algorithm, Mapping) else {})
    spent = ", ".join(f"{limit}={value!r}" for limit, value in _limits(budget).items())
    again = directory.with_name(f"{directory.name}-again")
    return "\n".join(
        [
            "import evo",
            "",
            f"space = evo.load_result({str(directory)!r}).space",
            "again = evo.Campaign(",
            "    space,",
            "    data,  # the same evo.Data as then",
            f"    {str(again)!r},",
            f"    budget=evo.Budget({spent}),",
            *(f"    {line}" for line in lines),
            ")",
            "again.run()",
        ]
    )


def _python(value: Any) -> str:
    """A JSON value as Python writes it; dots for one that is nested too deep to be a setting."""
    try:
        return repr(value)
    except RecursionError:
        return "..."


def _limits(budget: Any) -> dict[str, Any]:
    """Limits that a session noted, and nothing else that it may have noted under their name."""
    names = [field.name for field in dataclasses.fields(Budget)]
    given = budget if isinstance(budget, Mapping) else {}
    return {name: given[name] for name in names if isinstance(given.get(name), (int, float))}


def _algorithm(stored: Mapping[str, Any]) -> list[str]:
    """The line that gives the algorithm; none for the usual one."""
    name = str(stored.get("algorithm", ""))
    try:
        usual = algorithm_json(type(algorithm_from_json(stored))())
    except (EvoError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RecursionError):
        return [f"algorithm=...,  # {shown(name)}, which is not evo's own"]
    changed = [f"{key}={_python(value)}" for key, value in stored.items() if value != usual.get(key)]
    if not changed and usual == algorithm_json(algorithms.ScreenedEvolution()):
        return []
    return [f"algorithm=evo.algorithms.{name}({', '.join(changed)}),"]

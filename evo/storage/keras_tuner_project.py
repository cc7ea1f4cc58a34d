"""Trials of a KerasTuner project on disk, read as JSON: nothing is imported, built or executed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evo.core.errors import SettingsError

#: Largest trial file that is read, in bytes.
_MAX_BYTES = 20_000_000
#: What a hyperparameter's value may be.
_PLAIN = (bool, int, float, str)


@dataclass(frozen=True)
class ProjectTrial:
    """A trial of another project.

    Attributes:
        values: its hyperparameters by name, without those of KerasTuner's own (``tuner/epochs``).
        status: as it was stored: ``COMPLETED``, ``FAILED``, ...
        score: of the objective that the project had, None if it has none.
        metrics: by name, the best value in the metric's own direction.
    """

    values: Mapping[str, Any]
    status: str
    score: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The trial as a JSON object."""
        return {
            "values": dict(self.values),
            "status": self.status,
            "score": self.score,
            "metrics": dict(self.metrics),
        }

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> ProjectTrial:
        """The trial that :meth:`to_json` wrote."""
        return cls(dict(json["values"]), str(json["status"]), json["score"], dict(json["metrics"]))


def is_project(directory: str | os.PathLike[str]) -> bool:
    """Whether a directory holds a KerasTuner project."""
    return (Path(directory) / "oracle.json").is_file()


def read_project(directory: str | os.PathLike[str]) -> list[ProjectTrial]:
    """The trials of a project in order of their identifiers; files that are damaged are left out.

    Args:
        directory: ``directory/project_name`` of the tuner.

    Raises:
        SettingsError: no project is there.
    """
    folder = Path(directory)
    if not is_project(folder):
        raise SettingsError(f"start_from: {folder} holds no KerasTuner project (no oracle.json in it)")
    found = []
    for path in sorted(folder.glob("trial_*/trial.json")):
        trial = _trial(path)
        if trial is not None:
            found.append(trial)
    return found


def _trial(path: Path) -> ProjectTrial | None:
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        state = json.loads(path.read_text(encoding="utf-8"))
        values = {
            str(name): value
            for name, value in state["hyperparameters"]["values"].items()
            if isinstance(value, _PLAIN) and not str(name).startswith("tuner/")
        }
        metrics = {}
        for name, metric in state["metrics"]["metrics"].items():
            value = _best(metric)
            if value is not None:
                metrics[str(name)] = value
        return ProjectTrial(values, str(state["status"]), _finite(state["score"]), metrics)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _finite(value: Any) -> float | None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if number else None


def _best(metric: Mapping[str, Any]) -> float | None:
    """The best of a metric's observations, each the mean of its executions."""
    means = []
    for observation in metric["observations"]:
        values = [value for value in map(_finite, observation["value"]) if value is not None]
        if values:
            means.append(sum(values) / len(values))
    if not means:
        return None
    return max(means) if metric.get("direction") == "max" else min(means)

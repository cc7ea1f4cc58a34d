"""Objectives by the names of scikit-learn's metrics: computed here, of the validation predictions that trials send."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from evo.core.constraints import Constraint, read_constraint
from evo.core.errors import SettingsError
from evo.core.objectives import OF_EVERY_OUTCOME
from evo.ensemble.scores import Score, check_kind, is_defined, is_scorer, near, score_named, score_of_scorer
from evo.prepared_data import PreparedData
from evo.training.measurements import MEASUREMENTS
from evo.training.task import TrialReport
from genomes.spaces.base import Space
from genomes.targets import Multiclass, Target

#: Names that are no metrics of scikit-learn's.
_OTHER = ("loss", *OF_EVERY_OUTCOME, *MEASUREMENTS)
#: Before the name of a metric that trials log without weights: the same with the weights of the validation rows.
_WEIGHTED = "weighted_"


class Scoring:
    """Scores that objectives ask for and trials do not log.

    Args:
        space: says what is predicted.
        data: its validation rows are judged by.
        scores: by the names under which outcomes have them: ``val_auc``.
    """

    def __init__(self, space: Space, data: PreparedData, scores: Mapping[str, Score]) -> None:
        self._space, self._data, self.scores = space, data, scores

    def __call__(self, report: TrialReport) -> TrialReport:
        """The report with the scores that it lacks; means over the folds of a cross-validated trial.

        Where a score is not defined, the outcome says why, and the objective's value is the worst.
        """
        missing = [name for name in self.scores if name not in report.outcome.scores]
        if not missing or not report.outcome.completed or report.predictions is None:
            return report
        scores, notes = dict(report.outcome.scores), [report.outcome.message]
        for name in missing:
            values, why = self._values(self.scores[name], report.predictions)
            if values:
                scores[name] = float(np.mean(values))
            if len(values) > 1:
                scores[f"{name}_std"] = float(np.std(values))
            if why:
                notes.append(f"{name}: not defined: {why}")
        message = "; ".join(note for note in notes if note)
        return dataclasses.replace(report, outcome=dataclasses.replace(report.outcome, scores=scores, message=message))

    def _values(self, score: Score, predictions: np.ndarray) -> tuple[list[float], str]:
        """The score on the validation rows of each fold that defines it; and why one does not."""
        told = self._space.probabilities(predictions)
        target = self._target(told.shape[1])
        if target is None:
            return [], "it is not known what is predicted"
        values, why = [], ""
        for rows in self._parts(len(told)):
            try:
                values.append(self._value(score, target, told, rows))
            except Exception as error:  # a scorer may be of the user's own
                why = " ".join(str(error).split())
        return values, why

    def _value(self, score: Score, target: Target, told: np.ndarray, rows: slice) -> float:
        y = np.asarray(self._data.get("y_validation"))[rows]
        if y.ndim == 2 and y.shape[1] == target.outputs and isinstance(target, Multiclass):
            y = y.argmax(axis=1)
        weight = self._data.get("weight_validation")
        truth = target.unlabelled.as_targets(y, told.shape[1])
        return score(target, told[rows], truth, None if weight is None else np.asarray(weight)[rows])

    def _target(self, outputs: int) -> Target | None:
        return self._space.target if self._space.target is not None else self._space.pooled_target(outputs)

    def _parts(self, rows: int) -> Iterator[slice]:
        """Validation rows of each fold; all where there are none."""
        if not self._data.folds:
            yield slice(0, rows)
            return
        first = 0
        for number in range(self._data.folds):
            last = first + len(self._data.arrays[f"fold/{number}/validation"])
            yield slice(first, last)
            first = last

    def computable(self, logged: Collection[str]) -> list[str]:
        """Names of the scores that trials do not log, without those that what a model predicts is known not to have.

        Args:
            logged: what trials log.
        """
        missing = {name: score for name, score in self.scores.items() if name not in logged}
        if not missing:
            return []
        # How many outputs there are is not known; of what kind they are does not depend on more.
        targets = [self._target(outputs) for outputs in (1, 2, 3)]
        known = [target for target in targets if target is not None]
        return [n for n, score in missing.items() if not known or any(is_defined(score, t) for t in known)]

    def check(self) -> None:
        """See whether the scores are defined on the validation rows, before anything is trained.

        Raises:
            SettingsError: one is not, whatever is predicted; says why.
        """
        target = self._space.target
        if not self.scores or target is None or self._space.compiles_models:
            return
        truth = target.unlabelled.as_targets(np.asarray(self._data.get("y_validation")))
        # Predictions that may occur: what is true of another row, and not too sure of it.
        outputs = np.roll(target.unlabelled.as_outputs(truth, target.width), 1, axis=0).astype(np.float32)
        if target.gives_probabilities:
            outputs = 0.5 * outputs + 0.5 / max(2, target.width)
        for name, score in self.scores.items():
            values, why = self._values(score, outputs)
            if not values:
                raise SettingsError(f"objectives: {name!r} is not defined on the validation rows: {why}")


def resolved(
    objectives: Any, target: Target | None, metrics: Sequence[str] | None, weighed: bool
) -> tuple[Any, dict[str, Score]]:
    """Objectives in the form of :class:`evo.core.objectives.Objectives`, and the scores that are to be computed.

    ``"auc"`` becomes ``val_auc``, ``"rmse"`` ``-val_rmse``, a scorer its name: which way is better is known. In a
    constraint the name alone is replaced: ``"rmse <= 3"`` becomes ``val_rmse <= 3``.

    Args:
        objectives: as a user gives them.
        target: what is predicted; None if not known.
        metrics: names that trials log of the training rows; None if not known.
        weighed: whether validation rows have weights.

    Raises:
        SettingsError: no such metric, one of no use for the target, or the wrong way round.
    """
    single = isinstance(objectives, (str, Constraint)) or callable(objectives) or hasattr(objectives, "direction")
    if not single and not isinstance(objectives, Iterable):
        return objectives, {}
    asked = _Asked(target, None if metrics is None else ("loss", *metrics), weighed)
    found = [asked.told(o) for o in ((objectives,) if single else objectives)]
    return (found[0] if single else found), asked.scores


class _Asked:
    """Makes objectives of what a user asks for, one after the other, and gathers the scores that they need."""

    def __init__(self, target: Target | None, logged: Sequence[str] | None, weighed: bool) -> None:
        self._target, self._logged, self._weighed = target, logged, weighed
        self.scores: dict[str, Score] = {}

    def told(self, given: Any) -> Any:
        """An objective or a constraint."""
        constraint = read_constraint(given)
        if constraint is None:
            return self.objective(given)
        if not isinstance(constraint.measure, str):
            return constraint
        # Which way is better does not matter here: of a quantity of which less is better the sign is taken off again.
        score = score_named(constraint.measure.removeprefix("val_").removeprefix(_WEIGHTED))
        sign = "-" if score is not None and not score.greater else ""
        name = self.objective(f"{sign}{constraint.measure}").lstrip("-")
        return dataclasses.replace(constraint, measure=name)

    def objective(self, objective: Any) -> Any:
        if is_scorer(objective):
            own = score_of_scorer(objective)
            self.scores[f"val_{own.name}"] = own
            return own.objective
        name = objective.lstrip("-") if isinstance(objective, str) else ""
        plain = name.removeprefix("val_")
        if not name or plain in _OTHER or (name != plain and plain in (self._logged or ())):
            return objective
        score = score_named(plain.removeprefix(_WEIGHTED))
        if score is None:
            if "(" in name:
                raise SettingsError(f"objectives: {name!r} is a scorer; give it again as objectives=...")
            if name != plain or self._logged is None or plain in self._logged:
                return objective
            raise SettingsError(f"objectives: there is no metric {name!r}.{near(name)} docs/campaigns.md lists them")
        if name != plain and self._logged is None:
            self.scores[name] = score  # unless the model logs one of this name
            return objective
        if self._target is not None:
            if name != plain and not is_defined(score, self._target):
                return objective  # a name of what trials log, of which none has it
            check_kind(score, self._target, "objectives")
        if objective.startswith("-") and score.greater:
            raise SettingsError(f"objectives: of {name!r} more is better; leave the minus out")
        if name == plain:
            return self._named(score)
        if objective == name and not score.greater:
            raise SettingsError(f"objectives: {name!r} would be maximised; write '-{name}' to minimise it")
        self.scores[name] = score
        return objective

    def _named(self, score: Score) -> str:
        """The objective of a metric's plain name."""
        logs = score.name in (self._logged or ())
        # What trials log themselves, they log without weights.
        name = f"val_{_WEIGHTED}{score.name}" if logs and self._weighed else f"val_{score.name}"
        if not logs or self._weighed:
            self.scores[name] = score
        return name if score.greater else f"-{name}"

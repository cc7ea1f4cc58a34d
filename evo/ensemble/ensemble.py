"""The ensemble: several trained models that predict as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as dataclass_replace
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.candidates import Candidate, warn
from evo.ensemble.diversity import diversity
from evo.ensemble.metrics import as_predictions, as_targets, check_task, evaluate
from evo.ensemble.pooling import check_pooling
from evo.ensemble.selection.problem import combine
from evo.ensemble.selection.selection import Selection, build
from evo.ensemble.stacking import Stacker


@dataclass(eq=False)
class Member:
    """A model of an ensemble.

    Attributes:
        source: the trained model, or a callable that loads it.
        number: number of its trial; the position where there is none.
        weight: its share, 0 to 1.
        genome: its :class:`genomes.Genome`, or None.
        scores: validation scores of its trial.
        kind: ``net`` or ``trees``.
        parameters: number of weights of the model, or None if not known.
    """

    source: Any
    number: int
    weight: float = 0.0
    genome: Any = None
    scores: Mapping[str, float] = field(default_factory=dict)
    kind: str = "net"
    parameters: int | None = None

    def model(self) -> Any:
        """The trained model; loaded at the first call.

        Raises:
            EnsembleError: it cannot be loaded.
        """
        if not hasattr(self.source, "predict"):
            try:
                model = self.source()
            except Exception as error:
                raise EnsembleError(
                    f"member {self.number}: its model cannot be loaded: {type(error).__name__}: {error}"
                ) from error
            if not hasattr(model, "predict"):
                raise EnsembleError(f"member {self.number}: loading gave {type(model).__name__}, not a model")
            self.source = model
        return self.source

    def predict(self, x: Any, task: str, batch_size: int = 256) -> np.ndarray:
        """Predictions, float32 (rows, outputs); probabilities for classifiers."""
        model = self.model()
        if self.kind == "trees":
            outputs = model.predict(x)
        else:
            from evo.ensemble.keras_model import keras_input, without_retracing_warnings

            with without_retracing_warnings():
                outputs = model.predict(keras_input(x), batch_size=batch_size, verbose=0)
        return as_predictions(outputs, task, f"member {self.number}")


class Ensemble:
    """Several trained models that predict as one.

    Args:
        members: trained ``keras.Model`` objects, callables that load them, or :class:`Member` objects.
        weights: one non-negative number per member, scaled to sum 1; equal weights for None.
        task: ``binary``, ``multiclass``, ``multilabel`` or ``regression``.
        pooling: ``arithmetic`` (default) or ``geometric`` mean of probabilities; ``arithmetic`` or
            ``median`` for regression; ``stacked`` with a ``stacker``.
        temperature: applied to the pooled probabilities; 1 for none.
        stacker: the linear model of stacking.
        space: the :class:`genomes.Space` of the members, whose ``prepare`` brings raw input (a DataFrame, say) into
            the form that models take; None where input is in that form.
        report: how it was chosen; kept with it.

    Raises:
        EnsembleError: no members, or weights, pooling or task that do not fit.
    """

    def __init__(
        self,
        members: Sequence[Any],
        weights: Sequence[float] | np.ndarray | None = None,
        *,
        task: str,
        pooling: str | None = None,
        temperature: float = 1.0,
        stacker: Stacker | None = None,
        space: Any = None,
        report: Mapping[str, Any] | None = None,
    ) -> None:
        self.space = space
        self.task: str = check_task(task)
        self.pooling = "stacked" if stacker is not None else check_pooling(task, pooling)
        if len(members) == 0:
            raise EnsembleError("members: an ensemble needs at least one, got none")
        given = np.full(len(members), 1.0) if weights is None else np.asarray(weights, dtype=np.float64)
        if given.shape != (len(members),) or not np.all(np.isfinite(given)) or given.min() < 0 or given.sum() <= 0:
            raise EnsembleError(
                f"weights: expected {len(members)} non-negative numbers with a positive sum, got {weights!r}"
            )
        if not (np.isfinite(temperature) and temperature > 0):
            raise EnsembleError(f"temperature: expected a positive number, got {temperature!r}")
        if temperature != 1 and (task == "regression" or stacker is not None):
            raise EnsembleError("temperature: only pooled probabilities have one")
        shares = given if abs(given.sum() - 1) < 1e-12 else given / given.sum()
        self.members: list[Member] = []
        for position, (member, share) in enumerate(zip(members, shares, strict=True)):
            if not isinstance(member, Member):
                if not callable(member) and not hasattr(member, "predict"):
                    raise EnsembleError(f"members[{position}]: expected a model, got {type(member).__name__}")
                member = Member(member, position)
            member.weight = float(share)
            self.members.append(member)
        self.temperature = float(temperature)
        self.stacker = stacker
        self.report: dict[str, Any] = dict(report or {})
        #: Diversity on the validation data on which the ensemble was chosen, or None.
        self.validation_diversity: dict[str, Any] | None = None

    # -- forming -------------------------------------------------------------------
    @classmethod
    def select(
        cls,
        candidates: Sequence[Candidate],
        y_validation: np.ndarray,
        task: str,
        size: int = 8,
        *,
        space: Any = None,
        **options: Any,
    ) -> Ensemble:
        """Choose by :func:`evo.ensemble.build`, and load the members.

        A member that cannot be loaded is left out with a warning, and the choice made anew.

        Args:
            candidates: models with their predictions on the validation rows.
            y_validation: targets of those rows.
            task: the kind of task.
            size: members asked for, at most.
            space: see :class:`Ensemble`.
            **options: further arguments of :func:`evo.ensemble.build` (``method``, ``rng``, ...).

        Raises:
            EnsembleError: as :func:`evo.ensemble.build`, or no candidate can be loaded.
        """
        candidates = list(candidates)
        notes: list[str] = []
        while True:
            selection = build(candidates, y_validation, task, size, **options)
            ensemble = cls.from_selection(selection, y_validation, space)
            failed: dict[int, EnsembleError] = {}
            for member in ensemble.members:
                try:
                    member.model()
                except EnsembleError as error:
                    failed[member.number] = error
            if not failed:
                ensemble.report["notes"] = [*ensemble.report.get("notes", ()), *notes]
                return ensemble
            for cause in failed.values():
                warn(f"{cause}; the ensemble is formed without it", notes)
            candidates = [dataclass_replace(c, available=False) if c.number in failed else c for c in candidates]

    @classmethod
    def from_selection(
        cls, selection: Selection, y_validation: np.ndarray | None = None, space: Any = None
    ) -> Ensemble:
        """The ensemble that a selection describes; its members are loaded when first needed.

        Args:
            selection: of :func:`evo.ensemble.build`.
            y_validation: the targets it was chosen on; with them :meth:`diversity` knows the members'
                diversity on the validation data.
            space: see :class:`Ensemble`.

        Raises:
            EnsembleError: a member has no ``load``.
        """
        members = []
        for candidate in selection.candidates:
            if candidate.load is None:
                raise EnsembleError(f"candidate {candidate.number}: it has no `load`, so that it cannot be a member")
            members.append(
                Member(
                    candidate.load,
                    candidate.number,
                    0.0,
                    candidate.genome,
                    dict(candidate.scores),
                    candidate.kind,
                    candidate.parameters,
                )
            )
        ensemble = cls(
            members,
            selection.weights,
            task=selection.task,
            pooling=None if selection.stacker is not None else selection.pooling,
            temperature=selection.temperature,
            stacker=selection.stacker,
            space=space,
            report=selection.report(),
        )
        if y_validation is not None:
            predictions = [c.predictions for c in selection.candidates]
            ensemble.validation_diversity = ensemble._measure(predictions, y_validation)
        return ensemble

    # -- predicting ----------------------------------------------------------------
    @property
    def weights(self) -> np.ndarray:
        """Weights of the members, float64 (members,), sum 1."""
        return np.array([member.weight for member in self.members])

    @property
    def parameters(self) -> int | None:
        """Parameters of all members together; None if one is not known."""
        known = [member.parameters for member in self.members]
        return None if any(value is None for value in known) else sum(known)  # type: ignore[arg-type]

    def outputs(self, x: Any, batch_size: int = 256) -> np.ndarray:
        """Pooled outputs, float32 (rows, outputs): probabilities for classifiers, numbers for regression.

        Args:
            x: raw input as the members take it: an array, or a list or mapping of arrays for several inputs.
            batch_size: rows per batch of a net.

        Raises:
            EnsembleError: a member cannot be loaded, or members have different classes.
        """
        return self._combine(self._member_outputs(x, batch_size))

    def predict(self, x: Any, batch_size: int = 256) -> np.ndarray:
        """Predictions.

        Returns:
            ``binary``, ``multiclass``: class labels, int64 (rows,). ``multilabel``: 0 or 1 per label, int64
            (rows, labels). ``regression``: float32 (rows,), or (rows, outputs) for several.
        """
        outputs = self.outputs(x, batch_size)
        if self.task == "multiclass":
            return outputs.argmax(axis=1)
        if self.task == "binary":
            return (outputs[:, 0] > 0.5).astype(np.int64)
        if self.task == "multilabel":
            return (outputs > 0.5).astype(np.int64)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def predict_proba(self, x: Any, batch_size: int = 256) -> np.ndarray:
        """Probabilities of a classifier, float32.

        Returns:
            (rows, classes) for multiclass; (rows, 2) for binary, of class 0 and class 1;
            (rows, labels) for multilabel, of each label.

        Raises:
            EnsembleError: the task is a regression.
        """
        if self.task == "regression":
            raise EnsembleError("predict_proba: a regression has no probabilities; use predict")
        outputs = self.outputs(x, batch_size)
        return np.concatenate([1 - outputs, outputs], axis=1) if self.task == "binary" else outputs

    def evaluate(
        self, x: Any, y: np.ndarray, sample_weight: np.ndarray | None = None, batch_size: int = 256
    ) -> dict[str, float]:
        """Metrics on given data; see :func:`evo.ensemble.metrics.evaluate`.

        Raises:
            EnsembleError: labels out of range, or numbers of rows that differ.
        """
        outputs = self.outputs(x, batch_size)
        return evaluate(self.task, outputs, self._targets(y, outputs), sample_weight)

    def diversity(self, x: Any = None, y: np.ndarray | None = None) -> dict[str, Any]:
        """How the members differ; see :func:`evo.ensemble.diversity.diversity`.

        Args:
            x: data to measure on; None for the validation data on which the ensemble was chosen.
            y: its targets.

        Raises:
            EnsembleError: no data given, and the ensemble was not chosen on validation data.
        """
        if (x is None) != (y is None):
            raise EnsembleError("diversity: give both x and y, or neither")
        if x is not None and y is not None:
            return self._measure(self._member_outputs(x), y)
        if self.validation_diversity is None:
            raise EnsembleError("diversity: this ensemble knows no validation predictions; give x and y")
        return self.validation_diversity

    def _member_outputs(self, x: Any, batch_size: int = 256) -> list[np.ndarray]:
        if self.space is not None:
            x = self.space.prepare(x)
        outputs = [member.predict(x, self.task, batch_size) for member in self.members]
        for member, one in zip(self.members, outputs, strict=True):
            if one.shape != outputs[0].shape:
                raise EnsembleError(
                    f"members {self.members[0].number} and {member.number} give outputs of shape "
                    f"{outputs[0].shape} and {one.shape}: they were trained for other classes"
                )
        return outputs

    def _combine(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        return combine(outputs, self.weights, self.pooling, self.task, self.temperature, self.stacker)

    def _targets(self, y: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        targets = as_targets(y, self.task, outputs.shape[1])
        if len(targets) != len(outputs):
            raise EnsembleError(f"y: {len(targets)} rows, but x has {len(outputs)}")
        return targets

    def _measure(self, outputs: Sequence[np.ndarray], y: np.ndarray) -> dict[str, Any]:
        pooled = self._combine(outputs)
        measured = diversity(
            outputs, self._targets(y, pooled), self.task, self.weights, pooled, [m.genome for m in self.members]
        )
        return {"members": [member.number for member in self.members], **measured}

    # -- shipping ------------------------------------------------------------------
    def as_keras(self, name: str = "ensemble") -> Any:
        """One ordinary ``keras.Model`` from raw input to pooled output, uncompiled.

        Equal to the pooled outputs of the members up to float32 rounding. Made of copies of the members and
        standard Keras operations: it can be saved as ``.keras``, exported, served and trained further.

        Args:
            name: the model's name.

        Raises:
            EnsembleError: a member is no Keras model (trees), or members take different inputs.
        """
        from evo.ensemble.keras_model import pooled_model

        trees = [member.number for member in self.members if member.kind != "net"]
        if trees:
            raise EnsembleError(
                f"as_keras: members {trees} are trees, not nets; form the ensemble without tree candidates, or use save"
            )
        models = [member.model() for member in self.members]
        return pooled_model(models, self.weights, self.pooling, self.task, self.temperature, self.stacker, name)

    def distill(self, x: Any, y: np.ndarray | None = None, **options: Any) -> Any:
        """One small ``keras.Model`` that predicts as the ensemble does; see :func:`evo.ensemble.distillation.distill`.

        Args:
            x: raw training input.
            y: its labels, or None to learn from the ensemble alone.
            **options: ``model``, ``share``, ``epochs``, ``batch_size``, ``learning_rate``, ``seed``, ``verbose``.

        Raises:
            EnsembleError: no member is a net, or a wrong argument.
        """
        from evo.ensemble.distillation import distill

        return distill(self, x, y, **options)

    def save(self, path: str | Path) -> None:
        """Write everything into one file; see :mod:`evo.ensemble.archive` for its form.

        Raises:
            EnsembleError: it cannot be written.
        """
        from evo.ensemble.archive import write

        write(self, Path(path))

    @classmethod
    def load(cls, path: str | Path, custom_objects: Mapping[str, Callable[..., Any]] | None = None) -> Ensemble:
        """Read what :meth:`save` wrote; runs no code from the file.

        Args:
            path: the file.
            custom_objects: classes of the user's own layers by name, where they are not registered with Keras.

        Raises:
            EnsembleError: no such file, a damaged one, or one of a newer format.
        """
        from evo.ensemble.archive import read

        return read(Path(path), custom_objects)

    # -- showing -------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        members = ", ".join(f"{m.number}: {m.weight:.2f}" for m in self.members)
        return f"Ensemble({self.task}, {self.pooling}, {{{members}}})"

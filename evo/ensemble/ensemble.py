"""The ensemble: several trained models that predict as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.checks import local_path
from evo.core.errors import EnsembleError
from evo.core.given_arrays import as_given_array
from evo.core.given_datasets import gathered, is_dataset
from evo.ensemble.archive import ArchivedEnsemble, read, write
from evo.ensemble.arguments import as_target, as_targets, check_pooling, check_rows
from evo.ensemble.distillation import Distillation, best_net
from evo.ensemble.diversity import diversity
from evo.ensemble.export import export
from evo.ensemble.keras_input import keras_input
from evo.ensemble.keras_model import as_nets, copy_model, pooled_model
from evo.ensemble.library import LibraryModel, warn
from evo.ensemble.member import Member, members_table
from evo.ensemble.metrics import evaluate
from evo.ensemble.pooling import pool
from evo.ensemble.scores import score_of
from evo.ensemble.selection import Selection, build
from evo.ensemble.stacking import Stacker
from genomes.spaces.hypermodel.user_state import state_put_back
from genomes.targets import Target


class Ensemble:
    """Several trained models that predict as one.

    Args:
        members: trained ``keras.Model`` objects, callables that load them, or :class:`Member` objects.
        weights: one non-negative number per member, scaled to sum 1; equal weights for None.
        task: what is predicted: a :class:`genomes.targets.Target`, or the name of its task (``binary``, ``multiclass``,
            ``multilabel``, ``regression``).
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
        task: Target | str,
        pooling: str | None = None,
        temperature: float = 1.0,
        stacker: Stacker | None = None,
        space: Any = None,
        report: Mapping[str, Any] | None = None,
    ) -> None:
        self.space = space
        self.target = as_target(task)
        self.pooling = "stacked" if stacker is not None else check_pooling(self.target, pooling)
        if len(members) == 0:
            raise EnsembleError("members: an ensemble needs at least one, got none")
        given = np.full(len(members), 1.0) if weights is None else np.asarray(weights, dtype=np.float64)
        if given.shape != (len(members),) or not np.all(np.isfinite(given)) or given.min() < 0 or given.sum() <= 0:
            raise EnsembleError(
                f"weights: expected {len(members)} non-negative numbers with a positive sum, got {weights!r}"
            )
        if not (np.isfinite(temperature) and temperature > 0):
            raise EnsembleError(f"temperature: expected a positive number, got {temperature!r}")
        if temperature != 1 and (stacker is not None or not self.target.gives_probabilities):
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
        candidates: Sequence[LibraryModel],
        y_validation: np.ndarray,
        task: Target | str,
        size: int = 8,
        *,
        space: Any = None,
        load: bool = True,
        **options: Any,
    ) -> Ensemble:
        """Choose by :func:`evo.ensemble.build`, and load the members.

        A member that cannot be loaded is left out with a warning, and the choice made anew.

        Args:
            candidates: models with their predictions on the validation rows.
            y_validation: targets of those rows.
            task: what is predicted, or the name of its task.
            size: members asked for, at most.
            space: see :class:`Ensemble`.
            load: False leaves the members to be loaded when they are first needed.
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
            for member in ensemble.members if load else ():
                try:
                    member.model()
                except EnsembleError as error:
                    failed[member.number] = error
            if not failed:
                ensemble.report["notes"] = [*ensemble.report.get("notes", ()), *notes]
                return ensemble
            for cause in failed.values():
                warn(f"{cause}; the ensemble is formed without it", notes)
            candidates = [replace(c, available=False) if c.number in failed else c for c in candidates]

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
            scores = dict(candidate.scores)
            member = Member(candidate.load, candidate.number, 0.0, candidate.genome, scores, candidate.kind)
            member.parameters = candidate.parameters
            members.append(member)
        ensemble = cls(
            members,
            selection.weights,
            task=selection.target,
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
    def task(self) -> str:
        """The name of the task."""
        return self.target.task

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
            EnsembleError: no rows, rows of another shape than the space's, a member cannot be loaded, or members have
                different classes.
        """
        return self._combine(self._member_outputs(x, batch_size))

    def predict(self, x: Any, batch_size: int = 256) -> np.ndarray:
        """Predictions.

        Returns:
            ``binary``, ``multiclass``: the user's labels (rows,) where the target has labels, else class indices,
            int64 (rows,); the columns of :meth:`predict_proba` are in the order of ``target.labels``.
            ``multilabel``: 0 or 1 per label, int64 (rows, labels).
            ``regression``: float32 (rows,), or (rows, outputs) for several.
        """
        return self.target.decode(self.outputs(x, batch_size))

    def predict_proba(self, x: Any, batch_size: int = 256) -> np.ndarray:
        """Probabilities of a classifier, float32.

        Returns:
            (rows, classes) for multiclass; (rows, 2) for binary, of class 0 and class 1; (rows, labels) for multilabel.

        Raises:
            EnsembleError: predictions are no probabilities (regression).
        """
        if not self.target.gives_probabilities:
            raise EnsembleError(f"predict_proba: a {self.task} has no probabilities; use predict")
        return self.target.probabilities(self.outputs(x, batch_size))

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int = 256,
        metrics: Iterable[Any] = (),
    ) -> dict[str, float]:
        """Metrics on given data: ``accuracy``, ``log_loss``, ... or ``rmse``, ``mae``, ``r2``, and those asked for.

        Args:
            x: raw input, or a dataset that gives inputs, labels and, where it does, weights.
            y: its labels; left out for a dataset.
            sample_weight: weight of each row, or None.
            batch_size: rows per batch of a net.
            metrics: further ones: names (``auc``, ``f1_macro``; :func:`evo.ensemble.scores.names`) and scorers of
                scikit-learn. NaN where one is not defined on these rows.

        Raises:
            EnsembleError: labels out of range, or numbers of rows that differ.
            SettingsError: no such metric, or one that is of no use for the target.
        """
        wanted = [score_of(metric, self.target) for metric in ([metrics] if isinstance(metrics, str) else metrics)]
        if is_dataset(x):
            if y is not None or sample_weight is not None:
                raise EnsembleError("y: a dataset gives its labels and weights itself; leave them out")
            x, y, sample_weight = gathered(x, "x")
        elif y is None:
            raise EnsembleError("y: labels are needed, got None")
        outputs = self.outputs(x, batch_size)
        targets = self._targets(y, outputs)
        found = evaluate(self.target, outputs, targets, sample_weight)
        for score in wanted:
            try:
                found[score.name] = score(self.target, outputs, targets, sample_weight)
            except ValueError:
                found[score.name] = float("nan")
        return found

    def diversity(self, x: Any = None, y: np.ndarray | None = None) -> dict[str, Any]:
        """How the members differ, pair by pair; :func:`evo.ensemble.diversity.diversity` lists the measures.

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
        x = gathered(x, "x", targets=False)[0] if is_dataset(x) else as_given_array(x, "x")
        if self.space is not None:
            x = check_rows(self.space.prepare(x), self.space, x)
        outputs = [member.predict(x, self.target, batch_size) for member in self.members]
        for member, one in zip(self.members, outputs, strict=True):
            if one.shape != outputs[0].shape:
                raise EnsembleError(
                    f"members {self.members[0].number} and {member.number} give outputs of shape "
                    f"{outputs[0].shape} and {one.shape}: they were trained for other classes"
                )
        return outputs

    def _combine(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        return pool(outputs, self.weights, self.pooling, self.target, self.temperature, self.stacker)

    def _targets(self, y: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        targets = as_targets(y, self.target, outputs.shape[1])
        if len(targets) != len(outputs):
            raise EnsembleError(f"y: {len(targets)} rows, but x has {len(outputs)}")
        return targets

    def _measure(self, outputs: Sequence[np.ndarray], y: np.ndarray) -> dict[str, Any]:
        pooled = self._combine(outputs)
        genomes, together = [member.genome for member in self.members], None
        if self.stacker is None:
            together = lambda some, weights: pool(some, weights, self.pooling, self.target, self.temperature)
        targets = self._targets(y, pooled)
        measured = diversity(outputs, targets, self.target, self.weights, pooled, genomes, together=together)
        return {"members": [member.number for member in self.members], **measured}

    @property
    def weight_by_kind(self) -> dict[str, float]:
        """Weights of ``net``, ``trees`` and ``linear`` members together, as far as there are such."""
        kinds = dict.fromkeys(m.kind for m in self.members)
        return {kind: sum(m.weight for m in self.members if m.kind == kind) for kind in kinds}

    # -- shipping ------------------------------------------------------------------
    def as_keras(self, name: str = "ensemble") -> Any:
        """One ordinary ``keras.Model`` from raw input to pooled output, uncompiled.

        Equal to the pooled outputs of the members up to float32 rounding. Made of copies of the members and
        standard Keras layers and operations: it can be saved as ``.keras``, exported, served and trained further. Trees
        are tables of nodes in it, which are not trained.

        Args:
            name: the model's name.

        Raises:
            EnsembleError: members take different inputs; or trees that cannot be written so.
        """
        with state_put_back():
            models = as_nets([member.model() for member in self.members], self.space)
            return pooled_model(models, self.weights, self.pooling, self.target, self.temperature, self.stacker, name)

    def export(self, path: str | Path, format: str = "keras", x: Any = None) -> Path:
        """Write :meth:`as_keras` as a file that other programs read, and compare what it predicts with the model.

        Args:
            path: the file (``.keras``, ``.onnx``, ``.tflite``), or for ``savedmodel`` the folder.
            format: ``keras`` (its ``metadata.json`` has the target with its labels), ``savedmodel``, ``onnx`` or
                ``litert``; the last but one needs ``pip install "evo-keras[onnx]"``.
            x: raw input on which the two are compared, a few rows; None for made ones.

        Raises:
            SettingsError: an unknown format, a path that does not suit it, a package that is missing.
            EnsembleError: as :meth:`as_keras`; or the file cannot be written or read back, or predicts something else:
                then it is dropped.
        """
        rows = x if x is None or self.space is None else self.space.prepare(x)
        return export(self.as_keras(), self.target, Path(path), format, rows)

    @state_put_back()
    def distill(self, x: Any, y: np.ndarray | None = None, *, model: Any = None, **options: Any) -> Any:
        """Train one small ``keras.Model`` that predicts as the ensemble does.

        Args:
            x: raw input: the training rows, and any other rows (they need no labels).
            y: labels of ``x``, or None to learn from the ensemble alone.
            model: an uncompiled ``keras.Model`` to train, for example a freshly built one; None for a copy of the best
                member, whose training continues from that member's weights.
            **options: of :class:`evo.ensemble.distillation.Distillation`: ``share``, ``epochs``, ``batch_size``,
                ``learning_rate``, ``seed``, ``verbose``.

        Returns:
            The trained ``keras.Model``, compiled with its accuracy or error as a metric.

        Raises:
            EnsembleError: the ensemble has no net to copy, or a wrong argument.
        """
        distillation = Distillation(**options)
        if model is None:
            losses = (self.validation_diversity or {}).get("losses")
            model = copy_model(best_net(self.members, losses).model(), "distilled")
        outputs = self.outputs(x)
        prepared = x if self.space is None else self.space.prepare(x)
        return distillation.train(model, keras_input(prepared), outputs, y, self.target)

    @state_put_back()
    def save(self, path: str | Path) -> None:
        """Write everything into one file; :mod:`evo.ensemble.archive` describes it.

        Raises:
            EnsembleError: it cannot be written.
        """
        write(
            ArchivedEnsemble(
                members=self.members,
                weights=[member.weight for member in self.members],
                target=self.target,
                pooling=self.pooling,
                temperature=self.temperature,
                stacker=self.stacker,
                space=self.space,
                report=self.report,
                diversity=self.validation_diversity,
            ),
            local_path(path, "path", EnsembleError),
        )

    @classmethod
    @state_put_back()
    def load(cls, path: str | Path, custom_objects: Mapping[str, Callable[..., Any]] | None = None) -> Ensemble:
        """Read what :meth:`save` wrote; runs no code from the file.

        Args:
            path: the file.
            custom_objects: classes of the user's own layers by name, where they are not registered with Keras.

        Raises:
            EnsembleError: no such file, a damaged one, or one of a newer format.
        """
        stored = read(local_path(path, "path", EnsembleError), custom_objects)
        ensemble = cls(
            stored.members,
            stored.weights,
            task=stored.target,
            pooling=None if stored.stacker is not None else stored.pooling,
            temperature=stored.temperature,
            stacker=stored.stacker,
            space=stored.space,
            report=stored.report,
        )
        ensemble.validation_diversity = stored.diversity
        return ensemble

    # -- showing -------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        members = ", ".join(f"{m.number}: {m.weight:.2f}" for m in self.members)
        kinds = "".join(f", {kind} {weight:.2f}" for kind, weight in self.weight_by_kind.items() if weight < 1)
        return f"Ensemble({self.task}, {self.pooling}, {{{members}}}{kinds})"

    def _repr_html_(self) -> str:
        return members_table(f"Ensemble of {len(self)}: {self.task}, {self.pooling}", self.members)

"""What a model predicts, and everything that follows from it."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from genomes.checks import whole_number
from genomes.errors import GenomeError, shown
from genomes.targets.ensemble_target import EnsembleTarget
from genomes.targets.labels import Label, checked_labels, plain_array
from genomes.targets.members import mean_scores

#: Every kind of target by the name of its task, in the order in which they are asked.
_KINDS: dict[str, type[Target]] = {}


@dataclasses.dataclass(frozen=True)
class Target(EnsembleTarget):
    """A kind of target with its number of outputs; one subclass per kind.

    A subclass that has a ``task`` is registered under that name when it is defined. What it must say: ``task``,
    ``objective``, ``losses``, :meth:`loss`, :meth:`metrics` and :meth:`row_losses`. The rest is by default that of
    numbers, one per output, whose mean and median are predictions again. Parameters of a kind's own are fields with
    defaults and values that JSON can hold.

    Three forms of labels are told apart: what users give (:meth:`check`); what training takes (:meth:`prepare`); what
    predictions are judged by (:meth:`as_targets`). Predictions are arrays (rows, outputs).

    Args:
        outputs: number of classes, labels or numbers; None where only the task's name is known (an ensemble reads the
            number off its members' predictions).

    Raises:
        GenomeError: a number of outputs that does not fit.
    """

    outputs: int | None = None

    #: What the classes are called, in the order of their indices; None where labels are the indices themselves.
    labels: ClassVar[tuple[Label, ...] | None] = None
    #: The argument of :meth:`infer` that counts the outputs: ``classes``, ``labels`` or ``outputs``.
    counted_by: ClassVar[str] = "outputs"
    #: Whether it is meant only where it is stated (or a space's own), whatever :meth:`is_meant_by` says above it.
    is_stated: ClassVar[bool] = False
    #: Fewest outputs.
    fewest: ClassVar[int] = 1
    #: The number of outputs, where there is but one.
    only: ClassVar[int | None] = None

    #: Activation of the head.
    activation: ClassVar[str] = "linear"
    #: The default objective of a campaign.
    objective: ClassVar[str]
    #: Names of :meth:`metrics`, where they are to be known without Keras; None to be asked for.
    metric_names: ClassVar[tuple[str, ...] | None] = None
    #: Values of label smoothing that a search may try.
    label_smoothings: ClassVar[tuple[float, ...]] = (0.0,)
    #: Whether smoothed or mixed labels take another form than plain ones (see :meth:`soft_targets`).
    has_soft_form: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "metrics" in cls.__dict__ and "metric_names" not in cls.__dict__:
            cls.metric_names = None  # those of the class above are not those of this one
        name = cls.__dict__.get("task")
        if name is None:
            return
        known = _KINDS.get(name)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise GenomeError(f"task: {name!r} is the name of {known.__module__}.{known.__qualname__}, take another")
        _KINDS[name] = cls

    def __post_init__(self) -> None:
        number = None if self.outputs is None else whole_number(self.outputs, "classes", self.fewest)
        object.__setattr__(self, "outputs", number if self.only is None else self.only)

    # -- from what users write ---------------------------------------------------------
    @staticmethod
    def infer(
        classes: int | Iterable[Label] | None = None,
        outputs: int | None = None,
        labels: int | Iterable[Label] | None = None,
        task: str | Target | None = None,
    ) -> Target:
        """The target that a user means by ``classes=10``, ``classes=["no", "yes"]``, ``labels=5`` or ``outputs=1``.

        Args:
            classes: number of exclusive classes, or what they are called; two become a binary task.
            outputs: number of numbers (regression).
            labels: number of labels that may hold together, or what they are called.
            task: states the task, by its name (:func:`tasks`) or as a target, which is then returned.

        Raises:
            GenomeError: none of the numbers, or more than one; an unknown task; a number that does not fit it.
        """
        numbers = {"classes": classes, "outputs": outputs, "labels": labels}
        given = {name: number for name, number in numbers.items() if number is not None}
        if isinstance(task, Target) and not given:
            return task
        if not given and isinstance(task, str) and task in _KINDS and _KINDS[task].only is not None:
            return _KINDS[task]()
        if len(given) != 1:
            raise GenomeError(
                "give exactly one of classes= (classification), labels= (multi-label) "
                "and outputs= (regression); "
                f"got {given or 'none'}"
            )
        name, value = next(iter(given.items()))
        called: dict[str, Any] = {}
        if name != "outputs" and isinstance(value, Iterable) and not isinstance(value, str):
            called["labels"] = checked_labels(value, name)
            value = len(called["labels"])
        number = whole_number(value, name)
        if task is not None:
            kind = _kind(task)
        else:
            kind = next(kind for kind in _KINDS.values() if not kind.is_stated and kind.is_meant_by(name, number))
        try:
            return kind(number, **called)
        except TypeError:
            raise GenomeError(f"{name}: a {kind.task} target has no labels; give their number") from None

    @classmethod
    def is_meant_by(cls, argument: str, number: int) -> bool:
        """Whether ``argument=number`` alone (see :meth:`infer`) means this kind."""
        return False

    @staticmethod
    def arguments_for(y: np.ndarray, y_validation: np.ndarray, task: Any = None) -> dict[str, int]:
        """The argument of :meth:`infer` that fits given labels: ``{"classes": 10}``, say.

        Args:
            y: labels of the training rows.
            y_validation: labels of the validation rows.
            task: the name of the task; None to read it off the labels: whole numbers are classes, others a regression.
        """
        kind = _KINDS.get(task) if isinstance(task, str) else None
        if kind is None:
            kind = next(kind for kind in _KINDS.values() if not kind.is_stated and kind.is_meant_by_labels(y))
        return kind.count(y, y_validation)

    @classmethod
    def is_meant_by_labels(cls, y: np.ndarray) -> bool:
        """Whether such labels mean this kind where no task is stated."""
        return False

    @classmethod
    def count(cls, y: np.ndarray, y_validation: np.ndarray) -> dict[str, int]:
        """The argument of :meth:`infer` that fits given labels of this kind."""
        return {"outputs": 1 if y.ndim == 1 else int(y.shape[1])}

    @classmethod
    def is_trained_by(cls, loss: str) -> bool:
        """Whether a Keras loss of this name is one for this kind, whatever the number of outputs."""
        return False

    # -- storage -----------------------------------------------------------------------
    def to_json(self) -> dict[str, Any]:
        """The target as a JSON object: task, number of outputs, labels if there are any, the kind's own parameters."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if fields.get("labels", ()) is None:
            del fields["labels"]
        return {"task": self.task, **{n: list(v) if isinstance(v, tuple) else v for n, v in fields.items()}}

    @staticmethod
    def from_json(json: Mapping[str, Any]) -> Target:
        """The target that :meth:`to_json` wrote.

        Raises:
            GenomeError: an unknown task, or parameters that do not fit it.
        """
        if not isinstance(json, Mapping):
            raise GenomeError(f"target: expected an object, got {shown(json)}")
        kind = _kind(json.get("task"))
        try:
            return kind(**{name: value for name, value in json.items() if name != "task"})
        except (TypeError, ValueError, ArithmeticError) as error:
            if isinstance(error, GenomeError):
                raise
            raise GenomeError(f"target: {shown(dict(json))} does not fit {kind.__name__}: {error!s:.200}") from error

    @property
    def is_named_fully(self) -> bool:
        """Whether the name and the number of outputs say all: no labels, no parameters of the kind's own."""
        own = {field.name for field in dataclasses.fields(self)} - {"outputs", "labels"}
        return not own and self.labels is None

    # -- labels ------------------------------------------------------------------------
    @property
    def width(self) -> int:
        """The number of outputs, where it has to be known.

        Raises:
            GenomeError: only the task's name is known.
        """
        if self.outputs is None:
            raise GenomeError(f"outputs: the number of outputs of this {self.task} target is not known")
        return self.outputs

    @property
    def unlabelled(self) -> Self:
        """The same target with class indices for labels."""
        return self if self.labels is None else dataclasses.replace(self, labels=None)  # type: ignore[call-arg]

    def labels_at(self, indices: np.ndarray) -> np.ndarray:
        """What a user is told for class indices: their labels; ``indices`` itself where labels are the indices."""
        return indices

    def as_given(self, prepared: np.ndarray) -> np.ndarray:
        """Labels as users give them, of those that :meth:`prepare` gave."""
        return prepared

    def some_labels(self, rows: int) -> np.ndarray:
        """Any labels that pass :meth:`check`, one for each row."""
        return self.decode(np.zeros((rows, self.width), np.float32))

    def check(self, y: Any, name: str = "y") -> None:
        """Check labels as users give them.

        Raises:
            GenomeError: a wrong shape, labels out of range or unknown, NaN; the message names ``name``.
        """
        array = plain_array(self.label_indices(y, name))
        if array.dtype.kind not in "biuf":
            raise GenomeError(f"{name}: expected numbers, got dtype {array.dtype}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise GenomeError(f"{name}: holds NaN or infinite values; expected finite numbers")
        self.check_values(array, name)

    def check_values(self, array: np.ndarray, name: str) -> None:
        """Check the shape and range of labels that are finite numbers: (rows,) or (rows, 1), else (rows, outputs).

        Raises:
            GenomeError: as :meth:`check`.
        """
        rows = len(array) if array.ndim else 0
        expected = ((rows, self.width),) if self.width > 1 else ((rows,), (rows, 1))
        if array.shape not in expected:
            raise GenomeError(f"{name}: expected shape {' or '.join(map(str, expected))}, got {array.shape}")

    def prepare(self, y: Any) -> np.ndarray:
        """Checked labels in the one form that training takes.

        Returns:
            float32 (rows, outputs); int32 (rows,) for ``multiclass``.
        """
        array = plain_array(self.label_indices(y))
        return np.ascontiguousarray(array.reshape(len(array), self.width).astype(np.float32))

    def soft_targets(self, y: Any) -> Any:
        """Keras tensor of prepared labels in the form that may be smoothed and mixed: one-hot for ``multiclass``."""
        return y

    def statistics(self, y: Any) -> dict[str, np.ndarray]:
        """What head and loss need to know of the training labels: mean and scale of a regression's, else nothing."""
        return {}

    # -- model -----------------------------------------------------------------------
    def head(self, x: Any, statistics: Mapping[str, np.ndarray] | None = None) -> Any:
        """The last layers: from a tensor (batch, features) to predictions (batch, outputs) in float32.

        Args:
            x: the features; of shape (batch, members, features) where the net is several in one.
            statistics: of :meth:`statistics`, or None.
        """
        import keras

        x = self.scores(x, self.width)
        if self.activation == "linear":
            return x
        return keras.layers.Activation(self.activation, dtype="float32", name="output")(x)

    def scores(self, x: Any, width: int) -> Any:
        """So many linear functions of the features, float32 (batch, width): the first layer of a head.

        Args:
            x: as :meth:`head` takes it.
            width: how many.
        """
        import keras

        if len(x.shape) == 3:
            return mean_scores(x, width, self.ambiguity)
        return keras.layers.Dense(width, dtype="float32", name="head")(x)

    def ambiguity(self, scores: Any) -> Any:
        """Mean of the members' losses minus the loss of their mean: Keras tensor (batch, 1), never negative.

        Args:
            scores: Keras tensor of the members' numbers before the last activation, (batch, members, width).

        Returns:
            None where that depends on the targets; members are then trained by the loss of their mean.
        """
        return None

    def head_cost(self, features: int) -> tuple[int, int]:
        """Parameters and FLOPs (per sample) of :meth:`head` on so many features."""
        return features * self.width + self.width, 2 * features * self.width + self.width

    @abc.abstractmethod
    def loss(
        self, label_smoothing: float = 0.0, soft: bool = False, statistics: Mapping[str, np.ndarray] | None = None
    ) -> Any:
        """The Keras loss on (targets, predictions), reduced to the mean.

        Args:
            label_smoothing: 0 to below 1.
            soft: targets have the form of :meth:`soft_targets`; else that of :meth:`prepare`.
            statistics: of :meth:`statistics`, or None.
        """

    def loss_of_outputs(self, y_true: Any, y_pred: Any) -> Any:
        """The Keras loss of every row, (batch,), where targets have the form of predictions (:meth:`as_outputs`).

        Raises:
            GenomeError: this kind is not one that may be :attr:`combinable`.
        """
        raise GenomeError(f"parts: a {self.task} target cannot be one of several")

    @abc.abstractmethod
    def metrics(self, soft: bool = False) -> list[Any]:
        """Fresh Keras metrics on prepared labels, or on labels of the form of :meth:`soft_targets` if ``soft``."""


def tasks() -> tuple[str, ...]:
    """Names of the tasks of all kinds of targets that are defined."""
    return tuple(_KINDS)


def as_target(target: Target | str, outputs: int | None = None) -> Target:
    """A target, given as such or by the name of its task.

    Args:
        target: the one or the other.
        outputs: number of outputs of a target given by name; None if not known.

    Raises:
        GenomeError: an unknown task.
    """
    return target if isinstance(target, Target) else _kind(target)(outputs)


def _kind(task: Any) -> type[Target]:
    if not isinstance(task, str) or task not in _KINDS:
        raise GenomeError(f"task: expected one of {tasks()}, got {shown(task)}")
    return _KINDS[task]

"""Several targets of different kinds at once: a class and a number, say."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

from genomes.errors import GenomeError, shown
from genomes.targets.labels import in_words
from genomes.targets.target import Target


@dataclasses.dataclass(frozen=True)
class Part:
    """One of several targets.

    Attributes:
        name: what it is called.
        target: what is predicted.
        scale: what its losses are divided by: the standard deviation of numbers; 1 for classes.
    """

    name: str
    target: Target
    scale: float = 1.0


@dataclasses.dataclass(frozen=True)
class Mixed(Target):
    """Labels: one target per name, in a mapping, a data frame, or as the columns of an array in their order.

    A model has one head for all, whose columns are those of the parts one after the other. Its loss, and that of an
    ensemble, is the mean of the parts' own: the log loss of classes, the squared error of numbers in units of their
    variance (multi-task learning with equal weights; Caruana 1997). Predictions are structured arrays, one field per
    name: ``told["price"]``.

    Args:
        outputs: number of columns of predictions; read off the parts.
        parts: the targets, at least two: :class:`Part` objects, or the JSON of such.

    Raises:
        GenomeError: fewer than two parts, a name given twice, or a kind of target that cannot be a part.
    """

    parts: tuple[Part, ...] = ()

    task = "mixed"
    objective = "-val_loss"
    losses = ("mean_loss",)
    poolings = ("arithmetic",)
    pooling_synonyms = {"mean": "arithmetic"}
    least_squares = False

    def __post_init__(self) -> None:
        parts = tuple(_part(part) for part in self.parts)
        names = [part.name for part in parts]
        if len(parts) < 2 or len(set(names)) != len(names) or not all(names):
            raise GenomeError(f"parts: expected two or more targets, each with a name of its own, got {shown(names)}")
        for part in parts:
            if not part.target.combinable or part.target.outputs is None:
                raise GenomeError(f"parts: {part.name!r} cannot be one of several: {part.target}")
        object.__setattr__(self, "parts", parts)
        width = sum(part.target.width for part in parts)
        if self.outputs in (None, 1):
            object.__setattr__(self, "outputs", width)
        if self.outputs != width:
            raise GenomeError(f"outputs: {self.outputs}, but the parts have {width}; leave outputs out")

    # -- the parts ---------------------------------------------------------------------
    def columns(self) -> Iterator[tuple[Part, slice]]:
        """Each part with its columns of the predictions."""
        start = 0
        for part in self.parts:
            yield part, slice(start, start + part.target.width)
            start += part.target.width

    def to_json(self) -> dict[str, Any]:
        """Task, number of outputs, and of each part name, target and scale."""
        parts = [{"name": p.name, "target": p.target.to_json(), "scale": p.scale} for p in self.parts]
        return {"task": self.task, "outputs": self.outputs, "parts": parts}

    @property
    def unlabelled(self) -> Self:
        """The same with class indices for labels."""
        return dataclasses.replace(
            self, parts=tuple(dataclasses.replace(part, target=part.target.unlabelled) for part in self.parts)
        )

    # -- labels ------------------------------------------------------------------------
    def given_parts(self, y: Any, name: str = "y") -> list[Any]:
        """The parts of labels as users give them.

        Raises:
            GenomeError: another number of them, or other names.
        """
        names = [part.name for part in self.parts]
        fields: Any = getattr(getattr(y, "dtype", None), "names", None) or getattr(y, "columns", ())
        found = list(y) if isinstance(y, Mapping) else list(fields)
        if found:
            by_name = {str(key): key for key in found}
            missing = [one for one in names if one not in by_name]
            if missing:
                raise GenomeError(f"{name}: expected the targets {in_words(names)}; {in_words(missing)} is not there")
            return [y[by_name[one]] for one in names]
        array = np.asarray(y)
        if array.ndim != 2 or array.shape[1] != len(names):
            raise GenomeError(
                f"{name}: expected {in_words(names)} by name, or shape (rows, {len(names)}), got shape {array.shape}"
            )
        return list(array.T)

    def _is_prepared(self, y: Any) -> bool:
        """Whether labels have the form of :meth:`prepare`: an array of a column for each output."""
        plain = isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] == self.outputs and y.dtype.kind == "f"
        return plain and (self.outputs != len(self.parts) or all(part.target.labels is None for part in self.parts))

    def check(self, y: Any, name: str = "y") -> None:
        """Each part by its own rules; see :meth:`Target.check`."""
        if self._is_prepared(y):
            self.check_values(y, name)
            return
        parts = self.given_parts(y, name)
        if len({len(values) for values in parts}) > 1:
            raise GenomeError(f"{name}: its parts differ in their number of rows: {[len(one) for one in parts]}")
        for part, values in zip(self.parts, parts, strict=True):
            part.target.check(values, f"{name}[{part.name!r}]")

    def check_values(self, array: np.ndarray, name: str) -> None:
        """Finite numbers, one for each output."""
        super().check_values(array, name)
        if not np.isfinite(array).all():
            raise GenomeError(f"{name}: holds NaN or infinite values; expected finite numbers")

    def prepare(self, y: Any) -> np.ndarray:
        """float32 (rows, outputs): numbers, 0 and 1, one-hot rows, as the parts' predictions have them."""
        if self._is_prepared(y):
            return np.ascontiguousarray(y, dtype=np.float32)
        columns = []
        for part, values in zip(self.parts, self.given_parts(y, "y"), strict=True):
            targets = part.target.as_targets(values)
            columns.append(np.asarray(part.target.as_outputs(targets, part.target.width), np.float32))
        return np.ascontiguousarray(np.concatenate(columns, axis=1))

    def as_given(self, prepared: np.ndarray) -> np.ndarray:
        """Labels as a structured array of the user's labels."""
        return self.decode(np.asarray(prepared))

    def as_targets(self, y: Any, outputs: int | None = None, name: str = "y") -> np.ndarray:
        """float32 (rows, outputs), as :meth:`prepare`."""
        self.check(y, name)
        return self.prepare(y)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """A structured array (rows,) with a field for each part: the user's labels, or numbers."""
        told = {part.name: np.asarray(part.target.decode(outputs[:, at])) for part, at in self.columns()}
        kinds = [(name, values.dtype, values.shape[1:]) for name, values in told.items()]
        found = np.empty(len(outputs), dtype=np.dtype(kinds))  # type: ignore[arg-type]
        for name, values in told.items():
            found[name] = values
        return found

    def numbers(self, predictions: np.ndarray) -> None:
        """None: a score judges one target."""
        return None

    def separated(self, targets: np.ndarray) -> list[np.ndarray]:
        """Of each part what its own kind gives."""
        found = []
        for part, at in self.columns():
            found += part.target.separated(part.target.of_outputs(targets[:, at]))
        return found

    def separated_columns(self, outputs: int) -> list[list[int]]:
        """Of each part its own, moved to where they are."""
        return [
            [at.start + column for column in columns]
            for part, at in self.columns()
            for columns in part.target.separated_columns(part.target.width)
        ]

    def statistics(self, y: Any) -> dict[str, np.ndarray]:
        """``target_mean`` and ``target_scale``, float32 (outputs,); 0 and 1 for what is no number."""
        values = np.asarray(y, dtype=np.float64).reshape(-1, self.width)
        mean, scale = np.zeros(self.width, np.float32), np.ones(self.width, np.float32)
        for part, at in self.columns():
            own = part.target.statistics(values[:, at])
            mean[at] = own.get("target_mean", 0.0)
            scale[at] = own.get("target_scale", 1.0)
        return {"target_mean": mean, "target_scale": scale}

    # -- scales ------------------------------------------------------------------------
    def link(self, predictions: np.ndarray) -> np.ndarray:
        """Each part on its own scale."""
        return np.concatenate([part.target.link(predictions[:, at]) for part, at in self.columns()], axis=1)

    def inverse_link(self, scores: np.ndarray) -> np.ndarray:
        """Each part from its own scale."""
        return np.concatenate([part.target.inverse_link(scores[:, at]) for part, at in self.columns()], axis=1)

    def keras_link(self, predictions: Any) -> Any:
        """Each part on its own scale."""
        from keras import ops

        return ops.concatenate([part.target.keras_link(predictions[:, at]) for part, at in self.columns()], axis=-1)

    def keras_inverse_link(self, scores: Any) -> Any:
        """Each part from its own scale."""
        from keras import ops

        return ops.concatenate([part.target.keras_inverse_link(scores[:, at]) for part, at in self.columns()], axis=-1)

    # -- model -----------------------------------------------------------------------
    def head(self, x: Any, statistics: Mapping[str, np.ndarray] | None = None) -> Any:
        """One linear layer; its columns become probabilities, or numbers in the targets' units, part by part."""
        import keras

        x = self.scores(x, self.width)
        outputs = []
        for at, (part, columns) in enumerate(self.columns()):
            own = x[:, columns]
            if part.target.activation != "linear":
                own = keras.layers.Activation(part.target.activation, dtype="float32", name=f"output_{at}")(own)
            elif statistics and "target_scale" in statistics:
                scale = statistics["target_scale"][columns].tolist()
                offset = statistics["target_mean"][columns].tolist()
                own = keras.layers.Rescaling(scale, offset, dtype="float32", name=f"units_{at}")(own)
            outputs.append(own)
        return keras.layers.Concatenate(dtype="float32", name="output")(outputs)

    def ambiguity(self, scores: Any) -> Any:
        """Mean of the parts' own; None where one has none."""
        gaps = [part.target.ambiguity(scores[:, :, at]) for part, at in self.columns()]
        if any(gap is None for gap in gaps):
            return None
        return sum(gaps[1:], gaps[0]) / len(gaps)

    def loss(
        self, label_smoothing: float = 0.0, soft: bool = False, statistics: Mapping[str, np.ndarray] | None = None
    ) -> Any:
        """Mean of the parts' losses, of numbers in units of their standard deviation where it is known."""
        import keras
        from keras import ops

        terms = []
        for part, at in self.columns():
            scale = statistics["target_scale"][at] if statistics and "target_scale" in statistics else part.scale
            terms.append((at, part.target.loss_of_outputs, np.asarray(scale, np.float32)))
        parts = self.to_json()["parts"]

        class MeanOfLosses(keras.losses.Loss):
            def call(self, y_true: Any, y_pred: Any) -> Any:
                y_true = ops.cast(y_true, y_pred.dtype)
                rows = [
                    function(y_true[:, at] / scale, y_pred[:, at] / scale)  # type: ignore[misc]
                    for at, function, scale in terms
                ]
                return sum(rows[1:], rows[0]) / len(rows)

            def get_config(self) -> dict[str, Any]:
                scales = [np.asarray(scale).reshape(-1).tolist() for _, _, scale in terms]
                return {**super().get_config(), "parts": parts, "scales": scales}

        return MeanOfLosses(name="mean_loss")

    def metrics(self, soft: bool = False) -> list[Any]:
        """Of each part its own, called ``price_rmse``, ``state_accuracy``."""
        found = []
        for part, at in self.columns():
            for metric in part.target.metrics(soft=True):
                found.append(_of_columns(metric, at, f"{part.name}_{metric.name}"))
        return found

    # -- judging -----------------------------------------------------------------------
    def row_losses(self, loss: str, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Mean of the parts' row losses: log loss of classes, squared error of numbers in units of their variance."""
        total = np.zeros(len(predictions))
        for part, at in self.columns():
            own = part.target.losses[0]
            rows = part.target.row_losses(own, predictions[:, at], part.target.of_outputs(targets[:, at]))
            total += rows / part.scale ** (2 if own in part.target.rooted else 1)
        return total / len(self.parts)

    def evaluate(
        self, predictions: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
    ) -> dict[str, float]:
        """``mean_loss``, and all metrics of each part: ``price_rmse``, ``state_accuracy``, ..."""
        found = super().evaluate(predictions, targets, weight)
        for part, at in self.columns():
            own = part.target.evaluate(predictions[:, at], part.target.of_outputs(targets[:, at]), weight)
            found |= {f"{part.name}_{name}": value for name, value in own.items()}
        return found


def _part(given: Any) -> Part:
    if isinstance(given, Part):
        return given
    try:
        target = given["target"]
        target = target if isinstance(target, Target) else Target.from_json(target)
        return Part(str(given["name"]), target, float(given.get("scale", 1.0)))
    except (TypeError, LookupError, ValueError, AttributeError) as error:
        raise GenomeError(f"parts: expected genomes.targets.Part objects, got {shown(given)} ({error})") from error


def _of_columns(metric: Any, columns: slice, name: str) -> Any:
    """A metric of some columns of targets and predictions."""
    import keras

    class OfColumns(keras.metrics.Metric):
        def __init__(self) -> None:
            super().__init__(name=name)
            self.metric = metric

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            return self.metric.update_state(y_true[:, columns], y_pred[:, columns], sample_weight=sample_weight)

        def result(self) -> Any:
            return self.metric.result()

        def reset_state(self) -> None:
            self.metric.reset_state()

    return OfColumns()

"""Trees as a model of an ensemble: from raw tabular input to predictions, stored as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.model_file import read_model, under, write_model
from evo.ensemble.trees.table_encoding import TableEncoding
from evo.ensemble.trees.tree_arrays import TreeArrays
from genomes.checks import whole_number
from genomes.targets import Target

_FORMAT = "evo.trees"
_VERSION = 2
#: Most outputs of a stored model: what it predicts takes memory for each, whether there are trees for it or not.
_MOST_OUTPUTS = 1_000_000


class TreeModel:
    """Trees that predict from raw tabular input as a net does.

    Args:
        models: for each copy (one, or one for each fold; their predictions are averaged) the trees of each part of
            the target (:meth:`genomes.targets.Target.separated`): of each output, or of all exclusive classes.
        encoding: how the input becomes numbers.
        target: what is predicted, with its number of outputs.
        name: what kind of trees they are: ``LightGBM``, ``random forest``, ...
    """

    def __init__(
        self, models: Sequence[Sequence[TreeArrays]], encoding: TableEncoding, target: Target, name: str = "trees"
    ) -> None:
        self.models, self.encoding, self.target, self.name = [list(copy) for copy in models], encoding, target, name

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return self.target.width

    def predict(self, x: Any) -> np.ndarray:
        """Predictions, float32 (rows, outputs); probabilities for classifiers.

        Raises:
            EnsembleError: ``x`` is no table with the columns of the training data.
        """
        matrix = self.encoding.encode(x)
        return mean_outputs([outputs_of(copy, matrix, self.target) for copy in self.models])

    @property
    def parameters(self) -> int:
        """Numbers that make up the trees: two per split (feature, threshold), one per leaf and output."""
        return sum(part.parameters for copy in self.models for part in copy)

    def save(self, path: str | Path | IO[bytes]) -> None:
        """Write one file: an uncompressed ``.npz`` of plain arrays, of which ``about`` is JSON."""
        about = {
            "format": _FORMAT,
            "version": _VERSION,
            "name": self.name,
            "target": self.target.to_json(),
            "columns": self.encoding.to_json(),
            "models": [[part.to_json() for part in copy] for copy in self.models],
        }
        arrays: dict[str, np.ndarray] = {}
        for at, copy in enumerate(self.models):
            for place, part in enumerate(copy):
                arrays |= {f"{at}/{place}/{name}": array for name, array in part.to_arrays().items()}
        write_model(path, about, arrays)

    @classmethod
    def load(cls, path: str | Path | IO[bytes]) -> TreeModel:
        """Read what :meth:`save` wrote: arrays of numbers, whose nodes are checked to be trees.

        Raises:
            EnsembleError: no tree model, or a damaged file.
        """
        try:
            about, arrays = read_model(path, _FORMAT, _VERSION)
            encoding = TableEncoding.from_json(about["columns"])
            target = Target.from_json(about["target"])
            models = [
                [
                    TreeArrays.from_stored(under(arrays, f"{at}/{place}/"), part, len(encoding.columns))
                    for place, part in enumerate(copy)
                ]
                for at, copy in enumerate(about["models"])
            ]
            if not models or not all(models):
                raise EnsembleError(f"path: {path} holds a model of no trees")
            whole_number(target.width, "outputs", 1, _MOST_OUTPUTS)
            for copy in models:
                _check_outputs(copy, target.separated_columns(target.width))
            return cls(models, encoding, target, str(about["name"]))
        except EnsembleError:
            raise
        except Exception as error:
            raise EnsembleError(f"path: {path} is damaged or no tree model: {type(error).__name__}: {error}") from error


def outputs_of(parts: Sequence[TreeArrays], matrix: np.ndarray, target: Target) -> np.ndarray:
    """Predictions of the trees of each part of a target (:meth:`Target.separated`), float32 (rows, outputs)."""
    result = np.zeros((len(matrix), target.width), dtype=np.float32)
    for part, columns in zip(parts, target.separated_columns(target.width), strict=True):
        predictions = part.predict(matrix)
        if part.classes is None:
            result[:, columns[0]] = predictions[:, 0]
        elif len(columns) > 1:
            # a class that no training row has gets probability 0
            result[:, [columns[at] for at in part.classes]] = predictions
        else:
            result[:, columns[0]] = predictions[:, list(part.classes).index(1)]
    return result


def mean_outputs(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over copies, float32."""
    if len(outputs) == 1:
        return outputs[0]
    return np.asarray(np.mean(outputs, axis=0, dtype=np.float64), np.float32)


def _check_outputs(parts: Sequence[TreeArrays], places: Sequence[Sequence[int]]) -> None:
    """Raise unless there are trees for each part of the target, which predict its outputs."""
    if len(parts) != len(places):
        raise EnsembleError("arrays that are no trees of these outputs")
    for part, columns in zip(parts, places, strict=True):
        if part.classes is None:
            sound = len(columns) == 1 and part.outputs >= 1
        else:
            sound = len(part.classes) == part.outputs and bool(part.classes.min() >= 0)
            sound = sound and part.classes.max() <= max(1, len(columns) - 1)
            sound = sound and (len(columns) > 1 or 1 in part.classes)
        if not sound:
            raise EnsembleError("arrays that are no trees of these classes")

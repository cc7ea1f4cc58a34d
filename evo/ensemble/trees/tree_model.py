"""Gradient-boosted trees as a model of an ensemble.

scikit-learn's histogram gradient boosting, stored by skops, which rebuilds objects of known types only and runs no
code on load (extra ``trees``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.trees.table_encoding import TableEncoding
from genomes.targets import Target

#: The one type that skops does not know by itself and that a tree model consists of.
_TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
_FORMAT = "evo.trees"


class TreeModel:
    """Boosted trees that predict from raw tabular input as a net does.

    Args:
        models: fitted scikit-learn models, one for all outputs (classifiers of exclusive classes), else
            one per output.
        encoding: how the input becomes numbers.
        target: what is predicted, with its number of outputs.
    """

    def __init__(self, models: Sequence[Any], encoding: TableEncoding, target: Target) -> None:
        self.models, self.encoding, self.target = list(models), encoding, target

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
        result = np.zeros((len(matrix), self.outputs), dtype=np.float32)
        for output, model in enumerate(self.models):
            if not hasattr(model, "classes_"):
                result[:, output] = model.predict(matrix)
            elif len(self.models) < self.outputs:
                # a class that no training row has gets probability 0
                result[:, model.classes_.astype(int)] = model.predict_proba(matrix)
            else:
                result[:, output] = model.predict_proba(matrix)[:, list(model.classes_).index(1)]
        return result

    @property
    def parameters(self) -> int:
        """Numbers that make up the trees: two per split (feature, threshold), one per leaf."""
        total = 0
        for model in self.models:
            for iteration in model._predictors:
                for tree in iteration:
                    leaves = int(tree.nodes["is_leaf"].sum())
                    total += leaves + 2 * (len(tree.nodes) - leaves)
        return total

    def save(self, path: str | Path) -> None:
        """Write one file by skops.

        Raises:
            EnsembleError: skops is not installed.
        """
        stored = {
            "format": _FORMAT,
            "version": 1,
            **self.target.to_json(),
            "columns": self.encoding.to_json(),
            "models": self.models,
        }
        _skops().dump(stored, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> TreeModel:
        """Read what :meth:`save` wrote; refuses a file that holds any other type.

        Raises:
            EnsembleError: no tree model, a damaged file, or types that could run code.
        """
        skops = _skops()
        path = Path(path)
        try:
            foreign = set(skops.get_untrusted_types(file=path)) - set(_TRUSTED)
            if foreign:
                raise EnsembleError(f"path: {path} holds types that no tree model has: {sorted(foreign)}")
            stored = skops.load(path, trusted=list(_TRUSTED))
            if stored["format"] != _FORMAT:
                raise EnsembleError(f"path: {path} is no tree model")
            encoding = TableEncoding.from_json(stored["columns"])
            own = ("format", "version", "columns", "models")
            target = Target.from_json({name: value for name, value in stored.items() if name not in own})
            return cls(stored["models"], encoding, target)
        except EnsembleError:
            raise
        except Exception as error:
            raise EnsembleError(f"path: {path} is damaged or no tree model: {type(error).__name__}: {error}") from error


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise EnsembleError(
            "tree models are stored by skops, which is not installed: pip install 'evo-keras[trees]'"
        ) from error
    return skops.io

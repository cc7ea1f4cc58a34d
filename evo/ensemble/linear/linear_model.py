"""A linear model on fixed features as a member of an ensemble, stored as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.linear.features import Features
from evo.ensemble.model_file import read_model, under, write_model
from genomes.targets import Target

_FORMAT = "evo.linear"
_VERSION = 1
#: Rows whose features are computed at once.
_ROWS = 2048


@dataclass(frozen=True, eq=False)
class LinearCopy:
    """One copy: features, and a linear map from them to the scale of the target's link.

    Attributes:
        features: what the input becomes.
        coefficient: float32 (features, outputs).
        intercept: float32 (outputs,).
    """

    features: Features
    coefficient: np.ndarray
    intercept: np.ndarray

    def __post_init__(self) -> None:
        if self.coefficient.shape != (self.features.width, *self.intercept.shape) or self.intercept.ndim != 1:
            raise ValueError(f"{self.features.width} features, but coefficients of shape {self.coefficient.shape}")

    def scores(self, features: Any) -> np.ndarray:
        """On the scale of the target's link, float64 (rows, outputs)."""
        return np.asarray(features @ self.coefficient.astype(np.float64) + self.intercept.astype(np.float64))


class LinearModel:
    """Linear models that predict from prepared input as a net does.

    Args:
        copies: one, or one for each fold; their predictions are averaged.
        target: what is predicted, with its number of outputs.
        name: what it is called: ``tf-idf of words``, ...
    """

    def __init__(self, copies: Sequence[LinearCopy], target: Target, name: str) -> None:
        self.copies, self.target, self.name = tuple(copies), target, name

    def predict(self, x: Any) -> np.ndarray:
        """Predictions, float32 (rows, outputs); probabilities for classifiers.

        Raises:
            EnsembleError: input of another kind than the training data.
        """
        rows = len(next(iter(x.values()))) if isinstance(x, dict) else len(x)
        parts = [self._predicted(_rows(x, start, start + _ROWS)) for start in range(0, max(1, rows), _ROWS)]
        return np.concatenate(parts)

    def _predicted(self, x: Any) -> np.ndarray:
        try:
            outputs = [self.target.inverse_link(copy.scores(copy.features.of(x))) for copy in self.copies]
        except (LookupError, ValueError, TypeError) as error:
            raise EnsembleError(f"x: not what {self.name} has learned of: {error}") from error
        return np.asarray(np.mean(outputs, axis=0), np.float32)

    @property
    def parameters(self) -> int:
        """Coefficients and intercepts."""
        return sum(copy.coefficient.size + copy.intercept.size for copy in self.copies)

    def keras_model(self, inputs: Any) -> Any:
        """A functional ``keras.Model`` of standard layers that predicts the same, in float32.

        Args:
            inputs: symbolic inputs of the nets.
        """
        import keras

        outputs = []
        for copy in self.copies:
            dense = keras.layers.Dense(len(copy.intercept), trainable=False, dtype="float32")
            scores = dense(copy.features.keras_features(inputs))
            dense.set_weights([copy.coefficient, copy.intercept])
            outputs.append(self.target.keras_inverse_link(scores))
        return keras.Model(inputs, outputs[0] if len(outputs) == 1 else keras.layers.Average()(outputs))

    def save(self, path: str | Path | IO[bytes]) -> None:
        """Write one file of plain arrays (:mod:`evo.ensemble.model_file`)."""
        about = {
            "format": _FORMAT,
            "version": _VERSION,
            "name": self.name,
            "target": self.target.to_json(),
            "copies": [{"features": copy.features.kind, **copy.features.to_json()} for copy in self.copies],
        }
        arrays: dict[str, np.ndarray] = {}
        for at, copy in enumerate(self.copies):
            arrays |= {f"{at}/coefficient": copy.coefficient, f"{at}/intercept": copy.intercept}
            arrays |= {f"{at}/features/{name}": array for name, array in copy.features.to_arrays().items()}
        write_model(path, about, arrays)

    @classmethod
    def load(cls, path: str | Path | IO[bytes]) -> LinearModel:
        """Read what :meth:`save` wrote.

        Raises:
            EnsembleError: no linear model, or a damaged file.
        """
        try:
            about, arrays = read_model(path, _FORMAT, _VERSION)
            target = Target.from_json(about["target"])
            copies = []
            for at, stored in enumerate(about["copies"]):
                own = under(arrays, f"{at}/")
                features = Features.kinds[str(stored["features"])].from_stored(under(own, "features/"), stored)
                numbers = [own[name] for name in ("coefficient", "intercept")]
                if any(array.dtype != np.float32 for array in numbers):
                    raise ValueError("coefficients that are no float32")
                copies.append(LinearCopy(features, *numbers))
            if not copies or any(len(copy.intercept) != target.width for copy in copies):
                raise ValueError("coefficients of another number of outputs")
            return cls(copies, target, str(about["name"]))
        except EnsembleError:
            raise
        except Exception as error:
            raise EnsembleError(
                f"path: {path} is damaged or no linear model: {type(error).__name__}: {error}"
            ) from error


def _rows(x: Any, start: int, end: int) -> Any:
    return {name: values[start:end] for name, values in x.items()} if isinstance(x, dict) else x[start:end]

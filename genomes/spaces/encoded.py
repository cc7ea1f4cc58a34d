"""Preprocessing inside the model, learnt from training data only.

A space of this kind has three forms of input (docs/decisions/preprocessing.md):

- *raw*: what a user has; ``prepare`` brings it into plain arrays, and the built model takes these;
- *encoded*: one array of numbers per sample, after look-ups, scaling, tokenization. ``encode``
  computes it once with NumPy; inside the built model Keras layers without weights compute the same;
- what the first gene gets: :meth:`EncodedSpace.enter` of the encoded array.

So training works on numbers, and the product takes raw input, with the same weights.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

import numpy as np

from genomes.costs import Shape
from genomes.domains import Choice, Domain, Fixed, Float
from genomes.errors import GenomeError
from genomes.spaces.layered import LayeredSpace
from genomes.targets import Target
from genomes.targets.labels import row_count

#: Standardized numbers are cut off here, up and down.
_MOST_DEVIATIONS = 10.0


def standardize(x: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """``(x - mean) / scale``, cut off at 10 deviations, 0 where x is NaN; float32."""
    z = (x.astype(np.float32) - mean) / scale
    return np.nan_to_num(np.clip(z, -_MOST_DEVIATIONS, _MOST_DEVIATIONS), nan=0.0).astype(np.float32)


def standardized(x: Any, mean: np.ndarray, scale: np.ndarray) -> Any:
    """:func:`standardize` on a Keras tensor."""
    from keras import ops

    z = ops.clip((x - mean) / scale, -_MOST_DEVIATIONS, _MOST_DEVIATIONS)
    return ops.where(ops.isnan(x), ops.zeros_like(z), z)


def training_domains(target: Target, batch_sizes: tuple[int, ...] = (32, 64, 128, 256, 512)) -> dict[str, Domain]:
    """Domains of the training settings that suit tables and sequences."""
    values = list(target.label_smoothings)
    smoothing: Domain = Fixed(values[0]) if len(values) == 1 else Choice(values)
    return {
        "optimizer": Choice(["adam", "nadam", "rmsprop", "lion", "sgd"]),
        "learning_rate": Float(1e-4, 2e-2, log=True, default=1e-3),
        "momentum": Float(0.5, 0.99, default=0.9),
        "warmup": Choice([0.0, 0.5, 1.0, 2.0]),
        "batch_size": Choice(list(batch_sizes), default=128 if 128 in batch_sizes else batch_sizes[0]),
        "weight_decay": Choice([0.0, 1e-3, 1e-2, 3e-2, 0.1], default=1e-2),
        "gradient_clip": Choice([0.0, 1.0]),
        "label_smoothing": smoothing,
    }


class EncodedSpace(LayeredSpace):
    """A layered space whose raw input is encoded before the first gene.

    Subclasses define :meth:`inputs`, :meth:`preprocess` (both with Keras), and
    :meth:`genomes.Space.encode` (the same with NumPy), :meth:`adapt`, ``encoded_shape``, ``encoded_dtype``.
    """

    #: dtype of the encoded array.
    encoded_dtype: str = "float32"

    @property
    @abc.abstractmethod
    def encoded_shape(self) -> Shape:
        """Shape of one encoded sample."""

    @property
    def gene_shape(self) -> Shape:
        """Shape that reaches the first gene: that of one encoded sample."""
        return self.encoded_shape

    def encoded_inputs(self) -> Any:
        """``keras.Input`` of encoded samples."""
        import keras

        return keras.Input(self.encoded_shape, dtype=self.encoded_dtype, name="encoded")

    def check_rows(self, x: Any, y: Any, role: str) -> None:
        """Check that there are samples, as many as targets, and the targets themselves.

        Args:
            x: prepared inputs.
            y: targets, or None.
            role: ``train`` or ``validation``.

        Raises:
            GenomeError: see above.
        """
        arrays = list(x.values()) if isinstance(x, Mapping) else [x]
        rows = {len(array) for array in arrays}
        if len(rows) != 1:
            raise GenomeError(f"x_{role}: columns differ in their number of rows: {sorted(rows)}")
        (count,) = rows
        if not count:
            raise GenomeError(f"x_{role}: expected at least one sample, got none")
        if y is None:
            return
        self.target.check(y, f"y_{role}")
        if row_count(y) != count:
            raise GenomeError(f"y_{role}: expected {count} rows, one per sample, got {row_count(y)}")

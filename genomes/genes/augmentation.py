"""Augmentation of images inside the graph: stateless, with ``keras.ops`` only, one draw per sample.

Points that come from outside the image take the value of its border.
Everything here compiles with XLA; Keras' ``affine_transform`` and ``beta`` do not on TensorFlow.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from genomes.genes.training import ImageTraining


def augment(training: ImageTraining, x: Any, y: Any, seed: Any) -> tuple[Any, Any]:
    """Augment a batch of images as the settings say.

    Args:
        training: the settings.
        x: images, shape (batch, height, width, channels), any number type.
        y: targets, first axis batch; one-hot or other numbers that can be mixed if ``training.mixup``.
        seed: integer tensor of shape (2,); equal seeds, equal results.

    Returns:
        ``(x, y)``; x in float32.
    """
    from keras import ops

    x = ops.cast(x, "float32")
    # Each augmentation draws from its own seed: switching one on leaves the others' draws alone.
    draws = _Draws(seed, ops.shape(x)[0])
    if training.flip != "none":
        x = _mirrored(x, draws.uniform(0), axis=2)
        if training.flip == "both":
            x = _mirrored(x, draws.uniform(1), axis=1)
    if training.rotation or training.zoom:
        x = _transformed(training, x, draws)
    elif training.shift:
        x = _shifted(training.shift, x, draws)
    if training.cutout:
        x = _cutout(training.cutout, x, draws)
    if training.mixup:
        x, y = _mixed(training.mixup, x, y, draws)
    return x, y


class _Draws:
    """Random numbers, one per sample, each purpose from its own seed."""

    def __init__(self, seed: Any, rows: Any) -> None:
        self._seed = seed
        self._rows = rows

    def _generator(self, purpose: int) -> Any:
        import keras

        seed = keras.ops.cast(self._seed, "uint32") + keras.ops.array([0, purpose * 7919], dtype="uint32")
        return _given_seed()(seed)

    def uniform(self, purpose: int, low: float = 0.0, high: float = 1.0) -> Any:
        """Shape (batch,), between ``low`` and ``high``."""
        import keras

        return keras.random.uniform((self._rows,), low, high, seed=self._generator(purpose))


@functools.cache
def _given_seed() -> Any:
    """The class of generators that hand out a seed tensor: Keras' random functions take tensors only so."""
    import keras

    class GivenSeed(keras.random.SeedGenerator):
        def __init__(self, seed: Any) -> None:
            self._given = seed

        def next(self, ordered: bool = True) -> Any:
            return self._given

    return GivenSeed


def _mirrored(x: Any, draw: Any, axis: int) -> Any:
    from keras import ops

    return ops.where(ops.reshape(draw < 0.5, (-1, 1, 1, 1)), ops.flip(x, axis=axis), x)


def _picked(x: Any, rows: Any, columns: Any) -> Any:
    """The points of each image at whole coordinates of shape (batch, height, width), the border beyond them."""
    from keras import ops

    batch, height, width, channels = ops.shape(x)
    rows = ops.clip(rows, 0, height - 1)
    columns = ops.clip(columns, 0, width - 1)
    first = ops.reshape(ops.arange(batch, dtype="int32") * (height * width), (-1, 1, 1))
    return ops.take(ops.reshape(x, (-1, channels)), first + rows * width + columns, axis=0)


def _shifted(share: float, x: Any, draws: _Draws) -> Any:
    from keras import ops

    _, height, width, _ = ops.shape(x)
    down = ops.cast(ops.round(draws.uniform(2, -share, share) * height), "int32")
    right = ops.cast(ops.round(draws.uniform(3, -share, share) * width), "int32")
    rows = ops.reshape(ops.arange(height, dtype="int32"), (1, -1, 1)) - ops.reshape(down, (-1, 1, 1))
    columns = ops.reshape(ops.arange(width, dtype="int32"), (1, 1, -1)) - ops.reshape(right, (-1, 1, 1))
    return _picked(x, rows, columns)


def _transformed(training: ImageTraining, x: Any, draws: _Draws) -> Any:
    """Shift, rotation and zoom about the centre, bilinear."""
    from keras import ops

    _, height, width, _ = ops.shape(x)

    def column(values: Any) -> Any:
        return ops.reshape(values, (-1, 1, 1))

    angle = draws.uniform(4, -math.radians(training.rotation), math.radians(training.rotation))
    scale = draws.uniform(5, 1.0 - training.zoom, 1.0 + training.zoom)
    down = column(draws.uniform(2, -training.shift, training.shift)) * height
    right = column(draws.uniform(3, -training.shift, training.shift)) * width
    cosine, sine = column(ops.cos(angle) / scale), column(ops.sin(angle) / scale)
    middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
    rows = ops.reshape(ops.arange(height, dtype="float32"), (1, -1, 1)) - middle_row - down
    columns = ops.reshape(ops.arange(width, dtype="float32"), (1, 1, -1)) - middle_column - right
    source_rows = cosine * rows - sine * columns + middle_row
    source_columns = sine * rows + cosine * columns + middle_column
    top, left = ops.floor(source_rows), ops.floor(source_columns)
    lower, righter = (source_rows - top)[..., None], (source_columns - left)[..., None]
    top, left = ops.cast(top, "int32"), ops.cast(left, "int32")
    upper = _picked(x, top, left) * (1 - righter) + _picked(x, top, left + 1) * righter
    below = _picked(x, top + 1, left) * (1 - righter) + _picked(x, top + 1, left + 1) * righter
    return upper * (1 - lower) + below * lower


def _cutout(share: float, x: Any, draws: _Draws) -> Any:
    from keras import ops

    _, height, width, _ = ops.shape(x)
    inside = []
    for purpose, length, shape in ((6, height, (1, -1, 1, 1)), (7, width, (1, 1, -1, 1))):
        middle = ops.reshape(draws.uniform(purpose, 0.0, 1.0), (-1, 1, 1, 1)) * length
        position = ops.reshape(ops.arange(length, dtype="float32"), shape) + 0.5
        inside.append(ops.abs(position - middle) < share * length / 2)
    fill = ops.mean(x, axis=(1, 2), keepdims=True)
    return ops.where(ops.logical_and(*inside), fill, x)


#: Points of the grid of quantiles.
_GRID = 256


@functools.lru_cache(maxsize=64)
def _mixing_quantiles(parameter: float) -> np.ndarray:
    """Quantiles of (1 - m) ** parameter, m the larger of lambda and 1 - lambda, lambda from Beta(parameter, parameter).

    Keras draws Beta through Gamma, for which XLA has no kernel. In s = (1 - m) ** parameter the
    density is (1 - s ** (1 / parameter)) ** (parameter - 1), without the poles that Beta has.

    Returns:
        float32, shape (_GRID,), at probabilities evenly spaced from 0 to 1.
    """
    s = np.linspace(0.0, 0.5**parameter, 4097)
    density = (1.0 - s ** (1.0 / parameter)) ** (parameter - 1.0)
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.interp(np.linspace(0.0, 1.0, _GRID), cumulative / cumulative[-1], s).astype(np.float32)


def _mixed(parameter: float, x: Any, y: Any, draws: _Draws) -> tuple[Any, Any]:
    """Each sample mixed with the one opposite in the batch, which shuffling has made a random one."""
    from keras import ops

    # Between grid points linearly: quantiles on an even grid of probabilities.
    quantiles = ops.convert_to_tensor(_mixing_quantiles(parameter))
    place = draws.uniform(8) * (_GRID - 1)
    below = ops.clip(ops.cast(ops.floor(place), "int32"), 0, _GRID - 2)
    weight = place - ops.cast(below, "float32")
    root = ops.take(quantiles, below) * (1 - weight) + ops.take(quantiles, below + 1) * weight
    share = 1.0 - ops.power(root, 1.0 / parameter)
    y = ops.cast(y, "float32")
    for_x = ops.reshape(share, (-1, *(1 for _ in x.shape[1:])))
    for_y = ops.reshape(share, (-1, *(1 for _ in y.shape[1:])))
    return (
        for_x * x + (1 - for_x) * ops.flip(x, axis=0),
        for_y * y + (1 - for_y) * ops.flip(y, axis=0),
    )

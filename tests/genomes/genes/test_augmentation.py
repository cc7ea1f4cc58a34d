"""Augmentation: stateless, per sample, what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genomes import spaces
from genomes.genes.augmentation import _mixing_quantiles, augment
from genomes.genes.training import ImageTraining

SETTINGS: list[dict[str, Any]] = [
    {"flip": "horizontal"}, {"flip": "both"}, {"shift": 0.25}, {"rotation": 30.0}, {"zoom": 0.2},
    {"cutout": 0.5}, {"mixup": 0.4},
    {"flip": "both", "shift": 0.1, "rotation": 10.0, "zoom": 0.1, "cutout": 0.3, "mixup": 0.2},
]  # fmt: skip


def batch(rows: int = 16, shape: tuple[int, int, int] = (9, 7, 2)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (rows, *shape)).astype(np.uint8)
    return x, np.eye(4, dtype=np.float32)[np.arange(rows) % 4]


def applied(settings: dict[str, Any], seed: tuple[int, int], rows: int = 16) -> tuple[np.ndarray, np.ndarray]:
    x, y = augment(ImageTraining(**settings), *batch(rows), np.array(seed, np.int32))
    return np.asarray(x), np.asarray(y)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_equal_seeds_equal_results_and_other_seeds_others(settings: dict[str, Any]) -> None:
    x, y = applied(settings, (1, 2))
    again, other = applied(settings, (1, 2)), applied(settings, (1, 3))
    assert (x == again[0]).all() and (y == again[1]).all()
    assert (x != other[0]).any()
    original, targets = batch()
    assert x.shape == original.shape and x.dtype == np.float32
    assert np.isfinite(x).all() and x.min() >= 0 and x.max() <= 255.001
    assert (x.reshape(16, -1) != original.reshape(16, -1)).any(axis=1).sum() >= 4
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-5)
    if "mixup" not in settings:
        assert (y == targets).all()


@pytest.mark.parametrize("compiled", [False, True])
def test_in_a_graph_with_an_open_batch_and_in_xla(compiled: bool) -> None:
    import tensorflow as tf

    training = ImageTraining(**SETTINGS[-1])
    function = tf.function(
        lambda x, y, seed: augment(training, x, y, seed),
        jit_compile=compiled,
        input_signature=[
            tf.TensorSpec((None, 9, 7, 2), tf.uint8),
            tf.TensorSpec((None, 4)),
            tf.TensorSpec((2,), tf.int32),
        ],
    )
    for rows in (16, 5):
        x, y = function(*batch(rows), np.array([4, 5], np.int32))
        expected = applied(SETTINGS[-1], (4, 5), rows)
        assert x.shape == expected[0].shape and np.isfinite(x).all()
        if not compiled:  # XLA has generators of its own
            np.testing.assert_allclose(x, expected[0], atol=2e-2)
            np.testing.assert_allclose(y, expected[1], atol=1e-4)


def test_flips_and_shifts_move_whole_points() -> None:
    original, _ = batch(64)
    flipped, _ = applied({"flip": "horizontal"}, (0, 1), 64)
    kinds = [
        (f == o).all() + 2 * (f == o[:, ::-1]).all() for f, o in zip(flipped, original.astype(np.float32), strict=True)
    ]
    assert set(kinds) == {1, 2}
    shifted, _ = applied({"shift": 0.25}, (0, 1), 64)
    seen = set()
    for one, source in zip(shifted, original.astype(np.float32), strict=True):
        found = None
        for down in range(-2, 3):
            for right in range(-2, 3):
                rows = np.clip(np.arange(9) - down, 0, 8)
                columns = np.clip(np.arange(7) - right, 0, 6)
                if (one == source[rows][:, columns]).all():
                    found = (down, right)
        assert found is not None
        seen.add(found)
    assert len(seen) > 10


def test_a_quarter_turn() -> None:
    x = np.arange(25, dtype=np.float32).reshape(1, 5, 5, 1)
    x = np.repeat(x, 200, axis=0)
    turned, _ = augment(ImageTraining(rotation=180.0), x, np.zeros((200, 1)), np.array([0, 0], np.int32))
    # The middle stays where it is, whatever the angle; so does the mean of the inner ring.
    np.testing.assert_allclose(np.asarray(turned)[:, 2, 2, 0], 12, atol=1e-3)
    ring = np.asarray(turned)[:, 1:4, 1:4, 0].mean(axis=(1, 2))
    np.testing.assert_allclose(ring, 12, atol=1e-2)


def test_cutout_erases_a_square_of_its_size() -> None:
    x = np.zeros((300, 20, 20, 1), np.float32)
    x[:, ::2] = 1.0
    cut, _ = augment(ImageTraining(cutout=0.3), x, np.zeros((300, 1)), np.array([0, 0], np.int32))
    sizes = (np.asarray(cut) == 0.5).sum(axis=(1, 2, 3))
    assert sizes.max() == 36 and sizes.min() >= 9


@pytest.mark.parametrize("parameter", [0.1, 0.4, 1.0, 4.0])
def test_shares_of_mixup_follow_the_beta_distribution(parameter: float) -> None:
    draws = np.random.default_rng(0).beta(parameter, parameter, 100_000)
    draws = np.maximum(draws, 1 - draws)
    shares = 1 - _mixing_quantiles(parameter).astype(float) ** (1 / parameter)
    np.testing.assert_allclose(np.quantile(draws, 1 - np.linspace(0, 1, 256)), shares, atol=0.03)


def test_mixup_mixes_pictures_and_targets_alike() -> None:
    x, y = applied({"mixup": 0.4}, (7, 8))
    original, targets = batch()
    original = original.astype(np.float32)
    for index in range(16):
        share = y[index] @ targets[index]
        if (targets[index] != targets[15 - index]).any():
            assert 0.5 <= share <= 1.0
            expected = share * original[index] + (1 - share) * original[15 - index]
            np.testing.assert_allclose(x[index], expected, atol=0.05)


def test_the_space_leaves_a_batch_alone_where_nothing_is_asked() -> None:
    space = spaces.image((9, 7, 2), classes=4)
    x, y = batch()
    same = space.augment(space.default(), x, y, None)
    assert same[0] is x and same[1] is y

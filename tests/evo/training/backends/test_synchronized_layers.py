"""Batch normalization over all replicas, where there is one: Keras' own numbers."""

from __future__ import annotations

import numpy as np
import pytest

from evo.training.backends.synchronized_layers import synchronized, without_statistics


def layer_and_model(**settings):
    import keras

    layer = keras.layers.BatchNormalization(**settings)
    return layer, keras.Sequential([keras.Input((4, 3)), layer])


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("settings", [{}, {"axis": 1}, {"scale": False, "momentum": 0.5}])
def test_one_device_is_keras_own(masked, settings):
    import keras

    rng = np.random.default_rng(0)
    x = rng.normal(5.0, 2.0, (7, 4, 3)).astype(np.float32)
    if masked and "axis" in settings:
        pytest.skip("Keras' own masks have the shape of the other axes for the last one alone")
    mask = keras.ops.convert_to_tensor(rng.random((7, 4)) < 0.6) if masked else None
    found = []
    for together in (False, True):
        layer, model = layer_and_model(**settings)
        if together:
            with synchronized(model):
                y = layer(x, training=True, mask=mask)
        else:
            y = layer(x, training=True, mask=mask)
        found.append([np.asarray(y), *layer.get_weights()])
    for ours, keras_own in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(ours, keras_own, rtol=1e-5, atol=1e-5)


def test_a_large_mean_leaves_the_variance():
    x = np.random.default_rng(0).normal(1e4, 1.0, (64, 4, 3)).astype(np.float32)
    layer, model = layer_and_model(momentum=0.0)
    with synchronized(model):
        layer(x, training=True)
    np.testing.assert_allclose(layer.moving_variance, x.var((0, 1)), rtol=1e-3)


def test_without_statistics_no_row_is_looked_at():
    x = np.random.default_rng(0).normal(5.0, 2.0, (7, 4, 3)).astype(np.float32)
    layer, model = layer_and_model()
    learnt = np.asarray(layer(x, training=False))
    with without_statistics(model):
        np.testing.assert_allclose(layer(x, training=True), learnt, rtol=1e-6)
    assert "_moments" not in vars(layer)

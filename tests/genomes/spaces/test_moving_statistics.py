from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from genomes.spaces.hypermodel.moving_statistics import unbias


def net(sequential: bool, normalization):
    import keras

    layers = [keras.layers.Dense(4), normalization, keras.layers.Dense(1)]
    if sequential:
        model = keras.Sequential()
        model.add(keras.Input((3,)))
        for layer in layers:
            model.add(layer)
        return model
    x = inputs = keras.Input((3,))
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


@settings(deadline=None, max_examples=10)
@given(steps=st.integers(1, 12), momentum=st.sampled_from([0.5, 0.9, 0.99]), sequential=st.booleans())
def test_equal_batches_leave_their_own_mean_and_variance(steps, momentum, sequential):
    import keras

    normalization = keras.layers.BatchNormalization(momentum=momentum)
    model = net(sequential, normalization)
    x = np.random.default_rng(steps).normal(2.0, 3.0, (16, 3)).astype(np.float32)
    for _ in range(steps):
        model(x, training=True)
    assert unbias(model, steps) == 1
    seen = np.asarray(model.layers[-3](x))
    np.testing.assert_allclose(np.asarray(normalization.moving_mean), seen.mean(axis=0), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(np.asarray(normalization.moving_variance), seen.var(axis=0), rtol=2e-3, atol=1e-3)


def test_what_is_not_known_is_left_alone():
    import keras

    normalization = keras.layers.BatchNormalization()
    inputs = keras.Input((4,))
    twice = keras.Model(inputs, normalization(normalization(inputs)))
    assert unbias(twice, 3) == 0
    assert unbias(net(False, keras.layers.BatchNormalization(moving_mean_initializer="ones")), 3) == 0
    frozen = keras.layers.BatchNormalization(trainable=False)
    assert unbias(net(True, frozen), 3) == 0
    assert unbias(net(True, keras.layers.LayerNormalization()), 3) == 0


def test_the_variance_of_a_constant_channel_does_not_fall_below_zero():
    import keras

    normalization = keras.layers.BatchNormalization(momentum=0.9999)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, normalization(inputs))
    below = np.nextafter(np.float32(0.9999**7), np.float32(0))  # what rounding makes of seven steps without variance
    normalization.moving_variance.assign(np.full(4, below))
    assert unbias(model, 7) == 1
    assert (np.asarray(normalization.moving_variance) >= 0).all()

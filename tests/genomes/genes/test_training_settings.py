"""Training settings: schedules by absolute position, optimizers, what has no effect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomes import spaces
from genomes.genes.training import SGD_FACTOR, ImageTraining, Training

SETTINGS = st.builds(
    Training,
    learning_rate=st.floats(1e-5, 1.0),
    schedule=st.sampled_from(["constant", "inverse-square-root"]),
    warmup=st.sampled_from([0.0, 0.5, 2.0]),
    decay=st.sampled_from(["linear", "cosine", "square-root"]),
)


@given(SETTINGS, st.integers(0, 5), st.integers(1, 5), st.integers(1, 5), st.integers(1, 9))
def test_rates_depend_on_the_absolute_position(
    training: Training, first: int, some: int, more: int, steps: int
) -> None:
    whole = training.learning_rates(0, first + some + more, False, steps)
    part = training.learning_rates(first, first + some, False, steps)
    assert whole.dtype == np.float32 and whole.shape == ((first + some + more) * steps,)
    assert (part == whole[first * steps : (first + some) * steps]).all()
    assert (whole > 0).all() and whole.max() <= np.float32(training.learning_rate)


@given(SETTINGS, st.integers(0, 5), st.integers(1, 5), st.integers(2, 9))
def test_a_final_training_ends_near_zero(training: Training, first: int, epochs: int, steps: int) -> None:
    plain = training.learning_rates(first, first + epochs, False, steps)
    final = training.learning_rates(first, first + epochs, True, steps)
    factor = final / plain
    assert (np.diff(factor) < 0).all()
    assert 0 < factor[-1] <= 0.5 and factor[0] < 1


def test_forms_of_the_schedule() -> None:
    rates = Training(learning_rate=0.1, warmup=2.0).learning_rates(0, 4, False, 5)
    np.testing.assert_allclose(rates[:10], 0.1 * np.arange(1, 11) / 10, rtol=1e-6)
    np.testing.assert_allclose(rates[10:], 0.1)
    falling = Training(learning_rate=0.1, schedule="inverse-square-root").learning_rates(0, 31, False, 1)
    np.testing.assert_allclose(falling[[0, 10, 30]], [0.1, 0.1 / 2**0.5, 0.05], rtol=1e-6)
    linear = Training(learning_rate=1.0).learning_rates(0, 4, True, 1)
    np.testing.assert_allclose(linear, [0.875, 0.625, 0.375, 0.125])


def test_what_has_no_effect_is_no_part_of_the_phenotype() -> None:
    assert Training(momentum=0.5, nesterov=True).phenotype == Training().phenotype
    assert Training(optimizer="adamw").phenotype == Training(optimizer="adam").phenotype
    plain = Training(optimizer="sgd", momentum=0.0)
    assert plain.replace(nesterov=True).phenotype == plain.phenotype
    assert plain.replace(momentum=0.5).phenotype != plain.phenotype
    assert Training(learning_rate=0.01).phenotype != Training(learning_rate=0.02).phenotype


@pytest.mark.parametrize("name", ["adam", "adamw", "nadam", "rmsprop", "lion", "sgd"])
def test_optimizers_step_downhill_and_spare_biases_of_decay(name: str) -> None:
    import keras

    settings = Training(optimizer=name, learning_rate=0.01, weight_decay=0.5, gradient_clip=1.0, nesterov=True)
    optimizer = settings.optimizer_object()
    kernel = keras.Variable(np.ones((2, 2), np.float32), name="kernel")
    bias = keras.Variable(np.ones(2, np.float32), name="bias")
    optimizer.build([kernel, bias])
    zero = np.zeros(2, np.float32)
    optimizer.apply([np.zeros((2, 2), np.float32), zero])
    assert (np.asarray(kernel) < 1).all()
    assert (np.asarray(bias) == 1).all()
    before = np.asarray(bias).copy()
    optimizer.apply([np.zeros((2, 2), np.float32), zero + 1])
    assert (np.asarray(bias) < before).all()


def test_learning_rate_follows_a_change_to_sgd() -> None:
    space = spaces.image((8, 8, 1), classes=10)
    domains = space.domains(ImageTraining)
    before = ImageTraining(learning_rate=0.003)
    after = before.replace(optimizer="sgd").adjusted(before, domains)
    assert after.learning_rate == pytest.approx(0.003 * SGD_FACTOR)
    back = after.replace(optimizer="nadam").adjusted(after, domains)
    assert back.learning_rate == pytest.approx(0.003)
    assert before.replace(optimizer="nadam").adjusted(before, domains).learning_rate == 0.003


def test_sampled_rates_lie_about_the_default() -> None:
    space = spaces.image((8, 8, 1), classes=10)
    rng = np.random.default_rng(0)
    rates: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(300):
        training = space.sample(rng).training
        assert isinstance(training, ImageTraining)
        rates[training.optimizer == "sgd"].append(training.learning_rate)
    assert 0.002 < np.median(rates[False]) < 0.0045
    assert 0.02 < np.median(rates[True]) < 0.045


def test_losses_follow_the_settings() -> None:
    import keras

    space = spaces.image((8, 8, 1), classes=10)
    plain = space.default()
    assert plain.training is not None
    assert isinstance(space.loss(plain), keras.losses.SparseCategoricalCrossentropy)
    assert not space.needs_soft_targets(plain)
    for changes in ({"mixup": 0.2}, {"label_smoothing": 0.1}):
        genome = plain.replace(training=plain.training.replace(**changes))
        assert space.needs_soft_targets(genome)
        loss = space.loss(genome)
        assert isinstance(loss, keras.losses.CategoricalCrossentropy)
        assert loss.label_smoothing == changes.get("label_smoothing", 0.0)
    two = spaces.image((8, 8, 1), classes=2)
    mixed = two.default().replace(training=plain.training.replace(mixup=0.2))
    assert not two.needs_soft_targets(mixed)
    assert isinstance(two.loss(mixed), keras.losses.BinaryCrossentropy)
    assert space.batch_size(plain) == 32

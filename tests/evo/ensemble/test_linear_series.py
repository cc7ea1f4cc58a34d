"""Linear models on random convolutions of series: against brute force, scikit-learn and Keras."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifierCV, RidgeCV

from evo.ensemble import LinearModel, linear_candidates
from evo.ensemble.linear import fit_linear
from evo.ensemble.linear.convolutions import SeriesFeatures
from evo.ensemble.linear.fitting import series_recipes
from evo.ensemble.linear.solving import PENALTIES, leave_one_out_ridge
from evo.errors import EnsembleError

PLAIN, DIFFERENCES = series_recipes(None, None)


def made_series(rows: int = 60, length: int = 40, channels: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Waves of two frequencies; series are of different lengths, and some values are missing."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, rows)
    steps = np.arange(length)[None, :, None] * np.where(y, 0.9, 0.6)[:, None, None]
    x = np.sin(steps + random.uniform(0, 6, (rows, 1, 1))) + random.normal(0, 0.3, (rows, length, channels))
    x[random.random(x.shape) < 0.02] = np.nan
    for row in range(0, rows, 3):
        x[row, random.integers(5, length) :] = np.nan
    return x.astype(np.float32), y


@pytest.mark.parametrize("differences", [False, True])
def test_features_are_the_shares_that_a_loop_over_steps_counts(differences):
    x, _ = made_series(7, 23, 3)
    features = SeriesFeatures.learn(x, None, differences, None, seed=1)
    found = features.of(x)
    assert found.shape == (7, features.width) and 9000 < features.width <= 10_000
    places = list(itertools.combinations(range(9), 3))
    column = 0
    random = np.random.default_rng(0)
    for one in features.dilations:
        number = one.thresholds.shape[1]
        for kernel in random.choice(84, 4, replace=False):
            weights = [2.0 if place in places[kernel] else -1.0 for place in range(9)]
            for row in range(7):
                shares = _shares(x[row], features, weights, one.step, one.channels[kernel], one.thresholds[kernel])
                np.testing.assert_allclose(found[row, column + kernel :: 84][:number], shares, atol=1e-6)
        column += 84 * number
    # One number of another series says nothing of this one.
    np.testing.assert_array_equal(features.of(x[2:3])[0], found[2])


def _shares(series, features, weights, dilation, channels, thresholds):
    """What one kernel gives for one series, by loops in float64."""
    real = [not np.isnan(step).all() for step in series]
    z = [
        [
            0.0 if np.isnan(v) else np.clip((float(v) - m) / s, -10, 10)
            for v, m, s in zip(step, features.mean, features.scale, strict=True)
        ]
        for step in series
    ]
    if features.differences:
        z = [[0.0] * len(z[0])] + [[b - a for a, b in zip(z[at - 1], z[at], strict=True)] for at in range(1, len(z))]
        real = [False] + [real[at] and real[at - 1] for at in range(1, len(real))]
    z = [step if known else [0.0] * len(step) for step, known in zip(z, real, strict=True)]
    values = []
    for at in range(len(z)):
        if not real[at]:
            continue
        total = 0.0
        for place, weight in enumerate(weights):
            where = at + (place - 4) * dilation
            if 0 <= where < len(z):
                total += weight * sum(v for v, chosen in zip(z[where], channels, strict=True) if chosen)
        values.append(total)
    return [np.mean([value > threshold for value in values]) if values else 0.0 for threshold in thresholds]


def test_padding_has_no_influence():
    x, _ = made_series()
    features = SeriesFeatures.learn(x, None, False, None, seed=0)
    longer = np.concatenate([x, np.full((len(x), 30, 2), np.nan, np.float32)], axis=1)
    np.testing.assert_allclose(features.of(longer), features.of(x), atol=1e-6)


def test_thresholds_are_quantiles_of_training_series_so_that_features_differ():
    x, _ = made_series()
    features = SeriesFeatures.learn(x, None, False, None, seed=0)
    means = features.of(x).mean(axis=0)
    assert means.min() < 0.1 and means.max() > 0.9 and 0.4 < means.mean() < 0.6
    other = SeriesFeatures.learn(x, None, False, None, seed=1)
    assert any((a.thresholds != b.thresholds).any() for a, b in zip(features.dilations, other.dilations, strict=True))
    same = SeriesFeatures.learn(x, None, False, None, seed=0)
    assert all((a.thresholds == b.thresholds).all() for a, b in zip(features.dilations, same.dilations, strict=True))


@pytest.mark.parametrize("shape", [(40, 90), (90, 40)])
@pytest.mark.parametrize("weighted", [False, True])
def test_ridge_is_scikit_learns_with_leave_one_out(shape, weighted):
    random = np.random.default_rng(0)
    x = random.normal(size=shape)
    y = x[:, :2] @ random.normal(size=(2, 2)) + random.normal(size=(len(x), 2))
    weight = random.uniform(0.2, 2, len(x)) if weighted else None
    coefficient, intercept, without = leave_one_out_ridge(x, y, weight)
    if not weighted:  # scikit-learn's leave-one-out of weighted rows weighs errors otherwise
        other = RidgeCV(alphas=PENALTIES).fit(x, y)
        np.testing.assert_allclose(coefficient.T, other.coef_, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(intercept, other.intercept_, rtol=1e-5, atol=1e-7)
    # Each row by itself: fitted anew without it, with the penalty that was chosen.
    from sklearn.linear_model import Ridge

    whole = [Ridge(alpha=penalty).fit(x, y, sample_weight=_mean_one(weight)) for penalty in PENALTIES]
    penalty = PENALTIES[int(np.argmin([np.abs(model.coef_ - coefficient.T).max() for model in whole]))]
    for row in range(0, len(x), 7):
        left = np.arange(len(x)) != row
        share = None if weight is None else _mean_one(weight)[left]
        alone = Ridge(alpha=penalty).fit(x[left], y[left], sample_weight=share)
        np.testing.assert_allclose(without[row], alone.predict(x[row : row + 1])[0], rtol=1e-6, atol=1e-8)


def _mean_one(weight):
    return None if weight is None else weight / weight.mean()


def test_the_classes_are_those_of_scikit_learns_ridge_classifier_and_probabilities_are_calibrated():
    x, y = made_series(200)
    kept = np.arange(200) >= 120
    model = fit_linear(x[~kept], y[~kept], "binary", PLAIN)
    predictions = model.predict(x[kept])[:, 0]
    features = model.copies[0].features
    train, rows = (features.of(x[which]).astype(np.float64) for which in (~kept, kept))
    scale = np.where(train.std(axis=0) > 0, train.std(axis=0), 1.0)
    other = RidgeClassifierCV(alphas=PENALTIES).fit(train / scale, y[~kept])
    assert ((predictions > 0.5) == other.predict(rows / scale)).mean() > 0.98
    assert ((predictions > 0.5) == y[kept]).mean() > 0.9
    several = fit_linear(x[~kept], y[~kept], "multiclass", PLAIN, outputs=3).predict(x[kept])
    np.testing.assert_allclose(several[:, 1], predictions, atol=1e-5)
    assert (several[:, 2] == 0).all()


def test_numbers_are_predicted_as_well():
    x, y = made_series(150)
    kept = np.arange(150) >= 100
    target = 100.0 + 5.0 * y
    predictions = fit_linear(x[~kept], target[~kept], "regression", PLAIN).predict(x[kept])[:, 0]
    assert np.sqrt(np.mean((predictions - target[kept]) ** 2)) < 0.7 * target[kept].std()


def test_series_give_the_same_in_a_file_and_in_keras(tmp_path):
    import keras

    x, y = made_series(30)
    for recipe in series_recipes("wave", -1.0):
        given = {"wave": x, "other": np.zeros(30)}
        model = fit_linear(given, y, "binary", recipe)
        predictions = model.predict(given)
        model.save(tmp_path / "m.linear")
        assert LinearModel.load(tmp_path / "m.linear").predict(given).tobytes() == predictions.tobytes()
        net = model.keras_model({"wave": keras.Input((40, 2), name="wave")})
        masked = np.where(np.isnan(x), np.float32(-1), x)
        np.testing.assert_allclose(net.predict({"wave": masked}, verbose=0), predictions, atol=1e-4)
    with pytest.raises(EnsembleError, match="has learned of"):
        model.predict({"wave": x[:, :, :1]})


def test_candidates_come_from_steps_and_from_differences():
    x, y = made_series(80)
    train, kept = np.arange(50), np.arange(50, 80)
    found = linear_candidates(series_recipes(None, None), x[train], y[train], x[kept], y[kept], "binary", seed=3)
    assert [c.number for c in found] == [-101, -111]
    assert [c.load().name for c in found] == ["random convolutions", "random convolutions of differences"]
    for candidate in found:
        np.testing.assert_allclose(candidate.load().predict(x[kept]), candidate.predictions, atol=1e-6)


def test_short_constant_and_empty_series_are_no_harm():
    x = np.zeros((12, 3, 1), np.float32)
    x[6:, :, 0] = 1
    x[0] = np.nan
    y = np.arange(12) >= 6
    model = fit_linear(x, y, "binary", PLAIN)
    assert np.isfinite(model.predict(x)).all()


def test_a_file_with_other_kernels_is_refused(tmp_path):
    x, y = made_series(20)
    fit_linear(x, y, "binary", PLAIN).save(tmp_path / "m.linear")
    with np.load(tmp_path / "m.linear") as stored:
        arrays = dict(stored)
    for name, array in {
        "0/features/0/channels": arrays["0/features/0/channels"][:, :1],
        "0/features/0/thresholds": arrays["0/features/0/thresholds"][:, 1:],
        "0/features/mean": arrays["0/features/mean"].astype(np.float64),
        "0/features/scale": 0 * arrays["0/features/scale"],
    }.items():
        np.savez(tmp_path / "other.npz", **{**arrays, name: array})
        with pytest.raises(EnsembleError, match="damaged"):
            LinearModel.load(tmp_path / "other.npz")

"""Linear models on n-grams of texts: against scikit-learn, in every language, in a file, in Keras."""

from __future__ import annotations

import dataclasses
import string

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union

from evo.ensemble import Ensemble, LinearModel, linear_candidates
from evo.ensemble.fold import Fold
from evo.ensemble.linear import fit_linear
from evo.ensemble.linear.fitting import recipe_rows, text_recipes
from evo.ensemble.linear.terms import Terms
from evo.ensemble.linear.text_features import TextFeatures
from evo.errors import EnsembleError
from genomes import spaces
from genomes.targets import Binary, Mixed, Multiclass, Part, Regression

WORDS, CHARACTERS, BOTH = text_recipes((None,))
_WORDS = ["Alpha", "beta", "GAMMA", "delta,", "eps!", "zeta", "eta", "theta", "iota", "kappa", "--", "(mu)"]


def made_texts(rows: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Texts of three classes whose words differ in frequency."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, rows)
    shares = random.dirichlet(np.ones(len(_WORDS)), 3)
    texts = [" ".join(random.choice(_WORDS, random.integers(0, 25), p=shares[kind])) for kind in y]
    return np.array([text.encode() for text in texts]), y


def strings(x: np.ndarray) -> list[str]:
    return [text.decode() for text in x.tolist()]


def stripped(text: str) -> str:
    return text.lower().translate(str.maketrans("", "", string.punctuation))


def vectorizer(unit: str) -> TfidfVectorizer:
    if unit == "words":
        return TfidfVectorizer(
            preprocessor=stripped, token_pattern=r"\S+", ngram_range=(1, 2), min_df=2, sublinear_tf=True
        )
    return TfidfVectorizer(analyzer="char", ngram_range=(2, 5), min_df=2, sublinear_tf=True)


@pytest.mark.parametrize(("recipe", "units"), [(WORDS, ["words"]), (CHARACTERS, ["char"]), (BOTH, ["words", "char"])])
def test_probabilities_are_those_of_scikit_learns_tfidf_and_logistic_regression(recipe, units):
    x, y = made_texts()
    new, _ = made_texts(seed=1)
    for strength in recipe.strengths:
        model = fit_linear(x, y, "multiclass", recipe, strength=strength)
        other = make_pipeline(
            make_union(*map(vectorizer, units)), LogisticRegression(C=strength, max_iter=1000, tol=1e-4)
        )
        other.fit(strings(x), y)
        np.testing.assert_allclose(model.predict(new), other.predict_proba(strings(new)), atol=1e-6)


def test_two_classes_labels_and_numbers_are_scikit_learns_as_well():
    x, y = made_texts()
    new, _ = made_texts(seed=1)
    features = vectorizer("words").fit(strings(x))
    train, rows = features.transform(strings(x)), features.transform(strings(new))
    weight = np.random.default_rng(0).random(len(y))
    one = fit_linear(x, y == 1, "binary", WORDS, sample_weight=weight).predict(new)
    other = LogisticRegression(C=3.0, max_iter=1000).fit(train, y == 1, sample_weight=weight)
    np.testing.assert_allclose(one[:, 0], other.predict_proba(rows)[:, 1], atol=1e-6)
    labels = np.stack([y > 0, y == 1], axis=1)
    several = fit_linear(x, labels, "multilabel", WORDS).predict(new)
    each = OneVsRestClassifier(LogisticRegression(C=3.0, max_iter=1000)).fit(train, labels)
    np.testing.assert_allclose(several, each.predict_proba(rows), atol=1e-6)
    numbers = np.stack([10.0 * y + 3, -1.0 * y], axis=1)
    ridge = Ridge(alpha=1 / 3, tol=1e-6).fit(train, (numbers - numbers.mean(axis=0)) / numbers.std(axis=0))
    expected = ridge.predict(rows) * numbers.std(axis=0) + numbers.mean(axis=0)
    np.testing.assert_allclose(fit_linear(x, numbers, "regression", WORDS).predict(new), expected, atol=2e-2)


def test_a_class_that_no_row_has_gets_probability_zero():
    x, y = made_texts()
    two = fit_linear(x, np.where(y == 2, 3, 1), "multiclass", WORDS, outputs=5).predict(x)
    assert (two[:, [0, 2, 4]] == 0).all()
    np.testing.assert_allclose(two.sum(axis=1), 1, rtol=1e-6)


LANGUAGES = [
    "Über den Wolken muss die Freiheit grenzenlos sein",
    "über den wolken. MUSS die Freiheit!",
    "Все счастливые семьи похожи друг на друга",
    "ВСЕ СЧАСТЛИВЫЕ люди",
    "今天天气很好，我们去公园",
    "今天天气很好",
    "ภาษาไทยไม่มีช่องว่าง",
    "हिन्दी में एक वाक्य",
    "naïve café \U0001f600 cafe\u0301",
    "",
    "   ",
    "\x00\ufffd tab\tand\nline",
]


def test_texts_of_every_language_give_the_same_in_a_file_and_in_keras(tmp_path):
    import keras
    import tensorflow as tf

    x = np.array([text.encode() for text in LANGUAGES * 3])
    y = np.arange(len(x)) % len(LANGUAGES) % 2
    for recipe in (WORDS, CHARACTERS, BOTH):
        model = fit_linear(x, y, "binary", recipe)
        predictions = model.predict(x)
        model.save(tmp_path / "m.linear")
        assert LinearModel.load(tmp_path / "m.linear").predict(x).tobytes() == predictions.tobytes()
        net = model.keras_model(keras.Input((1,), dtype="string", name="text"))
        given = tf.constant(x.astype(object))[:, None]
        np.testing.assert_allclose(net.predict(given, verbose=0), predictions, atol=1e-6)
        assert np.mean((predictions[:, 0] > 0.5) == y) > 0.7
    # Case makes no difference, also where it is not that of ASCII.
    words = Terms.learn([text.upper() for text in LANGUAGES] * 2, "words", (1,))
    assert abs(words.weights([LANGUAGES[2]]) - words.weights([LANGUAGES[2].upper()])).max() < 1e-12


def test_n_grams_are_those_of_at_least_two_texts_and_never_span_texts():
    terms = Terms.learn(["a b", "b c", "a b c d"], "words", (1, 2))
    by_number = {int(number): form for form, number in zip(terms.forms, terms.numbers, strict=True)}
    pairs = {(by_number[key // terms.base], by_number[key % terms.base]) for key in terms.keys[2].tolist()}
    assert pairs == {("a", "b"), ("b", "c")}
    assert {by_number[key] for key in terms.keys[1].tolist()} == {"a", "b", "c"}


def test_of_many_n_grams_the_frequent_ones_are_kept(monkeypatch):
    monkeypatch.setattr("evo.ensemble.linear.terms.MOST_TERMS", 2)
    terms = Terms.learn(["often seldom", "often also", "often also seldom", "often also"], "words", (1,))
    kept = {form for form, number in zip(terms.forms, terms.numbers, strict=True) if number in terms.keys[1]}
    assert kept == {"often", "also"}


def test_candidates_are_judged_by_rows_that_they_did_not_learn_from():
    x, y = made_texts(200)
    train, kept = np.arange(150), np.arange(150, 200)
    found = linear_candidates(text_recipes((None,)), x[train], y[train], x[kept], y[kept], "multiclass")
    assert [c.number for c in found] == [-101, -102, -111, -112, -121]
    for candidate in found:
        assert candidate.kind == "linear" and candidate.scores["val_accuracy"] > 0.6
        assert candidate.load().predict(x[kept]).tobytes() == candidate.predictions.tobytes()
    alone = fit_linear(x[train], y[train], "multiclass", WORDS)
    np.testing.assert_allclose(alone.predict(x[kept]), found[0].predictions, atol=1e-7)


def test_with_folds_each_row_is_judged_by_the_copy_that_did_not_see_it_and_copies_are_averaged():
    x, y = made_texts(90)
    rows = np.arange(90)
    folds = [Fold(rows[rows % 3 != at], np.flatnonzero(rows % 3 == at)) for at in range(3)]
    (found, *_) = linear_candidates([WORDS], x, y, x, y, "multiclass", folds=folds)
    alone = [fit_linear(x[fold.train], y[fold.train], "multiclass", WORDS) for fold in folds]
    for fold, model in zip(folds, alone, strict=True):
        np.testing.assert_allclose(model.predict(x[fold.judged]), found.predictions[fold.judged], atol=1e-7)
    mean = np.mean([model.predict(x) for model in alone], axis=0)
    np.testing.assert_allclose(found.load().predict(x), mean, atol=1e-6)


def test_time_that_is_over_leaves_one_kind_of_features():
    x, y = made_texts()
    found = linear_candidates(text_recipes((None,)), x, y, x, y, "multiclass", seconds=0.0)
    assert 1 <= len(found) <= 2


def test_texts_of_a_mapping_are_found_by_name(tmp_path):
    x, y = made_texts()
    given = {"title": x, "body": x[::-1].copy(), "age": np.zeros((len(x), 1), np.float32)}
    (recipe, *_) = text_recipes(["title", "body"])
    model = fit_linear(given, y, "multiclass", recipe)
    assert model.copies[0].features.width == 2 * fit_linear(x, y, "multiclass", WORDS).copies[0].features.width
    model.save(tmp_path / "m.linear")
    assert LinearModel.load(tmp_path / "m.linear").predict(given).tobytes() == model.predict(given).tobytes()
    with pytest.raises(EnsembleError, match="has learned of"):
        model.predict({"title": x})


def test_a_file_that_holds_no_linear_model_is_refused(tmp_path):
    x, y = made_texts()
    fit_linear(x, y, "multiclass", WORDS).save(tmp_path / "m.linear")
    with np.load(tmp_path / "m.linear") as stored:
        arrays = dict(stored)

    def refused(match, **changes):
        changed = {**arrays, **{f"0/{name.replace('__', '/')}": array for name, array in changes.items()}}
        np.savez(tmp_path / "other.npz", **changed)
        with pytest.raises(EnsembleError, match=match):
            LinearModel.load(tmp_path / "other.npz")

    keys = arrays["0/features/0/keys1"]
    refused("in order", features__0__keys1=keys[::-1])
    refused("do not match", features__0__keys1=keys[1:])
    refused("cut short", features__0__lengths=arrays["0/features/0/lengths"][1:])
    refused("features, but", coefficient=arrays["0/coefficient"][1:])
    refused("float32", coefficient=arrays["0/coefficient"].astype(np.float64))
    refused("no term has", features__0__numbers=arrays["0/features/0/numbers"] - 9)
    refused("damaged", features__0__keys1=np.array([{}], dtype=object))
    refused("another number of outputs", coefficient=arrays["0/coefficient"][:, :2], intercept=np.zeros(2, np.float32))


def test_nets_and_linear_models_mix_in_one_file_and_in_one_keras_model(tmp_path):
    import keras

    x, y = made_texts(60)
    space = spaces.text(3, tokens=50, length=16)
    prepared = space.prepare(x)
    preprocessing = space.adapt(prepared, y)
    keras.utils.set_random_seed(0)
    net = space.build(space.smallest(), preprocessing)
    members = [net, *(c.load() for c in linear_candidates([WORDS], x, y, x, y, "multiclass"))]
    from evo.ensemble import Member

    ensemble = Ensemble(
        [Member(model, at, kind="linear" if at else "net") for at, model in enumerate(members)],
        task="multiclass",
        space=space,
    )
    texts = strings(x)
    expected = ensemble.predict_proba(texts)
    ensemble.save(tmp_path / "mixed.ensemble")
    loaded = Ensemble.load(tmp_path / "mixed.ensemble")
    assert loaded.predict_proba(texts).tobytes() == expected.tobytes()
    assert [m.title for m in loaded.members] == ["trial 0", "tf-idf of words, C=3", "tf-idf of words, C=30"]
    ensemble.export(tmp_path / "mixed.keras", x=texts)
    with_keras = keras.saving.load_model(tmp_path / "mixed.keras", compile=False)
    import tensorflow as tf

    given = tf.constant(np.array(texts, object))[:, None]
    np.testing.assert_allclose(with_keras.predict(given, verbose=0), expected, atol=1e-5)


def test_features_of_no_text_are_none():
    features = TextFeatures.learn(np.array([b"", b""]), (None,), ("words", "characters"))
    assert features.width == 0
    with pytest.raises(EnsembleError, match="nothing to learn from"):
        linear_candidates([WORDS], np.array([b""] * 4), np.arange(4) % 2, np.array([b""]), np.zeros(1), "binary")


def test_of_very_many_texts_some_are_learned_of_evenly():
    x, y = made_texts(100)
    weight = np.arange(100.0)
    fold = Fold(np.arange(100), np.arange(3), weight)
    total = int(np.char.str_len(x).sum())
    whole = recipe_rows(dataclasses.replace(WORDS, most=total), x, fold)
    assert (whole.train == fold.train).all() and (whole.weight == weight).all()
    some = recipe_rows(dataclasses.replace(WORDS, most=total // 3), x, fold)
    assert (some.train == np.arange(0, 100, 4)).all() and (some.weight == weight[::4]).all()
    assert (some.judged == fold.judged).all()
    few = [dataclasses.replace(WORDS, most=total // 3)]
    (found, *_) = linear_candidates(few, x, y, x, y, "multiclass")
    alone = fit_linear(x[::4], y[::4], "multiclass", WORDS)
    np.testing.assert_allclose(found.load().predict(x), alone.predict(x), atol=1e-7)


def test_texts_are_looked_up_in_blocks(monkeypatch):
    texts = strings(made_texts(50)[0])
    terms = Terms.learn(texts, "words", (1, 2))
    whole = terms.weights(texts)
    monkeypatch.setattr("evo.ensemble.linear.terms._AT_ONCE", 7)
    assert abs(terms.weights(texts) - whole).max() == 0
    assert terms.weights([]).shape == (0, len(terms.idf))


def test_several_targets_are_learned_as_each_alone() -> None:
    (x, y), (new, _) = made_texts(), made_texts(seed=1)
    number = np.arange(len(y), dtype=np.float32)[:, None]
    parts = (Part("n", Regression(1)), Part("kind", Multiclass(3)), Part("flag", Binary()))
    mixed = Mixed(parts=parts)
    given = mixed.prepare({"n": number[:, 0], "kind": y, "flag": (y == 1).astype(int)})
    told = fit_linear(x, given, mixed, WORDS).predict(new)
    alone = [
        fit_linear(x, number, "regression", WORDS).predict(new),
        fit_linear(x, y, "multiclass", WORDS, outputs=3).predict(new),
        fit_linear(x, (y == 1).astype(int), "binary", WORDS).predict(new),
    ]
    np.testing.assert_allclose(told, np.concatenate(alone, axis=1), rtol=1e-5, atol=1e-6)

"""Several nets in one: the gene, its heads, and that each member is trained as if it were alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genomes import Genome, GenomeError, Space, spaces
from genomes.genes import Dense, Members

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
TARGETS: dict[str, dict[str, int]] = {
    "numbers": {"outputs": 2},
    "classes": {"classes": 3},
    "two": {"classes": 2},
    "labels": {"labels": 2},
}


def made(space: Any, members: int = 4) -> Genome:
    first = space.default().genes[0]
    genes = (first, Members(members=members, innovation=7), Dense(units=8, activation="relu", innovation=8))
    return Genome(genes, space.default().training)


def softplus(z: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, z)


def cross_entropies(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    top = z.max(-1, keepdims=True)
    return np.asarray(np.log(np.exp(z - top).sum(-1)) + top[..., 0] - (z * y).sum(-1))


#: The loss of scores (..., width) against targets (rows, width), by kind.
LOSSES: dict[str, Any] = {
    "numbers": lambda z, y: ((z - y) ** 2).mean(-1),
    "classes": cross_entropies,
    "two": lambda z, y: (softplus(z) - y * z).mean(-1),
    "labels": lambda z, y: (softplus(z) - y * z).mean(-1),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_ambiguity_makes_the_loss_of_the_mean_that_of_the_members(kind: str) -> None:
    """The oracle: every member's own loss, averaged."""
    target = spaces.tabular(3, **TARGETS[kind]).target  # type: ignore[arg-type]
    rng = np.random.default_rng(1)
    scores = 2 * rng.normal(size=(6, 5, target.width)).astype(np.float32)
    y = rng.normal(size=(6, target.width))
    if kind != "numbers":
        y = rng.dirichlet(np.ones(target.width), 6) if kind == "classes" else rng.random((6, target.width))
    loss = LOSSES[kind]
    each = np.mean([loss(scores[:, m], y) for m in range(5)], axis=0)
    gap = np.asarray(target.ambiguity(scores))
    assert gap.shape == (6, 1) and (gap >= 0).all()
    np.testing.assert_allclose(loss(scores.mean(1), y) + gap[:, 0], each, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", TARGETS)
def test_a_model_adds_the_ambiguity_of_its_heads_to_its_losses(kind: str) -> None:
    import keras

    space = spaces.tabular(3, **TARGETS[kind])  # type: ignore[arg-type]
    model = space.build(made(space), space.adapt(X, None), seed=1, encoded=True)
    encoded = space.encode(X, space.adapt(X, None))
    outputs = np.asarray(model(encoded, training=True))
    head = next(layer for layer in model.layers if isinstance(layer, keras.layers.EinsumDense) and layer.name == "head")
    scores = np.asarray(keras.Model(model.inputs, head.output)(encoded))
    assert scores.shape == (12, 4, space.target.width)
    (added,) = model.losses
    assert float(added) == pytest.approx(float(np.mean(np.asarray(space.target.ambiguity(scores)))), rel=1e-4)
    mean = scores.mean(axis=1)
    expected = {
        "numbers": mean,
        "classes": np.exp(mean) / np.exp(mean).sum(-1, keepdims=True),
    }.get(kind, 1 / (1 + np.exp(-mean)))
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    assert model.count_params() == space.cost(made(space)).parameters


def test_members_differ_by_the_scale_of_their_inputs_and_share_the_rest() -> None:
    import keras

    x = keras.Input((3,))
    model = keras.Model(x, Members(members=4).build(x))
    (scales,) = model.get_weights()
    np.testing.assert_allclose(model(X), X[:, None, :] * scales[None], rtol=1e-6)
    assert Members(members=4).output_shape((3,)) == (4, 3)
    with pytest.raises(GenomeError, match="vector"):
        Members().output_shape((4, 3))


def test_a_space_has_them_between_columns_and_layers_and_other_spaces_have_not() -> None:
    space = spaces.tabular(3, classes=3)
    genome = made(space)
    space.validate(genome)
    again = Space.from_json(space.to_json())
    again.validate(Genome.from_json(genome.to_json()))
    late = Genome((genome.genes[0], genome.genes[2], genome.genes[1]), genome.training)
    with pytest.raises(GenomeError, match="may not stand here"):
        space.validate(late)
    rng, kinds = np.random.default_rng(0), set()
    for _ in range(30):
        kinds |= {type(gene).__name__ for gene in space.sample(rng).genes}
        child = space.mutate(genome, rng)
        space.validate(child)
    assert "Members" not in kinds
    joint = spaces.joint({"table": space}, classes=3)
    assert "Members" not in joint.describe()


def test_a_campaign_trains_them(tmp_path: Any) -> None:
    import evo
    from evo.algorithms import ScreenedEvolution

    space = spaces.tabular(3, classes=2)
    y = (X[:, 0] > 0).astype(int)
    result = evo.Campaign(
        space,
        evo.Data(X, y, validation=(X, y)),
        tmp_path / "c",
        budget=evo.Budget(trials=1),
        epochs=2,
        algorithm=ScreenedEvolution(initial=(made(space),), design=1, eta=0),
        executor=evo.workers.Serial(),
        final_share=0.0,
        verbose=False,
    ).run()
    (trial,) = result.trials
    assert trial.outcome is not None and trial.outcome.completed, trial.outcome
    assert result.best.model().predict(X, verbose=0).shape == (12, 1)

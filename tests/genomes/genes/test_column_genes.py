"""Attention over columns, and the residual block of tables, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genomes import Gene, GenomeError
from genomes.genes import ColumnAttention, DenseResidual


def built(gene: Gene, shape: tuple[int, ...]) -> Any:
    import keras

    keras.utils.set_random_seed(5)
    x = keras.Input(shape)
    return keras.Model(x, gene.build(x))


def drawn(model: Any) -> None:
    """Weights that are all different, so that none can stand in another's place."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.2, 0.9, w.shape) * rng.choice([-1, 1], w.shape) for w in model.get_weights()])


def normalized(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: float = 1e-3) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon) * gamma + beta


def test_column_attention_is_a_transformer_over_columns() -> None:
    import keras

    gene = ColumnAttention(layout="2|1|3,4", width=8, blocks=1, heads=2, expansion=2, dropout=0.0)
    rng = np.random.default_rng(1)
    x = np.column_stack(
        [rng.normal(size=(5, 2)), rng.random((5, 2)), [0, 1, 0, 1, 1], [0, 1, 2, 1, 0], [3, 2, 1, 0, 1]]
    )
    model = built(gene, (7,))
    drawn(model)
    table = next(one for one in model.layers if isinstance(one, keras.layers.Embedding)).embeddings.numpy()
    numbers = next(one for one in model.layers if isinstance(one, keras.layers.EinsumDense))
    w, b = numbers.kernel.numpy(), numbers.bias.numpy()
    attention = next(one for one in model.layers if isinstance(one, keras.layers.MultiHeadAttention))
    norms = [one for one in model.layers if isinstance(one, keras.layers.LayerNormalization)]
    dense = [one for one in model.layers if isinstance(one, keras.layers.Dense)]
    (wq, bq, wk, bk, wv, bv, wo, bo) = (v.numpy() for v in attention.weights)
    expected = []
    for row in x:
        categories = [table[0], table[1 + int(row[5])], table[1 + 3 + int(row[6])]]
        values = [row[0] * w[0] + b[0], row[1] * w[1] + b[1], row[4] * w[2] + b[2]]
        tokens = np.stack(categories + values)
        y = normalized(tokens, *(v.numpy() for v in norms[0].weights))
        mixed = np.zeros((6, 8))
        for head in range(2):
            q, k, v = y @ wq[:, head] + bq[head], y @ wk[:, head] + bk[head], y @ wv[:, head] + bv[head]
            scores = np.exp(q @ k.T / np.sqrt(4))
            mixed += (scores / scores.sum(1, keepdims=True)) @ v @ wo[head]
        tokens = tokens + mixed + bo
        y = normalized(tokens, *(v.numpy() for v in norms[1].weights))
        inner = y @ dense[0].kernel.numpy() + dense[0].bias.numpy()
        inner = np.asarray(keras.activations.gelu(inner.astype(np.float32)))
        tokens = tokens + inner @ dense[1].kernel.numpy() + dense[1].bias.numpy()
        expected.append(np.maximum(normalized(tokens[0], *(v.numpy() for v in norms[2].weights)), 0))
    np.testing.assert_allclose(model(x.astype(np.float32)), expected, rtol=2e-3, atol=2e-3)
    assert gene.cost((7,)).parameters == model.count_params()


@pytest.mark.parametrize(("layout", "row"), [("3|0|", 6), ("0|0|5", 1), ("1|1|2,2", 5)])
def test_columns_of_any_kind(layout: str, row: int) -> None:
    gene = ColumnAttention(layout=layout, width=16, blocks=2)
    model = built(gene, (row,))
    assert model.output_shape == (None, *gene.output_shape((row,)))
    assert model.count_params() == gene.cost((row,)).parameters
    with pytest.raises(GenomeError, match="layout"):
        gene.output_shape((row + 1,))


def test_residual_block_is_the_papers() -> None:
    gene = DenseResidual(expansion=2, normalization="layer", hidden_dropout=0.0)
    model = built(gene, (5,))
    x = np.random.default_rng(2).normal(size=(6, 5)).astype(np.float32)
    np.testing.assert_allclose(model(x), x, rtol=1e-6)  # a new block changes nothing
    drawn(model)
    gamma, beta, w1, b1, w2, b2 = model.get_weights()
    y = normalized(x, gamma, beta, 1e-6)
    np.testing.assert_allclose(model(x), x + np.maximum(y @ w1 + b1, 0) @ w2 + b2, rtol=1e-4, atol=1e-4)


def test_residual_block_drops_at_both_places() -> None:
    import keras

    def rates(**fields: float) -> list[float]:
        layers = built(DenseResidual(**fields), (4,)).layers
        return [one.rate for one in layers if isinstance(one, keras.layers.Dropout)]

    assert rates(hidden_dropout=0.3, dropout=0.1) == [0.3, 0.1]
    assert rates(hidden_dropout=0.0, dropout=0.0) == []

"""The head of a net that is several nets in one: each member's scores, trained as if it were alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def mean_scores(x: Any, width: int, ambiguity: Callable[[Any], Any]) -> Any:
    """Mean of the members' scores, each by a linear layer of its own; the members' own losses are trained.

    TabM trains the mean of its members' losses, not the loss of their mean (Gorishniy, Kotelnikov & Babenko 2025,
    arXiv 2410.24210, section 3). For squared error and cross-entropy of scores ``z_i`` before the last activation,

        mean_i loss(z_i, y) = loss(mean_i z_i, y) + ambiguity(z)

    where the ambiguity does not depend on ``y`` (Krogh & Vedelsby 1995; for cross-entropy, whose part that is not
    linear in ``z`` is convex, it is the gap of Jensen's inequality). So it is added as an activity regularization,
    and loss, metrics and predictions are those of the mean, as for any other model. (Of weighted rows it counts the
    mean unweighted.)

    Args:
        x: Keras tensor, (batch, members, features).
        width: scores of each member.
        ambiguity: of the scores, (batch, members, width) to (batch, 1), never negative; or None.

    Returns:
        Keras tensor, float32 (batch, width).
    """
    import keras
    from keras import ops

    _, members, features = x.shape
    limit = 1.0 / math.sqrt(int(features))
    draw = keras.initializers.RandomUniform(-limit, limit)
    scores = keras.layers.EinsumDense(
        "bmd,mdo->bmo",
        output_shape=(int(members), width),
        bias_axes="mo",
        kernel_initializer=draw,
        bias_initializer=draw,
        dtype="float32",
        name="head",
    )(x)
    mean = ops.mean(scores, axis=1)
    gap = ambiguity(scores)
    if gap is None:
        return mean
    # Never negative, so that its absolute value is itself. Keras drops layers that no output depends on.
    regularized = keras.layers.ActivityRegularization(l1=1.0, dtype="float32")(gap)
    return mean + 0.0 * regularized

"""Which steps of a sequence are real, not padding: masks that accompany Keras tensors while genes are applied.

Keras' implicit masks are lost at the first layer that does not support them
(a convolution, say). Here the mask is a tensor of its own, shape (batch,
length), that genes which mix steps take as an explicit input of their layers;
so it is part of the model's graph, and a saved model needs no code of this package.
"""

from __future__ import annotations

from typing import Any

_NAME = "_mask_of_steps"


def mask_of(x: Any) -> Any:
    """The boolean mask (batch, length) of a Keras tensor (batch, length, channels), or None if all steps are real."""
    return getattr(x, _NAME, None)


def with_mask(x: Any, mask: Any) -> Any:
    """``x`` itself, with ``mask`` from now on; None leaves it as it is."""
    if mask is not None:
        setattr(x, _NAME, mask)
    return x


def carry(before: Any, after: Any) -> None:
    """Let ``after`` have the mask of ``before`` if it has as many steps and no mask of its own."""
    mask = mask_of(before)
    if mask is None or after is before or mask_of(after) is not None:
        return
    if len(after.shape) == 3 and after.shape[1] == before.shape[1]:
        with_mask(after, mask)


def zeroed(x: Any) -> Any:
    """``x`` with 0 at all steps that are not real."""
    from keras import ops

    mask = mask_of(x)
    if mask is None:
        return x
    return with_mask(ops.multiply(x, ops.cast(ops.expand_dims(mask, -1), x.dtype)), mask)

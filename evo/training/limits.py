"""Limits on the size of a model: one rule for what is known before it is built and for what only the build tells."""

from __future__ import annotations

from evo.training.task import TrainingSettings


def over_limit(settings: TrainingSettings, parameters: int, flops: int) -> str:
    """Why a model is too large to be trained; empty if it is not.

    Args:
        settings: the limits.
        parameters: number of weights of the model.
        flops: floating-point operations of one forward pass of one sample.
    """
    for name, needed, limit in (
        ("parameters", parameters, settings.parameters),
        ("flops", flops, settings.flops),
    ):
        if limit is not None and needed > limit:
            return f"{name}: {needed:,} needed, the limit is {limit:,}"
    return ""

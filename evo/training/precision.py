"""Which precision to compute in, and why."""

from __future__ import annotations

from typing import Any

from evo.core.errors import SettingsError
from evo.training.strategy import Placement

PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")


def choose(precision: str, placement: Placement) -> tuple[str, str]:
    """The dtype policy for a precision on the devices at hand.

    ``auto`` is ``mixed_bfloat16`` on TPU and on GPUs of compute capability 8.0 and up,
    ``mixed_float16`` on older GPUs with tensor cores (7.0 and up), else ``float32``. Weights, outputs,
    losses and metrics are float32 under every policy.

    Args:
        precision: one of :data:`PRECISIONS`.
        placement: where the trial runs.

    Returns:
        The name of the policy, and the reason in words.

    Raises:
        SettingsError: an unknown precision.
    """
    if precision not in PRECISIONS:
        raise SettingsError(f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision != "auto":
        return precision, "as asked for"
    if placement.kind == "tpu":
        return "mixed_bfloat16", "a TPU computes in bfloat16"
    if placement.kind == "gpu":
        capability = placement.compute_capability
        if capability is None:
            return "float32", "the GPU does not tell its compute capability"
        shown = ".".join(map(str, capability))
        if capability >= (8, 0):
            return "mixed_bfloat16", f"GPU of compute capability {shown}, 8.0 and up have bfloat16"
        if capability >= (7, 0):
            return "mixed_float16", f"GPU of compute capability {shown} has tensor cores for float16"
        return "float32", f"GPU of compute capability {shown} has no tensor cores"
    return "float32", "CPU: lower precision is slower there"


def scaled(optimizer: Any, policy: str) -> Any:
    """The optimizer, with loss scaling around it where the policy computes in float16.

    A model that was compiled under such a policy has it already. Twice, the scale is so large that the first steps are
    skipped.
    """
    if policy != "mixed_float16":
        return optimizer
    import keras

    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)

"""From a state file back to a Keras model."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo.training import state as states
from genomes.spaces.hypermodel.user_state import state_put_back


def load_model(
    space: Any,
    genome: Any,
    preprocessing: dict[str, np.ndarray] | None,
    state_path: str,
    dtype: str | None = None,
    fold: int | None = None,
) -> Any:
    """The trained ``keras.Model`` of a trial, uncompiled; it predicts as it did when it was saved.

    Args:
        space: the space of the campaign.
        genome: the genome that was trained.
        preprocessing: what ``space.adapt`` found, or None.
        state_path: state file that the trial wrote.
        dtype: dtype policy; ``float32`` by default.
        fold: which model of a cross-validated trial; None for that of one training.

    Raises:
        StorageError: the file is missing, damaged, or of another genome.
    """
    state = states.read_state(state_path, fold)
    with state_put_back():
        model = space.build(genome, preprocessing, dtype=dtype or "float32", seed=state.seed % 2**32)
    states.assign(model.weights, states.weight_names(model), state.final_weights, "weights")
    return model

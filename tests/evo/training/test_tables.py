"""What nets on tables ask of training: every optimizer and schedule goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evo.training import train
from evo.training.backends.choice import engine_cache
from evo.training.task import DataReference, TrialTask
from genomes import Genome, spaces
from genomes.genes import Members

SPACE = spaces.tabular(3, classes=2)


def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {}
    for role, count in (("train", 40), ("validation", 20)):
        x = rng.normal(size=(count, SPACE.encoded_shape[0])).astype(np.float32)
        arrays[f"x_{role}"], arrays[f"y_{role}"] = x, (x[:, :1] > 0).astype(np.float32)
    return arrays


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
@pytest.mark.parametrize("members", [0, 2])
def test_stopping_and_going_on_changes_no_bit(
    make_task: Callable[..., TrialTask], optimizer: str, members: int
) -> None:
    first, dense, *_ = SPACE.default().genes
    genes = (first, *([Members(members=members)] if members else []), dense.replace(units=8))
    settings = SPACE.default().training
    assert settings is not None
    genome = Genome(genes, settings.replace(optimizer=optimizer, batch_size=16))

    def trained(begin: int, end: int, **more: Any) -> Any:
        arrays = rows()
        data = DataReference(f"table {optimizer} {members}", None, arrays, encoded=True)
        return train(make_task(genome, begin, end, arrays=arrays, space=SPACE.to_json(), data=data, **more))

    whole, part = trained(0, 4), trained(0, 1)
    assert whole.outcome.completed, whole.outcome.message
    engine_cache().clear()
    rest = trained(1, 4, start=part.state)
    np.testing.assert_array_equal(whole.predictions, rest.predictions)
    assert whole.outcome.curves["val_loss"][1:] == rest.outcome.curves["val_loss"]

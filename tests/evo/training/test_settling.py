"""What a user's model is taken to be after its first epoch."""

from __future__ import annotations

import numpy as np
import pytest

import evo
from genomes import spaces
from tests.evo.training.normalized_hypermodel import normalized


def test_a_net_of_a_hypermodel_is_judged_by_what_it_has_learnt_in_its_first_epoch(tmp_path):
    pytest.importorskip("keras_tuner")
    rng = np.random.default_rng(0)
    x = rng.normal(5.0, 2.0, (320, 4)).astype(np.float32)
    y = (x[:, 0] > x[:, 1]).astype(np.int64)
    space = spaces.from_hypermodel(normalized, classes=2, corrected_statistics=True)
    campaign = evo.Campaign(
        space,
        evo.Data(x, y, validation=0.25, seed=0),
        tmp_path / "run",
        budget=evo.Budget(trials=1),
        epochs=1,
        workers=1,
        algorithm=evo.algorithms.RandomSearch(initial=[space.default()]),
    )
    result = campaign.run()
    # The deviation of the inputs to the normalization is far from 1, their mean far from 0: with the averages of
    # eight steps, which are still 92% what they began with, hardly more than one class would be predicted.
    model = result.best.model()
    layer = next(one for one in model.layers if type(one).__name__ == "BatchNormalization")
    assert np.abs(np.asarray(layer.moving_mean) - x.mean(axis=0)).max() < 0.5
    assert np.abs(np.asarray(layer.moving_variance) - x.var(axis=0)).max() < 1.0
    scores = result.trials[0].outcome.scores
    assert scores["val_accuracy"] > 0.75

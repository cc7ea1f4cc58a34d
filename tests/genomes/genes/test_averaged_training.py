"""The average of weights over the steps as a setting that a space has where it is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from genomes import spaces
from genomes.domains import Choice
from genomes.genes.training import AveragedTraining
from genomes.spaces.base import Space

ASKED = {"Training": {"averaging": Choice([0.0, 0.9])}}
MAKERS = {
    "tabular": lambda **more: spaces.tabular(columns=3, classes=2, **more),
    "image": lambda **more: spaces.image((8, 8, 1), classes=3, **more),
    "timeseries": lambda **more: spaces.timeseries((6, 2), classes=2, **more),
    "text": lambda **more: spaces.text(classes=2, **more),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_space_averages_where_it_is_asked_for(kind: str) -> None:
    space, plain, draws = MAKERS[kind](domains=ASKED), MAKERS[kind](), np.random.default_rng(0)
    genomes = [space.sample(draws) for _ in range(12)]
    assert {genome.training.averaging for genome in genomes} == {0.0, 0.9}
    assert space.default().training.averaging == 0.0
    assert "averaging" not in plain.default().training.values
    assert set(space.feature_names) - set(plain.feature_names) == {"training.averaging"}
    again = Space.from_json(space.to_json())
    for genome in genomes:
        again.validate(genome)
        space.validate(space.mutate(genome, draws))
    space.validate(space.crossover(*genomes[:2], draws)[0])


def test_it_is_the_momentum_of_keras_average() -> None:
    optimizer = AveragedTraining(averaging=0.9, optimizer="sgd").optimizer_object()
    assert (optimizer.use_ema, optimizer.ema_momentum) == (True, 0.9)
    assert not AveragedTraining().optimizer_object().use_ema

"""A new kind of target is one file: counts with a Poisson loss, defined here and nowhere else, on the whole way."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evo
import genomes
from evo.ensemble import LibraryModel, build, fit_trees
from evo.ensemble.arguments import as_targets
from evo.ensemble.metrics import row_losses
from evo.errors import EnsembleError
from genomes.errors import GenomeError
from genomes.targets import Target


@dataclass(frozen=True)
class Counts(Target):
    """How often something happens: whole numbers from 0 on, as a rate per row.

    Args:
        outputs: number of things that are counted.
        least: rates below this count as this.
    """

    outputs: int | None = None
    least: float = 1e-6

    task = "counts"
    activation = "softplus"
    objective = "-val_loss"
    losses = ("poisson", "mae")
    poolings = ("arithmetic", "geometric", "median")
    least_squares = False

    def check_values(self, array: np.ndarray, name: str) -> None:
        super().check_values(array, name)
        if (array < 0).any() or (array != np.round(array)).any():
            raise GenomeError(f"{name}: expected counts: whole numbers from 0 on")

    def loss(
        self, label_smoothing: float = 0.0, soft: bool = False, statistics: Mapping[str, np.ndarray] | None = None
    ) -> Any:
        import keras

        return keras.losses.Poisson()

    def metrics(self, soft: bool = False) -> list[Any]:
        import keras

        return [keras.metrics.MeanAbsoluteError(name="mae")]

    def row_losses(self, loss: str, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        rates = np.maximum(predictions.astype(np.float64), self.least)
        if loss == "mae":
            return np.asarray(np.abs(rates - targets).mean(axis=1))
        return np.asarray((rates - targets * np.log(rates)).mean(axis=1))

    def link(self, predictions: np.ndarray) -> np.ndarray:
        return np.asarray(np.log(np.maximum(predictions, self.least)))

    def inverse_link(self, scores: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(scores))

    def keras_link(self, predictions: Any) -> Any:
        import keras

        return keras.ops.log(keras.ops.maximum(predictions, self.least))

    def keras_inverse_link(self, scores: Any) -> Any:
        import keras

        return keras.ops.exp(scores)


def table(rows: int = 240) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 3)).astype(np.float32)
    return x, rng.poisson(np.exp(0.6 * x[:, 0] - 0.4 * x[:, 1] + 0.5))


def space_of(x: np.ndarray) -> Any:
    return genomes.spaces.tabular(x, outputs=1, task="counts", units=16)


def test_a_space_of_the_new_kind_has_its_head_loss_and_metrics_and_json() -> None:
    x, y = table()
    space = space_of(x)
    assert space.target == Counts(1) and space.task == "counts" and space.objective == "-val_loss"
    assert genomes.Space.from_json(json.loads(json.dumps(space.to_json()))).target == Counts(1)
    assert Target.from_json(Counts(2, least=0.5).to_json()) == Counts(2, least=0.5)
    assert genomes.spaces.tabular(x, task=Counts(1, least=0.5)).target == Counts(1, least=0.5)
    assert Counts in space.definitions
    genome = space.default()
    model = space.build(genome, space.adapt(x, y))
    assert model.count_params() == space.cost(genome).parameters
    rates = np.asarray(model(x[:9]))
    assert rates.shape == (9, 1) and (rates > 0).all()
    assert type(space.loss(genome)).__name__ == "Poisson" and [m.name for m in space.metrics()] == ["mae"]
    assert Target.arguments_for(y, y, "counts") == {"outputs": 1}
    with pytest.raises(GenomeError, match="y_train: expected counts"):
        space.check_data(x, y - 1, "train")


@pytest.mark.parametrize("pooling", Counts.poolings)
@pytest.mark.parametrize("method", ["auto", "average", "weighted", "greedy", "bagged", "nes"])
def test_every_method_selects_rates_that_gain(method: str, pooling: str) -> None:
    _, y = table()
    rng = np.random.default_rng(1)
    rates = np.exp(0.5 + rng.normal(0, 0.6, (6, len(y), 1)) + np.log1p(y)[:, None] / 2)
    candidates = [LibraryModel(n, p.astype(np.float32)) for n, p in enumerate(rates)]
    chosen = build(candidates, y, Counts(1), 4, method, pooling=pooling, rng=np.random.default_rng(0))
    assert chosen.loss == "poisson" and chosen.pooling == pooling and not chosen.fallback
    loss = row_losses("poisson", "counts", chosen.predictions(), as_targets(y, "counts")).mean()
    single = min(row_losses("poisson", "counts", p, as_targets(y, "counts")).mean() for p in rates)
    assert loss < single
    assert set(chosen.estimates["ensemble"]) == {"poisson", "mae"}


def test_weights_are_learned_by_a_gradient_that_nobody_wrote_down() -> None:
    _, y = table()
    rate = y[:, None] + 0.5
    candidates = [LibraryModel(n, (rate * off).astype(np.float32)) for n, off in enumerate((0.5, 2.5))]
    chosen = build(candidates, y, "counts", 2, "weighted", confidence=None, rng=np.random.default_rng(0))
    assert sorted(chosen.weights)[0] > 0.05
    best = min(np.linspace(0, 1, 201), key=lambda w: _poisson(w * rate * 0.5 + (1 - w) * rate * 2.5, y))
    by_number = dict(zip([c.number for c in chosen.candidates], chosen.weights, strict=True))
    # the prior of 100 rows draws a little towards equal weights
    assert best - 0.25 < by_number[0] <= best + 0.02


def _poisson(rates: np.ndarray, y: np.ndarray) -> float:
    return float((rates[:, 0] - y * np.log(rates[:, 0])).mean())


@pytest.mark.timeout(300)
def test_a_campaign_of_the_new_kind_ends_with_an_ensemble_a_file_and_a_report(tmp_path: Path) -> None:
    x, y = table()
    data = evo.Data(x, y, seed=0)
    campaign = evo.Campaign(
        space_of(x), data, tmp_path / "c", budget=evo.Budget(trials=4), epochs=2, final_share=0.0, workers=1, seed=1
    )
    result = campaign.run()
    assert len(result.history.completed()) == 4
    assert "val_mae" in result.best.scores
    averaged = result.ensemble(size=3, method="average", confidence=None, trees=False)
    assert averaged.task == "counts" and len(averaged) == 3
    assert averaged.predict(x).shape == (240,) and set(averaged.evaluate(x, y)) == {"poisson", "mae"}
    assert set(averaged.diversity()["pairs"]) >= {"error_correlation", "genome_distance"}
    np.testing.assert_allclose(np.asarray(averaged.as_keras()(x)), averaged.outputs(x), rtol=1e-5)
    stacked = result.ensemble(size=3, method="stacking", confidence=None, trees=False)
    np.testing.assert_allclose(np.asarray(stacked.as_keras()(x)), stacked.outputs(x), rtol=1e-4)
    with pytest.raises(EnsembleError, match="a counts has no probabilities"):
        averaged.predict_proba(x)
    with pytest.raises(EnsembleError, match="temperature"):
        evo.Ensemble([lambda: None], task="counts", temperature=2.0)

    averaged.save(tmp_path / "counts.ensemble")
    again = evo.Ensemble.load(tmp_path / "counts.ensemble")
    np.testing.assert_array_equal(again.outputs(x), averaged.outputs(x))
    manifest = json.loads(zipfile.ZipFile(tmp_path / "counts.ensemble").read("ensemble.json"))
    assert manifest["task"] == "counts" and again.target == Counts(1) == Target.from_json(manifest["target"])
    student = averaged.distill(x, y, epochs=1)
    assert student.predict(x, verbose=0).shape == (240, 1)
    assert result.frontier(size=2, method="average")

    from evo.report.campaigns import content_of
    from evo.report.html import write_report

    write_report(content_of(result, tmp_path / "c", averaged), tmp_path / "report.html")
    assert "counts" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_trees_learn_numbers(tmp_path: Path) -> None:
    x, y = table()
    model = fit_trees(x, y, Counts(), settings={"max_iter": 10, "early_stopping": False})
    assert model.predict(x).shape == (240, 1) and model.outputs == 1
    model.save(tmp_path / "t.trees")
    assert type(model).load(tmp_path / "t.trees").target == Counts(1)

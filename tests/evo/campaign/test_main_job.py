"""The main job on real data, in small: real training in worker processes, killed, resumed, an ensemble of what came."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import evo
import genomes
from evo.errors import EnsembleError
from evo.storage import CampaignDirectory

SCRIPT = textwrap.dedent(
    """
    import sys
    import evo, genomes
    from sklearn.datasets import load_digits
    digits = load_digits()
    x, y = digits.images[:500, ..., None].astype("float32"), digits.target[:500]
    space = genomes.spaces.image((8, 8, 1), classes=10)
    campaign = evo.Campaign(space, evo.Data(x, y, seed=0), sys.argv[1], budget=evo.Budget(epochs=14), epochs=3,
                            seed=2, workers=2, concurrency=3, population=4)
    campaign.run()
    """
)


def start(directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(directory)], start_new_session=True)


def stable_files(directory: Path) -> dict[str, bytes]:
    return {
        p.relative_to(directory).as_posix(): p.read_bytes()
        for p in sorted(directory.rglob("*"))
        if p.is_file() and not p.relative_to(directory).as_posix().startswith(("sessions/", "work/"))
    }


@pytest.mark.skipif(os.name == "nt", reason="process groups")
@pytest.mark.timeout(400)
def test_killed_training_ends_with_the_same_bytes_and_gives_an_ensemble(tmp_path: Path) -> None:
    assert start(tmp_path / "whole").wait() == 0
    process = start(tmp_path / "killed")
    for outcomes in (2, 6):
        while process.poll() is None and not (
            CampaignDirectory.exists(tmp_path / "killed") and _outcomes(tmp_path / "killed") >= outcomes
        ):
            time.sleep(0.2)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process = start(tmp_path / "killed")
    assert process.wait() == 0
    assert stable_files(tmp_path / "killed") == stable_files(tmp_path / "whole")

    digits = load_digits()
    x, y = digits.images[..., None].astype("float32"), digits.target
    data = evo.Data(x[:500], y[:500], seed=0)
    result = evo.load_result(tmp_path / "killed", data)
    model = result.best.model()
    assert np.allclose(
        model.predict(data.x_validation, verbose=0), result.best.predictions(), atol=1e-5
    )  # raw input in, what the worker predicted out
    ensemble = result.ensemble(size=3, confidence=None)
    assert ensemble.evaluate(x[500:], y[500:])["accuracy"] > 0.5
    sizes = [point.parameters for point in result.frontier("parameters", 3)]
    assert sizes and sizes == sorted(sizes)
    with pytest.raises(EnsembleError, match="no candidate knows its latency"):
        result.frontier("latency")
    path = tmp_path / "digits.ensemble"
    ensemble.save(path)
    assert np.array_equal(evo.Ensemble.load(path).predict_proba(x[:50]), ensemble.predict_proba(x[:50]))
    assert np.allclose(ensemble.as_keras().predict(x[:50], verbose=0), ensemble.predict_proba(x[:50]), atol=1e-6)


def _outcomes(directory: Path) -> int:
    with CampaignDirectory.open(directory, read_only=True) as stored:
        return sum(record.outcome is not None for record in stored.records)


class Scaled(genomes.Gene):
    """A user's own gene: workers must learn of it."""

    units = genomes.Int(4, 16)

    def build(self, x):  # type: ignore[no-untyped-def]
        import keras

        return keras.layers.Dense(self.units, activation="relu")(x) * 0.5


def test_a_users_own_gene_is_trained_in_the_workers(tmp_path: Path) -> None:
    digits = load_digits()
    space = genomes.spaces.image((8, 8, 1), classes=10, genes=[Scaled])
    rng = np.random.default_rng(0)
    samples = (space.sample(rng) for _ in range(500))
    with_mine = next(genome for genome in samples if any(isinstance(gene, Scaled) for _, gene in genome.walk()))
    campaign = evo.Campaign(
        space,
        evo.Data(digits.images[:200, ..., None], digits.target[:200]),
        tmp_path / "c",
        budget=evo.Budget(trials=1),
        start_from=[with_mine],
        workers=1,
        final_share=0.0,
        epochs=1,
    )
    result = campaign.run()
    assert result.trials[0].outcome is not None
    assert result.trials[0].completed, result.trials[0].outcome.message

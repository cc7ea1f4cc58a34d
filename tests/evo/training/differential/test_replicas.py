"""What several replicas train is what one device trains, or what Keras' own ``fit`` trains under the same strategy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("keras_tuner")

_ROOT = Path(__file__).parents[4]
#: Updates within conditions, a mean that is not the mean of the replicas' means; a loss that a layer adds before
#: a batch normalization, of a last batch of three and one validation row; `fit` under the strategy, for one row; a
#: metric that counts in whole numbers.
_FEW = "ema-overwriting,masking-to-the-loss,odd-rows/convolution,own-step-and-one,confusion-by-mean"
#: Further, clipping of summed gradients, a batch with fewer rows than replicas, masked normalization.
_SOME = f"{_FEW},added-loss-alone,gradient-accumulation,global-clipnorm,odd-rows/last,odd-rows/masked"


@pytest.mark.parametrize(
    ("replicas", "only"),
    [
        (2, _FEW),
        pytest.param(4, _SOME, marks=pytest.mark.slow),
        pytest.param(2, "", marks=[pytest.mark.slow, pytest.mark.timeout(7200)]),
        pytest.param(4, "", marks=[pytest.mark.slow, pytest.mark.timeout(7200)]),
    ],
)
def test_replicas_equal_keras(replicas, only):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "fidelity", f"--replicas={replicas}", f"--only={only}", "--failures"],
        capture_output=True,
        text=True,
        cwd=_ROOT,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert " 0 beyond tolerance" in done.stdout

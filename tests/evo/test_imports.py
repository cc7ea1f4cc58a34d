"""What an import loads: neither evo nor genomes may wait for a library that only some campaigns need."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Libraries that take a tenth of a second or more, or that only some users have.
HEAVY = {
    "asyncio",
    "dask",
    "h5py",
    "jax",
    "keras",
    "keras_tuner",
    "matplotlib",
    "mlflow",
    "joblib",
    "lightgbm",
    "catboost",
    "xgboost",
    "moocore",
    "optuna",
    "pandas",
    "pebble",
    "psutil",
    "ray",
    "rich",
    "scipy",
    "sklearn",
    "tensorboard",
    "tensorflow",
    "threadpoolctl",
    "torch",
}


def loaded(statement: str) -> set[str]:
    """Top-level modules that a new process has loaded after a statement."""
    code = f"import sys; {statement}; print(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import evo",
        "import evo.algorithms, evo.workers, evo.report",
        "import evo; evo.algorithms.ScreenedEvolution(); evo.algorithms.FinalTraining()",
        "import evo.cli",
    ],
)
def test_evo_loads_no_heavy_library(statement: str) -> None:
    assert not HEAVY & loaded(statement)


@pytest.mark.parametrize("statement", ["import genomes", "import genomes.spaces"])
def test_genomes_load_neither_a_heavy_library_nor_deap_nor_evo(statement: str) -> None:
    assert not (HEAVY | {"deap", "evo"}) & loaded(statement)

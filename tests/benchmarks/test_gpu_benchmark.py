"""The benchmark on a GPU: what needs no GPU and no clock."""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from benchmarks import gpu
from benchmarks.fidelity.corpus import programs
from benchmarks.gpu import equality, report
from benchmarks.gpu.subjects import SIDE, enlarged_digits, subjects
from genomes.spaces import image


def test_the_models_can_be_built_and_grow():
    space = image((SIDE, SIDE, 3), 10)
    parameters = [space.cost(genome).parameters for genome in subjects(quick=False).values()]
    assert parameters == sorted(parameters)
    assert parameters[0] < 10_000 and parameters[-1] > 20_000_000


def test_the_images_are_the_same_every_time_and_of_every_class(tmp_path):
    made = [enlarged_digits(tmp_path / name, 64) for name in ("one", "other")]
    for name in made[0].reference.arrays:
        one, other = (np.load(f"{inputs.folder}/{name}.npy") for inputs in made)
        np.testing.assert_array_equal(one, other)
    images, labels = np.load(tmp_path / "one/x_train.npy"), np.load(tmp_path / "one/y_validation.npy")
    assert images.shape == (64, SIDE, SIDE, 3) and images.dtype == np.uint8 and images.std() > 20
    assert set(labels) == set(range(10))


def test_the_programs_that_are_compared_are_in_the_corpus():
    assert set(equality.PROGRAMS) <= {program.name for program in programs()}


def test_ratios_are_of_trainings_of_the_same_repeat():
    rates = {"float32": (100.0, 50.0), "mixed_bfloat16": (200.0, 150.0)}
    rows = [
        {"subject": "a", "way": way, "repeat": repeat, "parameters": 7, "rows_per_second": rate,
         "val_accuracy": 0.5, "first": 1.0, "message": ""}
        for way, values in rates.items() for repeat, rate in enumerate(values)
    ]  # fmt: skip
    assert "| 2.50 (2.00 to 3.00) |" in report.TABLES["training"](pd.DataFrame(rows))[-1]


def test_arguments_are_checked(tmp_path, capsys):
    parser = argparse.ArgumentParser()
    gpu.add_arguments(parser)
    assert gpu.run(parser.parse_args(["--output", str(tmp_path), "--repeats", "0"])) == 2
    assert "--repeats" in capsys.readouterr().out

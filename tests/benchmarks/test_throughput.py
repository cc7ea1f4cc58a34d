"""The throughput benchmark: what needs no clock."""

from __future__ import annotations

import argparse

import pytest

from benchmarks import throughput
from benchmarks.throughput import candidates, faults
from evo.core.trial import Outcome, Status
from evo.training.task import TrialReport


def test_candidates_are_mixed_buildable_and_the_same_every_time():
    from genomes.spaces import image

    made = candidates.genomes(12)
    assert [genome.key for genome in made] == [genome.key for genome in candidates.genomes(12)]
    assert len({genome.key for genome in made}) == 12
    space = image((8, 8, 1), 10)
    for genome in made:
        assert space.cost(genome).parameters > 0
        assert not genome.training.augments
        rates = space.learning_rates(genome, 0, 3, False, 5)
        assert len(set(rates.tolist())) == 1, "KerasTuner's fit knows no schedule of ours"


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (None, Outcome(Status.COMPLETED)),
        ("crash", Outcome(Status.FAILED, message="worker: the worker process was killed by signal 11 (SIGSEGV)")),
        ("hang", Outcome(Status.TIMED_OUT, message="time: the trial took more than 10 s")),
        ("diverge", Outcome(Status.DIVERGED, message="epoch 1, step 3: the loss is not finite")),
        ("memory", Outcome(Status.FAILED, message="memory: the worker grew past 1,280 MB")),
    ],
)
def test_a_fault_counts_only_with_its_own_cause(kind, outcome):
    assert faults.right(kind, TrialReport(0, outcome))
    others = [other for other in (None, *faults.KINDS) if other != kind]
    assert not any(faults.right(other, TrialReport(0, outcome)) for other in others)


def test_arguments_are_checked(tmp_path, capsys):
    parser = argparse.ArgumentParser()
    throughput.add_arguments(parser)
    arguments = parser.parse_args(["--out", str(tmp_path), "--only", "climb", "--repeats", "0"])
    assert throughput.run(arguments) == 2
    assert "--repeats" in capsys.readouterr().out


@pytest.mark.slow
def test_a_quick_run_writes_its_tables(tmp_path):
    parser = argparse.ArgumentParser()
    throughput.add_arguments(parser)
    assert throughput.run(parser.parse_args(["--out", str(tmp_path), "--quick", "--only", "climb", "gpu"])) == 0
    assert {"climb.csv", "climb.json", "gpu.json", "throughput.md"} <= {path.name for path in tmp_path.iterdir()}

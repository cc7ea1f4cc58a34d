"""Histories made up for tests of displays and reports: nothing is trained."""

from __future__ import annotations

import math

import numpy as np

import genomes
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial
from genomes.spaces.vector import vector

SPACE = vector(
    {
        "width": genomes.Int(8, 512, log=True),
        "rate": genomes.Float(1e-4, 1e-1, log=True),
        "kind": genomes.Choice(["plain", "residual"]),
    }
)


def outcome_of(trial: Trial, rng: np.random.Generator) -> Outcome:
    """An outcome that looks like one of a real training; one in twelve fails in one way or another."""
    proposal = trial.proposal
    parameters = int(200 * (1 + trial.number % 17) ** 2)
    kind = int(rng.integers(0, 48))
    if kind == 0:
        return Outcome(Status.DIVERGED, epochs=1, parameters=parameters, message="loss is nan in epoch 1")
    if kind == 1:
        return Outcome(Status.TIMED_OUT, message=f"more than {30 + trial.number} seconds")
    if kind == 2:
        return Outcome(Status.FAILED, message="worker was killed by signal 9 [/bold] <b>")
    if kind == 3:
        return Outcome(Status.REJECTED, parameters=10**8, message="100000000 parameters, at most 1000000 allowed")
    level = 0.6 + 0.35 * (1 - math.exp(-trial.number / 30)) + 0.02 * rng.normal()
    curve = tuple(
        float(min(0.999, level * (1 - 0.5 * math.exp(-(epoch + 1) / 3))))
        for epoch in range(proposal.first_epoch, proposal.last_epoch)
    )
    loss = tuple(1.2 - value for value in curve)
    return Outcome(
        Status.COMPLETED,
        scores={"val_accuracy": curve[-1], "val_loss": loss[-1], "accuracy": min(1.0, curve[-1] + 0.01)},
        curves={"val_accuracy": curve, "val_loss": loss, "loss": tuple(0.9 * v for v in loss)},
        epochs=proposal.epochs,
        parameters=parameters,
        flops=parameters * 40,
        seconds={"build": 0.1, "trace": 0.5, "train": 0.2 * proposal.epochs},
    )


def make_history(trials: int = 60, pending: int = 2, seed: int = 0, objectives: object = "val_accuracy") -> History:
    """A history of random, mutated and promoted trials; the last ``pending`` have no outcome."""
    rng = np.random.default_rng(seed)
    history = History((), Objectives(objectives))  # type: ignore[arg-type]
    for number in range(trials):
        good = sorted((t for t in history.completed()), key=lambda t: history.rank_key(t.number))[-5:]
        promotable = [t for t in good if t.epochs == 1]
        if number < 10 or not good:
            proposal = Proposal(SPACE.sample(rng), origin="initial" if number < 3 else "random")
        elif promotable and rng.random() < 0.4:
            trial = promotable[-1]
            proposal = Proposal(
                trial.genome, 1, 9, continues=trial.number, parents=(trial.number,), origin="promotion", rung=1
            )
        else:
            parent = good[int(rng.integers(len(good)))]
            proposal = Proposal(
                SPACE.mutate(parent.genome, rng), parents=(parent.number,), inherits=parent.number, origin="mutation"
            )
        trial = Trial(number, proposal)
        history.append(trial)
        if number < trials - pending:
            history.tell(number, outcome_of(trial, rng))
    return history

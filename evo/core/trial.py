"""A trial: what was proposed, and what came of it.

A trial whose outcome is not known yet, or that a proposal must not see yet
(ordered look-ahead), has ``outcome=None``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genomes.genome import Genome
from genomes.notebook import facts


class Status(str, enum.Enum):
    """What came of a trial."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Proposal:
    """What an algorithm asks for: train ``genome`` from ``first_epoch`` to ``last_epoch``.

    Attributes:
        genome: the genome to train.
        first_epoch: epochs already done; 0 unless ``continues`` is given.
        last_epoch: epochs done at the end (so ``last_epoch - first_epoch`` are trained).
        continues: number of the trial whose stored state this one starts from; None to start anew.
        parents: numbers of the trials whose genomes this one was bred from.
        inherits: number of the trial whose weights are taken over where
            innovation and shape agree; None for fresh weights.
        origin: how the genome came about: ``initial``, ``random``,
            ``mutation``, ``crossover``, ``promotion``, ``final``, ...
        rung: level of training length, 0 for the lowest.
        final: the learning rate decays to its end over this trial's epochs,
            and nothing continues from it.
        replicate: 0; 1, 2, ... for further trainings of one genome with other seeds.
    """

    genome: Genome
    first_epoch: int = 0
    last_epoch: int = 1
    continues: int | None = None
    parents: tuple[int, ...] = ()
    inherits: int | None = None
    origin: str = "random"
    rung: int = 0
    final: bool = False
    replicate: int = 0

    @property
    def epochs(self) -> int:
        """Epochs that this proposal asks for."""
        return self.last_epoch - self.first_epoch


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        status: see :class:`Status`.
        scores: final value of every metric (``val_accuracy``, ``val_loss``, ...), and
            ``latency`` in seconds per batch where it was asked for.
        curves: per metric, one value per epoch trained by this trial.
        epochs: epochs really trained by this trial.
        parameters: number of weights of the model, all of them; None if it was never built.
        flops: floating-point operations of one forward pass of one sample.
        message: why it did not complete, in one line; empty otherwise.
        seconds: wall-clock by phase (``build``, ``trace``, ``train``, ``evaluate``,
            ``save``, ...). Not part of the outcome's identity.
    """

    status: Status
    scores: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    epochs: int = 0
    parameters: int | None = None
    flops: int | None = None
    message: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def completed(self) -> bool:
        """Whether the trial trained to its end with finite numbers."""
        return self.status is Status.COMPLETED

    def value(self, name: str) -> float | None:
        """A score, ``parameters``, ``flops``, or ``seconds`` (of all phases together); None if it is not known."""
        found: Any = self.scores.get(name)
        if found is None and name in ("parameters", "flops"):
            found = getattr(self, name)
        if found is None and name == "seconds":
            found = sum(self.seconds.values())
        return None if found is None else float(found)


@dataclass(frozen=True)
class Trial:
    """A proposal, its number, and its outcome once that is known."""

    number: int
    proposal: Proposal
    outcome: Outcome | None = None

    @property
    def genome(self) -> Genome:
        """The genome that was proposed."""
        return self.proposal.genome

    def __repr__(self) -> str:
        proposal, outcome = self.proposal, self.outcome
        bred = f" of {', '.join(map(str, proposal.parents))}" if proposal.parents else ""
        came = "pending" if outcome is None else ", ".join([outcome.status.value, *in_words(outcome.scores)])
        return (
            f"Trial({self.number}, {proposal.origin}{bred}, epochs {proposal.first_epoch} to {proposal.last_epoch}, "
            f"{came}; {self.genome.summary()})"
        )

    def _repr_html_(self) -> str:
        proposal, outcome = self.proposal, self.outcome
        values: dict[str, Any] = {
            "origin": proposal.origin,
            "parents": ", ".join(map(str, proposal.parents)) or None,
            "epochs": f"{proposal.first_epoch} to {proposal.last_epoch}",
            "status": "pending" if outcome is None else outcome.status.value,
        }
        if outcome is not None:
            values |= {"cause": outcome.message} if outcome.message else {}
            values |= {**outcome.scores, "parameters": outcome.parameters, "FLOPs": outcome.flops}
        return facts(f"Trial {self.number}", values) + self.genome._repr_html_()

    @property
    def completed(self) -> bool:
        """Whether the outcome is known and completed."""
        return self.outcome is not None and self.outcome.completed

    @property
    def pending(self) -> bool:
        """Whether the outcome is not known (or not to be seen) yet."""
        return self.outcome is None

    @property
    def epochs(self) -> int:
        """Epochs of training behind the state that this trial left."""
        return self.proposal.first_epoch + (self.outcome.epochs if self.outcome else 0)


def in_words(scores: Mapping[str, float]) -> list[str]:
    """Scores as ``name=value``, four significant digits each."""
    return [f"{name}={value:.4g}" for name, value in scores.items()]

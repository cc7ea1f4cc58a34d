"""How long trainings take, learned from those that are done: for campaigns whose budget is time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evo.algorithms.surrogates.features import Features
from evo.algorithms.surrogates.surrogate import Surrogate, last_choice
from evo.core.history import History
from evo.core.trial import Proposal, Trial
from genomes.genome import Genome
from genomes.spaces.base import Space

#: Phases of a trial that are repeated in every epoch.
_EACH_EPOCH = ("train", "evaluate")


class Pace:
    """Seconds of trainings, from the outcomes' own seconds.

    An epoch is taken to last no less than the quickest one seen, and no less than the best
    rate of floating-point operations seen would need (the roofline model of Williams et al.
    2009); how much longer it lasts is predicted from the genome's features by a Gaussian
    process on logarithms. So what is far larger than all that was trained is taken to be
    slow until something closer to it has been measured. Of a genome that was trained the measured seconds are used.

    Args:
        space: gives features and floating-point operations of genomes.
        rows: most trials that the prediction is fitted to, the newest.
        surrogate: predicts how much longer than the roofline an epoch lasts; a Gaussian process by default.
    """

    def __init__(self, space: Space, rows: int = 100, surrogate: Surrogate | None = None) -> None:
        # scikit-learn takes seconds to import: only a campaign that looks at time waits for it.
        from evo.algorithms.surrogates.gaussian_process import GaussianProcess

        self.space, self.rows = space, rows
        self._features = Features(space)
        self._surrogate: Surrogate = GaussianProcess() if surrogate is None else surrogate
        self._known: dict[str, float] = {}
        #: Seconds of a trial that are none of its epochs': building, compiling, saving. Known once :meth:`fit` is True.
        self.fixed = 0.0
        self._fitted: list[tuple[int, float]] = []
        self._chosen: list[tuple[int, float]] = []

    def fit(self, history: History) -> bool:
        """Learn from the visible outcomes; False if none of them has both epochs and seconds."""
        timed = [(trial.number, each) for trial in history if (each := _per_epoch(trial)) > 0]
        if not timed or timed == self._fitted:
            return bool(timed)
        self._fitted = timed
        self._known = {history[number].genome.key: each for number, each in timed}
        self.fixed = float(np.median([_fixed(history[number]) for number, _ in timed]))
        # Hyperparameters are chosen again only when a quarter more is known.
        chosen_at = last_choice(len(history))
        early = [one for one in timed if one[0] < chosen_at]
        if len(early) > 1 and early != self._chosen:
            self._chosen = early
            self._surrogate.choose(*self._standardized(history, early))
        inputs, targets = self._standardized(history, timed)
        if len(timed) > 1:
            self._surrogate.fit(inputs, targets)
        return True

    def _standardized(self, history: History, timed: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of the newest trials; from now on the roofline and the units of targets are theirs."""
        genomes = [history[number].genome for number, _ in timed[-self.rows :]]
        seconds = np.array([each for _, each in timed[-self.rows :]])
        flops = self._flops(genomes)
        self._quickest, self._rate = float(seconds.min()), float((seconds / flops).min())
        above = np.log(seconds) - np.log(self._roof(flops))
        self._mean, self._scale = float(above.mean()), max(float(above.std()), 1e-3)
        return self._inputs(genomes), (above - self._mean) / self._scale

    def per_epoch(self, genomes: Sequence[Genome]) -> np.ndarray:
        """Seconds of one epoch of training and evaluation, float64 of shape (genomes,).

        It may be called once :meth:`fit` has returned True.
        """
        if not genomes:
            return np.zeros(0)
        above = self._surrogate.means(self._inputs(genomes)) if len(self._fitted) > 1 else np.zeros(len(genomes))
        roof = self._roof(self._flops(genomes))
        # Never quicker than the roofline itself.
        predicted = roof * np.exp(np.maximum(self._mean + self._scale * above, 0.0))
        return np.array([self._known.get(genome.key, float(p)) for genome, p in zip(genomes, predicted, strict=True)])

    def training(self, genomes: Sequence[Genome], epochs: int) -> np.ndarray:
        """Seconds of whole trainings, building and saving included; float64 of shape (genomes,).

        Args:
            genomes: what is trained.
            epochs: how long.
        """
        return self.fixed + epochs * self.per_epoch(genomes)

    def proposal(self, proposal: Proposal) -> float:
        """Seconds of what a proposal asks for."""
        return float(self.training([proposal.genome], proposal.epochs)[0])

    def epochs(self, genome: Genome, seconds: float) -> int:
        """Epochs of training that fit into ``seconds``, 0 or more."""
        return max(0, math.floor((seconds - self.fixed) / float(self.per_epoch([genome])[0])))

    def _roof(self, flops: np.ndarray) -> np.ndarray:
        return np.maximum(self._quickest, self._rate * flops)

    def _inputs(self, genomes: Sequence[Genome]) -> np.ndarray:
        # The last column is a rung, which surrogates expect: there is only one here.
        return np.column_stack([np.array([self._features(genome) for genome in genomes]), np.zeros(len(genomes))])

    def _flops(self, genomes: Sequence[Genome]) -> np.ndarray:
        return np.array([max(1.0, float(self.space.cost_without_building(genome).flops)) for genome in genomes])


def seconds_spent(history: History) -> float:
    """Seconds that all trials with a visible outcome took together."""
    return sum(sum(trial.outcome.seconds.values()) for trial in history if trial.outcome is not None)


def _per_epoch(trial: Trial) -> float:
    """Seconds of one epoch; 0 where none is known."""
    outcome = trial.outcome
    if outcome is None or not outcome.epochs:
        return 0.0
    return sum(outcome.seconds.get(phase, 0.0) for phase in _EACH_EPOCH) / outcome.epochs


def _fixed(trial: Trial) -> float:
    assert trial.outcome is not None
    return sum(seconds for phase, seconds in trial.outcome.seconds.items() if phase not in _EACH_EPOCH)

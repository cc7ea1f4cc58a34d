"""Result: what came of a campaign, read from its directory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evo.algorithms import hypervolume_over_time, pareto, survivors
from evo.campaign.companions import Companions, wanted
from evo.campaign.individual import Individual, Population
from evo.campaign.retention import kept_states
from evo.core.errors import EnsembleError, StorageError, TrialError
from evo.core.history import History
from evo.core.randomness import Purpose, generator
from evo.core.trial import Trial
from evo.display import formatting
from evo.ensemble import Ensemble, FrontierPoint, LibraryModel, frontier
from evo.ensemble.contributions import contributions
from evo.ensemble.keras_model import mean_model
from evo.prepared_data import PreparedData
from evo.storage import CampaignDirectory, JudgedTargets
from evo.storage.preprocessing import of_fold
from evo.training.model_loading import load_model
from evo.training.state import number_of_folds
from genomes.genome import Genome
from genomes.notebook import facts
from genomes.spaces.base import Space
from genomes.targets import Multiclass, Target

if TYPE_CHECKING:
    import pandas


#: Characters of a genome in a table of trials: with number, score and epochs they fill 80 columns.
_GENOME = 36


class Result:
    """What came of a campaign.

    Args:
        directory: the campaign's directory.
        space: its space.
        history: its trials.
        reason: why it ended: ``budget``, ``stopped`` or ``exhausted``.
        seed: its seed.
        population: size of the population.
        keep_weights: how many trials' weights the campaign keeps.
        fingerprint: identity of its data.
        data: the prepared data; needed to form an ensemble, None where it is not at hand.
        companions: models beside the nets that were fitted on its rows; None for not yet.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        space: Space,
        history: History,
        reason: str,
        *,
        seed: int = 0,
        population: int = 10,
        keep_weights: int = 256,
        fingerprint: str | None = None,
        data: PreparedData | None = None,
        companions: Companions | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.space = space
        self.history = history
        self.reason = reason
        self.seed = seed
        self._population = population
        self._keep_weights = keep_weights
        self._fingerprint = fingerprint
        self.data = data
        self._companions = companions

    # -- trials ----------------------------------------------------------------------
    @property
    def trials(self) -> list[Trial]:
        """Every trial in order, also those that did not complete."""
        return list(self.history)

    @property
    def best(self) -> Individual:
        """The best of all that was trained, however long: highest fitness, then lowest validation loss.

        What keeps the campaign's constraints comes first; where nothing does, it is what breaks them least.

        Raises:
            TrialError: no trial completed.
        """
        return self._individual(self._ranked()[0])

    @property
    def population(self) -> Population:
        """The survivors, each of another phenotype: the longest trained first, then the best.

        Scores of unlike lengths do not compare; :attr:`best` compares them all the same, and repeated trainings of
        one genome with them, so that it may be another individual.
        """
        return Population(
            (self._individual(n) for n in survivors(self.history, self._population, self.space)),
            self.history.objectives,
        )

    @property
    def pareto(self) -> list[Individual]:
        """The individuals that no other one beats in every objective, best in the first one first.

        Those that break a constraint are beaten by all that keep them.
        """
        return [self._individual(n) for n in pareto(self.history, self.space)]

    def individual(self, number: int) -> Individual:
        """The individual that a completed trial left.

        Raises:
            TrialError: there is no such trial, or it did not complete.
        """
        if not 0 <= number < len(self.history) or not self.history[number].completed:
            raise TrialError(f"trial {number}: there is no completed trial of that number")
        return self._individual(number)

    def _individual(self, number: int) -> Individual:
        trial = self.history[number]
        assert trial.outcome is not None
        return Individual(
            number,
            trial.genome,
            dict(trial.outcome.scores),
            trial.epochs,
            # Whom the genome was bred from is known to the trial that began its training.
            self.history.beginning(trial).proposal.parents,
            trial.outcome.parameters,
            self,
        )

    def _ranked(self) -> list[int]:
        completed = [trial.number for trial in self.history.completed()]
        if not completed:
            raise TrialError("no trial completed: see result.trials for the causes")
        return sorted(completed, key=self.history.rank_key, reverse=True)

    def to_dataframe(self, full: bool = False, genome_json: bool = False) -> pandas.DataFrame:
        """One row per trial: number, objectives, parameters, origin, status, why it failed, epochs, and its genome.

        Args:
            full: everything that is known: all scores, what was proposed, costs, seconds by phase, and the whole
                :meth:`genomes.Genome.summary`, of which otherwise as much is there as a terminal has room for.
            genome_json: add the column ``genome_json``, from which ``genomes.Genome.from_json`` makes the genome
                again.
        """
        import pandas

        with self._opened() as stored:
            frame = pandas.DataFrame(stored.table())
        if len(frame):
            texts = frame.pop("genome")
            # A campaign that runs meanwhile may have stored further ones.
            known = [trial.genome for trial in self.history] + [Genome.from_json(t) for t in texts[len(self.history) :]]
            summaries = [genome.summary() for genome in known]
            frame["genome"] = summaries if full else [formatting.cut(text, _GENOME) for text in summaries]
            if not full:
                objectives = [name.lstrip("-") for name in self.history.objectives.names]
                # Where there is room for four columns, pandas prints the first two and the last two.
                wanted = ["number", *objectives, "parameters", "origin", "status"]
                failed = ["message"] if frame["message"].astype(bool).any() else []
                frame = frame[[name for name in (*wanted, *failed, "epochs", "genome") if name in frame]]
                frame = frame.loc[:, ~frame.columns.duplicated()].copy()
            if genome_json:
                frame["genome_json"] = texts
        return frame

    # -- what is stored -----------------------------------------------------------------
    def _opened(self) -> CampaignDirectory:
        return CampaignDirectory.open(self.directory, read_only=True)

    def model(self, number: int) -> Any:
        """The trained ``keras.Model`` of a trial; of a cross-validated one the mean of its folds' models.

        Raises:
            TrialError: its weights were dropped.
        """
        return self._mean(self._models(number))

    def _models(self, number: int) -> list[Any]:
        """The models of a trial: one, or one for each fold."""
        with self._opened() as stored:
            path = stored.state_path(number)
            if path is None:
                raise TrialError(f"trial {number}: its weights were dropped; keep_weights says how many are kept")
            adapted, genome = stored.preprocessing(), self.history[number].genome
            folds = number_of_folds(str(path))
            if not folds:
                return [load_model(self.space, genome, adapted or None, str(path))]
            return [
                load_model(self.space, genome, of_fold(adapted, fold) or None, str(path), fold=fold)
                for fold in range(folds)
            ]

    @staticmethod
    def _mean(models: list[Any]) -> Any:
        return models[0] if len(models) == 1 else mean_model(models)

    def member(self, number: int) -> Any:
        """The trained model of a trial as a member of an ensemble, see :meth:`genomes.Space.pooled_model`.

        Raises:
            TrialError: its weights were dropped.
        """
        return self._mean([self.space.pooled_model(model) for model in self._models(number)])

    def predictions(self, number: int) -> np.ndarray:
        """Validation predictions of a trial, float32, shape (rows, outputs).

        Of a cross-validated one those of each fold's model for the rows that it was not trained on, fold after fold:
        the order of ``data.x_validation``.
        """
        with self._opened() as stored:
            return stored.predictions(number)

    # -- the ensemble ------------------------------------------------------------------
    def ensemble(
        self,
        size: int = 8,
        *,
        load: bool = True,
        trees: bool | str = "auto",
        linear: bool | str = "auto",
        **options: Any,
    ) -> Ensemble:
        """Form an ensemble of what was trained: chosen on stored validation predictions.

        Args:
            size: most members.
            load: whether members are loaded at once, so that one that cannot be is replaced. False: when it first
                predicts; what the ensemble amounts to is known without.
            trees: whether trees, grown on the same rows and folds, are candidates as well (tables only): boosting,
                random forests, extra trees. ``auto``: for premade spaces of tables.
            linear: likewise linear models on n-grams of texts and convolutions of series. ``auto``: where such are.
            **options: of :func:`evo.ensemble.build`: ``method``, ``max_members``,
                ``max_parameters``, ``max_latency``, ``pooling``, ``confidence``, ...

        Raises:
            EnsembleError: nothing to choose from, or options that do not fit.
        """
        candidates, y, target = self._choice({"trees": trees, "linear": linear}, options)
        ensemble = Ensemble.select(candidates, y, target, size, space=self.space, load=load, **options)
        rng = generator(self.seed, Purpose.ENSEMBLE)
        ensemble.report["parts"] = contributions(ensemble, candidates, y, target, size, rng, options)
        if self._judged().folds:
            ensemble.report["folds"] = {"folds": self._judged().folds, "rows": len(y)}
        return ensemble

    def frontier(
        self,
        by: Literal["members", "parameters", "latency"] = "members",
        size: int = 8,
        *,
        trees: bool | str = False,
        linear: bool | str = False,
        **options: Any,
    ) -> list[FrontierPoint]:
        """The best ensemble for each size, smallest first; ``evo.ensemble.plots.plot_frontier`` draws it.

        Args:
            by: what counts as size: distinct ``members``, ``parameters``, or ``latency`` (seconds per batch; known
                where ``latency`` is among the campaign's objectives).
            size: most members.
            trees: as for :meth:`ensemble`.
            linear: likewise.
            **options: of :func:`evo.ensemble.selection.frontier`.

        Raises:
            EnsembleError: nothing to choose from, or options that do not fit.
        """
        candidates, y, target = self._choice({"trees": trees, "linear": linear}, options)
        return frontier(candidates, y, target, by, size, **options)

    def _choice(
        self, beside: Mapping[str, Any], options: dict[str, Any]
    ) -> tuple[list[LibraryModel], np.ndarray, Target]:
        """Candidates, labels of the validation rows, and what they are; completes a selection's options by our own."""
        if self.data is None:
            self._judged()
        candidates = self.candidates()
        target = self.space.target
        if target is None and candidates and candidates[0].predictions.ndim == 2:
            target = self.space.pooled_target(candidates[0].predictions.shape[1])
        if target is None:
            raise EnsembleError(
                "this campaign's space predicts nothing that could be pooled: it has several outputs, or its loss does "
                "not say what it predicts; of a hypermodel, classes=, labels= or outputs= say it"
            )
        judged = self._judged()
        y = judged.targets
        if y.ndim == 2 and y.shape[1] == target.outputs and isinstance(target, Multiclass):
            y = y.argmax(axis=1)
        y = target.as_given(y)
        if judged.weights is not None:
            options.setdefault("sample_weight", judged.weights)
        candidates = [*candidates, *self._beside(wanted(self.space, beside))]
        options.setdefault("rng", generator(self.seed, Purpose.ENSEMBLE))
        # The best single model is the one that the campaign holds for the best, and the ensemble follows the same.
        first = str(self.history.objectives.names[0]).replace("val_weighted_", "val_")
        chosen = target.losses_by_objective.get(first)
        if chosen is not None and options.get("loss") is None:
            options["loss"] = chosen[0]
            options.setdefault("single_loss", chosen[1])
        return candidates, y, target

    def candidates(self) -> list[LibraryModel]:
        """Every completed trial whose predictions and weights are kept, earlier rungs included."""
        elite = survivors(self.history, self._population, self.space)
        kept = kept_states(self.history, self._keep_weights, elite)
        found = []
        with self._opened() as stored:
            # A member is the mean of the models of all folds.
            times = max(1, self._folds(stored, kept))
            lost = set(stored.lost_predictions)
            for trial in self.history.completed():
                if trial.number not in kept or not stored.has_predictions(trial.number) or trial.number in lost:
                    continue
                outcome = trial.outcome
                assert outcome is not None
                found.append(
                    LibraryModel(
                        trial.number,
                        self.space.probabilities(stored.predictions(trial.number)),
                        dict(outcome.scores),
                        None if outcome.parameters is None else times * outcome.parameters,
                        None if "latency" not in outcome.scores else times * outcome.scores["latency"],
                        trial.genome,
                        _Loader(self, trial.number),
                        data=self._fingerprint,
                        available=stored.state_path(trial.number) is not None,
                    )
                )
        return found

    def _folds(self, stored: CampaignDirectory, kept: Iterable[int]) -> int:
        """Folds that each candidate was trained on; 0 for none."""
        if self.data is not None:
            return self.data.folds
        if self._kept_judged is not None:
            return self._kept_judged.folds
        states = (stored.state_path(number) for number in sorted(kept))
        return next((number_of_folds(str(path)) for path in states if path is not None), 0)

    @cached_property
    def _kept_judged(self) -> JudgedTargets | None:
        """What the candidates' predictions are compared with: of the data, or as the directory keeps it."""
        if self.data is not None:
            return self.data.judged()
        with self._opened() as stored:
            return stored.judged()

    def _judged(self) -> JudgedTargets:
        if self._kept_judged is None:
            raise EnsembleError(
                f"{self.directory} does not hold what its models were judged by, as that is no array of numbers, or "
                "no session of this version has run there: form the ensemble from campaign.run(), or from "
                "evo.load_result(directory, data)"
            )
        return self._kept_judged

    @property
    def companions(self) -> list[LibraryModel]:
        """Models beside the nets that were fitted on the campaign's rows so far, as candidates."""
        return [] if self._companions is None else self._companions.found

    def _beside(self, kinds: Mapping[str, bool]) -> list[LibraryModel]:
        """The models of these kinds, fitted now unless they were before; without the data those that were."""
        if self._companions is None:
            self._companions = Companions(self.space, self.data, self.seed, self.directory)
        return self._companions.fit(kinds)

    @cached_property
    def hypervolume(self) -> list[float]:
        """Hypervolume after each trial, over all objectives, above the worst; :meth:`hypervolume_above` any point."""
        return self.hypervolume_above()

    def hypervolume_above(self, reference: Mapping[str, float] | None = None) -> list[float]:
        """Hypervolume after each trial, over all objectives; see :mod:`evo.algorithms.hypervolume`.

        Args:
            reference: what is to be surpassed, by the objectives' names: ``{"val_accuracy": 0.9, "latency": 0.005}``;
                where none is given, the bound of a constraint on the objective, else the worst value of any trial.
                Volumes of two campaigns compare only above the same point.

        Raises:
            SettingsError: a value for something that is no objective.
        """
        return [float(value) for value in hypervolume_over_time(self.history, reference)]

    def __repr__(self) -> str:
        best = f"best {self.best!r}, " if self.history.completed() else ""
        return f"Result({self.directory}: {best}{self.history!r}, ended by {self.reason})"

    def _repr_html_(self) -> str:
        values = {"directory": self.directory, "space": self.space.headline(), "ended by": self.reason}
        shown = facts("Result", values)
        if not self.history.completed():
            return shown + self.history._repr_html_()
        return f"{shown}{self.best._repr_html_()}{self.population._repr_html_()}"


class _Loader:
    """Loads a candidate's model when it is chosen."""

    def __init__(self, result: Result, number: int) -> None:
        self.result, self.number = result, number

    def __call__(self) -> Any:
        try:
            return self.result.member(self.number)
        except (TrialError, StorageError) as error:
            raise EnsembleError(str(error)) from error

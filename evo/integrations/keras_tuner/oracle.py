"""An oracle for KerasTuner whose proposals are those of evo's algorithms."""

from __future__ import annotations

import math
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial as TunerTrial

from evo.algorithms import Algorithm, FinalTraining, ScreenedEvolution
from evo.algorithms.algorithm import Step
from evo.algorithms.problem import Problem
from evo.campaign.planner import Planner, Wait
from evo.core.budget import Budget
from evo.core.checks import share, whole_number
from evo.core.errors import SettingsError
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.integrations.keras_tuner.best_epoch import LOSS, loss_of
from evo.integrations.keras_tuner.causes import cause
from evo.integrations.keras_tuner.project_files import taken_message, write_json
from evo.integrations.keras_tuner.search_space import OracleSpace, space_of, values_for
from evo.storage.keras_tuner_project import ProjectTrial, read_project
from genomes.genes.hyperparameters import Parameter
from genomes.genome import Genome

#: Failures that end a search in which no trial ever completed.
HOPELESS = 10
#: Failures and nothing else at which a search that has ended says so with an error, as KerasTuner does by default.
NONE_WORKED = 3
#: Values that KerasTuner's trials carry besides the hyperparameters, under the names that its Hyperband gave them.
EPOCHS, INITIAL_EPOCH, CONTINUES = "tuner/epochs", "tuner/initial_epoch", "tuner/trial_id"

#: More than any search has.
_ENDLESS = 2**31
_ENDED = {"COMPLETED": Status.COMPLETED, "FAILED": Status.FAILED}


class EvolutionOracle(keras_tuner.Oracle):
    """Proposes hyperparameters by one of evo's algorithms; for any tuner, ``keras_tuner.Tuner(oracle=...)``.

    A proposal is a function of the seed and of the trials so far alone, so that a search that was killed and goes on
    proposes what it would have proposed. The space may grow as trials reach further hyperparameters.

    Args:
        objective: as for every oracle of KerasTuner.
        max_trials: most trials; None for no limit.
        seed: of the proposals; None draws one, which is stored.
        hyperparameters: fixed or re-ranged hyperparameters.
        allow_new_entries: whether others may be asked for.
        tune_new_entries: whether others are tuned; otherwise they are at their defaults.
        max_retries_per_trial: how often a trial that crashed is run again.
        max_consecutive_failed_trials: failed trials in a row that end the search. By default they do not: a failure
            is recorded and learned from. A search in which the first 10 trials failed ends, whatever is given; by
            default, one of 3 trials or more in which none completed ends with an error too.
        algorithm: one of ``evo.algorithms``.
        start_from: directory of a finished KerasTuner project, ``my_dir/project``: its trials count as known, and
            the best of them is run first. They do not count in ``max_trials``. With ``max_epochs``, where lengths
            of training differ, only the best of them is taken over.
        max_epochs: epochs of a full training, where training lengths are searched in rungs as Hyperband does it;
            None for trials that all train as ``search`` says. Needs a tuner that follows ``tuner/epochs``, which
            ``EvolutionTuner`` and ``keras_tuner.Hyperband`` do.
        epoch_budget: epochs over all trials that end the search; needs ``max_epochs``.
        final_share: share of ``epoch_budget`` or ``max_trials`` that is kept to train the best to ``max_epochs``,
            and then again with other seeds, as a campaign does it; needs ``max_epochs``.

    Raises:
        SettingsError: a wrong algorithm or numbers of epochs, or ``start_from`` without a project.
        ValueError: what KerasTuner's own oracles refuse.
    """

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: Any = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int | None = None,
        *,
        algorithm: Algorithm | None = None,
        start_from: str | os.PathLike[str] | None = None,
        max_epochs: int | None = None,
        epoch_budget: float | None = None,
        final_share: float = 0.25,
    ) -> None:
        if algorithm is not None and not isinstance(algorithm, Algorithm):
            raise SettingsError(f"algorithm: expected one of evo.algorithms, made, got {algorithm!r}")
        if max_epochs is not None:
            whole_number(max_epochs, "max_epochs", 1)
        elif epoch_budget is not None:
            raise SettingsError("epoch_budget: give max_epochs= too, the epochs of a full training")
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            allow_new_entries=allow_new_entries,
            tune_new_entries=tune_new_entries,
            seed=seed,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        if seed is not None:
            self.seed = int(seed)  # KerasTuner takes 0 for none
        self.algorithm = algorithm if algorithm is not None else ScreenedEvolution()
        self.max_epochs, self.epoch_budget = max_epochs, epoch_budget
        share(final_share, "final_share", whole=False)
        self.final_share = final_share if max_epochs is not None else 0.0
        # KerasTuner's, which has no types.
        self.trials: dict[str, Any]
        self.start_order: list[str]
        self.end_order: list[str]
        self._run_times: dict[str, int]
        self._retry_queue: list[str]
        self._explored: tuple[Parameter, ...] = ()
        self._earlier: list[ProjectTrial] = [] if start_from is None else read_project(start_from)
        #: By trial: origin and numbers of the parents, for the record.
        self._origins: dict[str, Any] = {}
        self._bound: tuple[tuple[Parameter, ...], Step, Step] | None = None

    # -- proposing -----------------------------------------------------------------------
    @property
    def space(self) -> OracleSpace:
        """The space of all hyperparameters that are known now."""
        return space_of(self.hyperparameters, self._explored if self.tune_new_entries else ())

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Values for the next trial, as KerasTuner asks for them."""
        space = self.space
        history = self.history(space)
        proposal = self._next(space, history)
        if not isinstance(proposal, Proposal):
            waiting = proposal is Wait.OUTCOMES and bool(self.ongoing_trials or self._retry_queue)
            return {"status": "IDLE" if waiting else "STOPPED"}
        self._origins[trial_id] = [
            proposal.origin,
            list(proposal.parents),
            proposal.rung,
            proposal.final,
            proposal.replicate,
        ]
        values = values_for(self.hyperparameters, space.values(proposal.genome))
        return {"status": "RUNNING", "values": values | self._lengths(proposal)}

    def _next(self, space: OracleSpace, history: History) -> Proposal | Wait:
        best = self._best_earlier(space)
        if best is not None and len(history) == len(self._told):
            return Proposal(best, last_epoch=self.max_epochs or 1, origin="initial")
        bound = self._bound
        if bound is None or bound[0] != space.parameters:
            problem = Problem(space, self.max_epochs or 1, history.objectives)
            self._bound = bound = (space.parameters, self.algorithm.bind(problem), FinalTraining().bind(problem))
        _, search, finish = bound
        budget = Budget(
            epochs=None if self.epoch_budget is None else max(1, round(self.epoch_budget)),
            trials=_ENDLESS if self.max_trials is None else self.max_trials + len(self._told),
        )
        # What has come back is seen, in whatever order: KerasTuner's workers are given trials as they ask for them.
        planner = Planner(search, finish, budget, self.seed % 2**32, _ENDLESS, self.final_share, deterministic=False)
        return planner.next(history)

    def _lengths(self, proposal: Proposal) -> dict[str, Any]:
        if self.max_epochs is None:
            return {}
        lengths: dict[str, Any] = {EPOCHS: proposal.last_epoch, INITIAL_EPOCH: proposal.first_epoch}
        if proposal.continues is not None and proposal.continues >= len(self._told):
            lengths[CONTINUES] = self.start_order[proposal.continues - len(self._told)]
        return lengths

    # -- history -------------------------------------------------------------------------
    def history(self, space: OracleSpace | None = None) -> History:
        """The trials as evo's algorithms see them: those of ``start_from`` first, then in order of their starts."""
        space = self.space if space is None else space
        history = History((), Objectives("score" if self.objective.direction == "max" else "-score"))
        for trial in self._told:
            history.append(Trial(len(history), Proposal(space.genome(trial.values)), self._earlier_outcome(trial)))
        numbers = {trial_id: n + len(history) for n, trial_id in enumerate(self.start_order)}
        for trial_id in self.start_order:
            trial = self.trials[trial_id]
            values = trial.hyperparameters.values
            # Projects of earlier versions hold the first two only.
            origin, parents, rung, final, replicate = [*self._origins.get(trial_id, ("random", [])), 0, False, 0][:5]
            proposal = Proposal(
                space.genome(values),
                first_epoch=int(values.get(INITIAL_EPOCH, 0)),
                last_epoch=int(values.get(EPOCHS, 1)),
                continues=numbers.get(values.get(CONTINUES)),
                parents=tuple(parents),
                origin=origin,
                rung=rung,
                final=final,
                replicate=replicate,
            )
            history.append(Trial(len(history), proposal, self._outcome(trial, proposal.epochs)))
        return history

    def _outcome(self, trial: TunerTrial, epochs: int) -> Outcome | None:
        status = _ENDED.get(trial.status)
        if status is None or trial.trial_id in self._retry_queue:
            return None
        if status is not Status.COMPLETED or trial.score is None:
            return Outcome(Status.FAILED, message=cause(trial.message))
        scores = {"score": float(trial.score)}
        for name, metric in trial.metrics.metrics.items():
            value = metric.get_best_value()
            if value is not None and math.isfinite(value):
                scores.setdefault(name, float(value))
        return Outcome(Status.COMPLETED, scores, epochs=epochs)

    def _earlier_outcome(self, trial: ProjectTrial) -> Outcome:
        value = self._earlier_value(trial)
        if trial.status != "COMPLETED" or value is None:
            return Outcome(Status.FAILED)
        return Outcome(Status.COMPLETED, {**trial.metrics, "score": value}, epochs=1)

    def _earlier_value(self, trial: ProjectTrial) -> float | None:
        return trial.metrics.get(self.objective.name)

    @property
    def _told(self) -> list[ProjectTrial]:
        """Earlier trials that are known from the beginning: all that ended, but the best, which is run first."""
        ended = [t for t in self._earlier if t.status == "FAILED" or self._earlier_value(t) is not None]
        best = self._best_of(ended)
        return [t for t in ended if t is not best] if self.max_epochs is None else []

    def _best_earlier(self, space: OracleSpace) -> Genome | None:
        best = self._best_of(self._earlier)
        return None if best is None else space.genome(best.values)

    def _best_of(self, trials: Sequence[ProjectTrial]) -> ProjectTrial | None:
        sign = 1.0 if self.objective.direction == "max" else -1.0
        scored = [(self._earlier_value(t), t) for t in trials if t.status == "COMPLETED"]
        known = [(sign * value, -n, t) for n, (value, t) in enumerate(scored) if value is not None]
        return max(known, key=lambda entry: entry[:2])[2] if known else None

    # -- trials --------------------------------------------------------------------------
    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> TunerTrial:
        """The next trial for a tuner; one that is run again begins without what it had reported."""
        if tuner_id not in self.ongoing_trials and self._retry_queue:
            again = self.trials[self._retry_queue[-1]]
            again.metrics, again.score, again.best_step, again.message = type(again.metrics)(), None, 0, None
        return super().create_trial(tuner_id)

    @keras_tuner.synchronized
    def end_trial(self, trial: TunerTrial) -> None:
        """A trial has ended; a worker's with the cause of its failure, which KerasTuner does not send to the chief."""
        if trial.message is None and trial.status in ("INVALID", "FAILED"):
            trial.message = taken_message(self._get_trial_dir(trial.trial_id))
        super().end_trial(trial)

    def _record_values(self, trial: TunerTrial) -> None:
        # Of several hyperparameters of one name KerasTuner drops the value when it meets one that is not active.
        hps = trial.hyperparameters
        before = dict(hps.values)
        super()._record_values(trial)
        hps.values |= {hp.name: before[hp.name] for hp in hps.space if hp.name in before and hps.is_active(hp)}

    def score_trial(self, trial: TunerTrial) -> None:
        """The best reported value is the score; one that is not finite makes the trial a failed one."""
        super().score_trial(trial)
        if trial.score is None or not math.isfinite(trial.score):
            trial.score = math.nan
            if not trial.message:
                trial.message = f"{self.objective.name} is not finite"

    def get_best_trials(self, num_trials: int = 1) -> list[TunerTrial]:
        """The best trials; of equal scores the one with the least ``val_loss`` first, as in campaigns, then the older.

        Where fewer have completed, others follow, as for KerasTuner.
        """
        trials = list(self.trials.values())
        completed = [trial for trial in trials if trial.status == "COMPLETED"]
        sign = -1.0 if self.objective.direction == "max" else 1.0
        completed.sort(key=lambda trial: (sign * trial.score, loss_of(_best_values(trial))))
        return [*completed, *(trial for trial in trials if trial.status != "COMPLETED")][:num_trials]

    def _check_consecutive_failures(self) -> None:
        self.check_any_completed(HOPELESS)
        if self.max_consecutive_failed_trials is not None:
            super()._check_consecutive_failures()

    def check_any_completed(self, trials: int = NONE_WORKED) -> None:
        """Check that not every trial that has ended has failed, if they are at least so many.

        Raises:
            RuntimeError: all have; it names the last one's cause.
        """
        ended = [self.trials[trial_id].status for trial_id in self.end_order]
        if len(ended) >= trials and all(status == "FAILED" for status in ended):
            message = self.trials[self.end_order[-1]].message or ""
            raise RuntimeError(
                f"Number of consecutive failures: all of the first {len(ended)} trials.\n{message}\n"
                f"The last one failed with {cause(message)}"
            )

    # -- state ---------------------------------------------------------------------------
    def get_state(self) -> dict[str, Any]:
        """KerasTuner's state, and what evo adds to it under ``evo``; plain JSON."""
        return super().get_state() | {
            "evo": {
                "explored": [parameter.to_json() for parameter in self._explored],
                "earlier": [trial.to_json() for trial in self._earlier],
                "origins": self._origins,
            }
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Take a state over; also that of another oracle's project, whose trials are then our history."""
        super().set_state(state)
        own = state.get("evo")
        if own is not None:
            self._explored = tuple(Parameter.from_json(json) for json in own["explored"])
            self._earlier = [ProjectTrial.from_json(json) for json in own["earlier"]]
            self._origins = dict(own["origins"])

    def save(self) -> None:
        """Write ``oracle.json``, whole or not at all."""
        write_json(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial: TunerTrial) -> None:
        write_json(os.path.join(self._get_trial_dir(trial.trial_id), "trial.json"), trial.get_state())

    def reload(self) -> None:
        """Take up a project again: what was running is run again, what had ended stays ended.

        Raises:
            RuntimeError: the project is not one of KerasTuner's.
            SettingsError: ``start_from`` was given, and the project was begun without it.
        """
        given = self._earlier
        try:
            super().reload()
        except (FileNotFoundError, ValueError):
            # Files of KerasTuner itself are cut off by a kill: the trials know everything but the order of ends.
            self._from_trials()
        if given and not self._earlier:
            if self.start_order:
                raise SettingsError(
                    "start_from: this project has trials already, made without it; give another project_name, or "
                    "overwrite=True to search anew"
                )
            self._earlier = given
        # One that was proposed but not recorded is proposed again. In order, so that equal scores rank as before.
        self.trials = {trial_id: self.trials[trial_id] for trial_id in self.start_order}
        for trial_id in list(self._retry_queue):
            if self.trials[trial_id].status in _ENDED:
                self._retry_queue.remove(trial_id)
                self._run_times[trial_id] += 1
                self.end_order.append(trial_id)

    def _from_trials(self) -> None:
        for path in sorted(Path(self._project_dir).glob("trial_*/trial.json")):
            try:
                trial = TunerTrial.load(str(path))
            except (ValueError, KeyError, TypeError):
                continue
            self.trials[trial.trial_id] = trial
        self.start_order = sorted(self.trials, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])
        self.end_order = [t for t in self.start_order if self.trials[t].status in _ENDED]
        self._retry_queue = [t for t in self.start_order if self.trials[t].status not in _ENDED]
        self.ongoing_trials.clear()
        self._run_times = defaultdict(int, dict.fromkeys(self.end_order, 1))
        for trial_id in self.start_order:
            self.hyperparameters.merge(self.trials[trial_id].hyperparameters)
            self._record_values(self.trials[trial_id])


def _best_values(trial: TunerTrial) -> dict[str, Any]:
    return {LOSS: trial.metrics.get_best_value(LOSS)} if trial.metrics.exists(LOSS) else {}

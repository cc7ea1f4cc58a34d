"""KerasTuner's tuner with evo's search: change the import and one class name."""

from __future__ import annotations

import contextlib
import math
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial as TunerTrial
from keras_tuner.errors import FailedTrialError, FatalTypeError
from keras_tuner.src import utils
from keras_tuner.src.engine import tuner_utils

from evo.algorithms import Algorithm
from evo.core.errors import SettingsError, TrialError
from evo.core.randomness import training_seed
from evo.ensemble import Ensemble
from evo.integrations.keras_tuner.adjustments import CorrectedStatistics, FallingRate
from evo.integrations.keras_tuner.best_epoch import SaveBestEpoch, metrics_and_step
from evo.integrations.keras_tuner.causes import cause
from evo.integrations.keras_tuner.oracle import CONTINUES, EPOCHS, INITIAL_EPOCH, EvolutionOracle
from evo.integrations.keras_tuner.project_files import write_json, write_message
from evo.integrations.keras_tuner.result import TunerResult
from evo.integrations.keras_tuner.search_settings import SearchSettings, refuse_foreign
from evo.integrations.keras_tuner.training_inputs import build_as_stored, training_inputs
from evo.integrations.keras_tuner.validation_data import ValidationData, validation_data
from evo.training.backends.compiled_models import start_session
from genomes.checks import whole_number
from genomes.errors import GenomeError
from genomes.genes.hyperparameters import Parameter
from genomes.process_state import new_garbage_alone
from genomes.replacement import replaced
from genomes.spaces.hypermodel.exploration import Explorer
from genomes.spaces.hypermodel.inputs import InputSpecs, build_on
from genomes.spaces.hypermodel.user_state import state_put_back


class EvolutionTuner(keras_tuner.Tuner):
    """A ``keras_tuner.Tuner`` that searches as evo does; in place of ``RandomSearch``, ``Hyperband`` and the others.

    Everything that a tuner of KerasTuner offers is there, because it is one: ``search``, ``HyperModel.fit``,
    callbacks, ``run_trial``, ``results_summary``. What differs: a killed trial is run again, files are written whole or
    not at all, failures in a row do not end the search, and ``seed`` also seeds the trainings.

    Args:
        hypermodel: ``build(hp)`` or a ``HyperModel``; None if ``run_trial`` is overridden.
        objective: as for KerasTuner: a name, an ``Objective``, a list, or None if a single float is returned.
        max_trials: most trials; 10 by default.
        seed: of the search and, where it is given, of every training.
        hyperparameters: fixed or re-ranged hyperparameters.
        tune_new_entries: whether others are tuned.
        allow_new_entries: whether others may be asked for.
        max_retries_per_trial: how often a trial that crashed is run again.
        max_consecutive_failed_trials: failed trials in a row that end the search; see :class:`EvolutionOracle`.
        max_epochs: epochs of a full training, and training lengths are searched in rungs, as ``Hyperband`` does it;
            ``search(epochs=)`` is not looked at then, and a warning says so. Without ``max_trials`` the search ends
            after as many epochs as Hyperband announces, ``hyperband_iterations * max_epochs * log(max_epochs,
            factor) ** 2``.
        factor: as for ``Hyperband``: between the lengths of two rungs; 3 by default. Needs ``max_epochs``.
        hyperband_iterations: as for ``Hyperband``; 1 by default. Needs ``max_epochs``, and no ``max_trials``.
        num_initial_points: as for ``BayesianOptimization``: trials before the first one that is predicted.
        final_share: share of the budget that is kept to train the best to ``max_epochs`` and again with other seeds;
            0.25 by default. Needs ``max_epochs``.
        falling_rate: in trainings to ``max_epochs``, or in all where there is none, a constant learning rate falls
            linearly to 0.
        corrected_statistics: remove the initial values from the moving averages of batch normalizations after the
            first epoch. Both as for ``genomes.spaces.from_hypermodel``, and both need a ``HyperModel.fit`` that
            hands its callbacks on; what is reported is then not what ``fit`` alone would report.
        algorithm: one of ``evo.algorithms``; the default is that of a campaign.
        start_from: directory of a finished KerasTuner project; see :class:`EvolutionOracle`.
        explore: most times that ``build`` is called to find what depends on ifs and loops; 0 leaves the space to
            KerasTuner, which learns of a hyperparameter when a trial reaches it.
        **kwargs: of ``keras_tuner.Tuner``: ``directory``, ``project_name``, ``overwrite``, ``executions_per_trial``,
            ``max_model_size`` (trainable weights), ``optimizer``, ``loss``, ``metrics``, ``distribution_strategy``,
            ``tuner_id``, ...

    Raises:
        ValueError: what KerasTuner refuses.
        SettingsError: what evo refuses; the message names it.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int | None = None,
        *,
        max_epochs: int | None = None,
        factor: float | None = None,
        hyperband_iterations: float | None = None,
        num_initial_points: int | None = None,
        final_share: float | None = None,
        falling_rate: bool = False,
        corrected_statistics: bool = False,
        algorithm: Algorithm | None = None,
        start_from: str | os.PathLike[str] | None = None,
        explore: int = 40,
        **kwargs: Any,
    ) -> None:
        refuse_foreign(kwargs)
        if hypermodel is None and type(self).run_trial is EvolutionTuner.run_trial:
            raise ValueError("Received `hypermodel=None`: give a hypermodel, or override `run_trial` in a subclass")
        if final_share is not None and max_epochs is None:
            raise SettingsError("final_share: would do nothing without max_epochs=, the epochs of a full training")
        settings = SearchSettings(max_trials, max_epochs, factor, hyperband_iterations, num_initial_points, algorithm)
        self.seed = seed
        self._explore = whole_number(explore, "explore", 0)
        oracle = EvolutionOracle(
            objective=objective,
            max_trials=settings.trials,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            algorithm=settings.algorithm,
            start_from=start_from,
            max_epochs=max_epochs,
            epoch_budget=settings.epoch_budget,
            **({} if final_share is None else {"final_share": final_share}),
        )
        self._falling_rate, self._corrected_statistics = bool(falling_rate), bool(corrected_statistics)
        self._execution, self._max_epochs = 0, max_epochs  # a worker cannot ask its chief's oracle
        self._validation: ValidationData | None = None
        self._inputs: InputSpecs | None = None
        super().__init__(oracle, hypermodel, **kwargs)

    # -- the space -----------------------------------------------------------------------
    def _populate_initial_space(self) -> None:
        # Before KerasTuner adds what build asks for by default: that shall not count as asked for in every model.
        given = self.oracle.get_space()
        super()._populate_initial_space()
        if self.hypermodel is None or not self._explore or not self.oracle.tune_new_entries or self._is_worker():
            return

        def build(hp: Any) -> Any:
            hp.merge(given.space, overwrite=False)  # ranges that the user gave count here too
            return self.hypermodel.build(hp)

        self.oracle._explored = _explored(build, self._explore)

    def search_space_summary(self, extended: bool = False) -> None:
        """Print the search space, and the hyperparameters that no trial has reached yet."""
        super().search_space_summary(extended)
        known = {hp.name for hp in self.oracle.get_space().space}
        further = [p for p in getattr(self.oracle, "_explored", ()) if p.name not in known]
        for parameter in further:
            where = " and ".join(rule.describe() for rule in parameter.rules)
            print(f"{parameter.name}{f', where {where}' if where else ''}\n{parameter.domain!r}")

    # -- searching -----------------------------------------------------------------------
    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Search; all arguments go to ``HyperModel.fit``, or to an overridden ``run_trial``.

        Seeds, counters of names, policies and the like are the program's own behind it, as they were before.
        """
        self._validation = validation_data(fit_args, fit_kwargs)
        self._inputs = training_inputs(fit_args, fit_kwargs)
        epochs, longest = fit_kwargs.get("epochs"), self._max_epochs
        if longest is not None and epochs not in (None, longest):
            warnings.warn(
                f"search(epochs={epochs!r}) is not used: max_epochs={longest} is the length of a full training, and "
                "trials are trained in rungs up to it, as Hyperband's are",
                stacklevel=2,
            )
        # KerasTuner collects garbage before every build.
        with state_put_back(), new_garbage_alone():
            super().search(*fit_args, **fit_kwargs)
        if not self._is_worker() and self.oracle.max_consecutive_failed_trials is None:
            self.oracle.check_any_completed()

    def on_search_begin(self) -> None:
        """Called at the beginning of :meth:`search`."""
        super().on_search_begin()
        self.save()  # a kill during the very first trial can be taken up too

    def _try_run_and_update_trial(self, trial: TunerTrial, *fit_args: Any, **fit_kwargs: Any) -> None:
        self._execution = 0
        self._set_seed(trial)
        super()._try_run_and_update_trial(trial, *fit_args, **fit_kwargs)
        if trial.message and self._is_worker():
            write_message(self.get_trial_dir(trial.trial_id), trial.message)

    def run_trial(self, trial: TunerTrial, *args: Any, **kwargs: Any) -> Any:
        """Build and fit ``executions_per_trial`` times; the histories.

        Of the best epochs over all executions the weights are stored; of equally good ones the epoch with the least
        ``val_loss``.
        """
        checkpoint = SaveBestEpoch(self.oracle.objective, self._get_checkpoint_fname(trial.trial_id))
        given = kwargs.pop("callbacks", None) or []
        histories = []
        for execution in range(self.executions_per_trial):
            callbacks = self._deepcopy_callbacks(given)
            self._configure_tensorboard_dir(callbacks, trial, execution)
            callbacks = [*callbacks, tuner_utils.TunerCallback(self, trial), checkpoint]
            histories.append(self._build_and_fit_model(trial, *args, **{**kwargs, "callbacks": callbacks}))
        return histories

    def _run_and_update_trial(self, trial: TunerTrial, *fit_args: Any, **fit_kwargs: Any) -> None:
        results = self.run_trial(trial, *fit_args, **fit_kwargs)
        objective = self.oracle.objective
        if self.oracle.get_trial(trial.trial_id).metrics.exists(objective.name):
            warnings.warn(
                "calling `self.oracle.update_trial(trial_id, metrics)` in `run_trial` is deprecated by KerasTuner. "
                "Please remove the call and return the metrics",
                DeprecationWarning,
                stacklevel=2,
            )
            return
        tuner_utils.validate_trial_results(results, objective, "Tuner.run_trial()")
        metrics, step = metrics_and_step(results, objective)
        self.oracle.update_trial(trial.trial_id, metrics, step=step)

    def _build_and_fit_model(self, trial: TunerTrial, *args: Any, **kwargs: Any) -> Any:
        values = trial.hyperparameters.values
        if EPOCHS in values:
            kwargs["epochs"], kwargs["initial_epoch"] = values[EPOCHS], values[INITIAL_EPOCH]
        kwargs["callbacks"] = [*self._adjustments(values, kwargs), *(kwargs.get("callbacks") or [])]
        self._set_seed(trial)
        self._execution += 1
        return super()._build_and_fit_model(trial, *args, **kwargs)

    def _adjustments(self, values: Mapping[str, Any], options: Mapping[str, Any]) -> list[Any]:
        """Callbacks, before all others: what is judged and stored is what they leave."""
        found: list[Any] = []
        first, last = int(options.get("initial_epoch") or 0), int(options.get("epochs") or 1)
        if self._falling_rate and (self._max_epochs is None or last >= self._max_epochs):
            found.append(FallingRate(first, last))
        if self._corrected_statistics and CONTINUES not in values:
            found.append(CorrectedStatistics())
        return found

    def _set_seed(self, trial: TunerTrial) -> None:
        """The same training whenever this execution of this trial is run, if the user gave a seed."""
        if self.seed is None:
            return
        import keras

        digits = "".join(filter(str.isdigit, str(trial.trial_id))) or "0"
        keras.utils.set_random_seed((training_seed(self.seed % 2**32, int(digits) % 2**31) + self._execution) % 2**31)

    def _try_build(self, hp: Any) -> Any:
        import keras

        # KerasTuner clears Keras' session before every build, and the user's dtype policy and distribution with it.
        with replaced(keras.backend, {"clear_session": start_session}):
            model = super()._try_build(hp)
        # KerasTuner takes a model without Input for one of size 0, and no limit acts on it.
        if self.max_model_size and not model.built and self._inputs is not None:
            build_on(model, self._inputs)
            size = sum(math.prod(weight.shape) for weight in model.trainable_weights)
            if size > self.max_model_size:
                raise FailedTrialError(f"Oversized model: {size} parameters. Skip model.")
        return model

    def _build_hypermodel(self, hp: Any) -> Any:
        model = super()._build_hypermodel(hp)
        earlier = hp.values.get(CONTINUES)
        if earlier is not None:
            self._load_weights(model, earlier)
        elif hasattr(model, "get_params") and hasattr(model, "fit"):
            raise FatalTypeError(
                f"build returned {type(model).__name__}, and EvolutionTuner trains Keras models; for estimators of "
                "scikit-learn write keras_tuner.SklearnTuner(oracle=EvolutionOracle(objective=keras_tuner.Objective("
                "'score', 'max'), max_trials=...), hypermodel=build)"
            )
        return model

    def _load_weights(self, model: Any, trial_id: str) -> None:
        """Weights and the state of the optimizer, of which one that is not built takes nothing over."""
        strategy = self.distribution_strategy
        with contextlib.nullcontext() if strategy is None else strategy.scope():
            if not model.built:
                build_as_stored(model, utils.load_json(self._get_build_config_fname(trial_id)), self._inputs)
            if getattr(model, "compiled", False) and model.optimizer is not None:
                model.optimizer.build(model.trainable_variables)
            model.load_weights(self._get_checkpoint_fname(trial_id))

    def load_model(self, trial: TunerTrial) -> Any:
        """The model of a trial with the weights, and the optimizer's state, of the epoch that counts.

        Raises:
            TrialError: no weights of it are stored; the message says why.
        """
        path = self._get_checkpoint_fname(trial.trial_id)
        if "://" not in path and not os.path.exists(path):
            raise TrialError(f"trial {trial.trial_id}: no weights are stored{_why(trial)}")
        model = self._try_build(trial.hyperparameters)
        self._load_weights(model, trial.trial_id)
        return model

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """The models of the best trials, best first; fewer where fewer have completed.

        Raises:
            TrialError: trials have ended, and none has completed.
        """
        trials = self.oracle.get_best_trials(num_models)
        completed = [trial for trial in trials if trial.status == "COMPLETED"]
        if trials and not completed:
            raise TrialError(f"there is no best model, as no trial has completed{_why(trials[-1])}")
        return [self.load_model(trial) for trial in completed]

    def save(self) -> None:
        """Write the tuner's and the oracle's state, each whole or not at all."""
        if not self._is_worker():
            self.oracle.save()
        write_json(self._get_tuner_fname(), self.get_state())

    # -- what came of it -----------------------------------------------------------------
    @property
    def result(self) -> TunerResult:
        """The trials so far as evo sees them.

        Raises:
            SettingsError: asked of a worker; the chief knows all trials.
        """
        if self._is_worker():
            raise SettingsError("result: ask the chief's tuner, or a tuner without a chief that reloads the project")
        return TunerResult(self.oracle)

    def ensemble(
        self,
        size: int = 8,
        *,
        x: Any = None,
        y: Any = None,
        models: int = 30,
        task: Any = None,
        output: str | int | None = None,
        **options: Any,
    ) -> Ensemble:
        """An ensemble of the best trials' models, chosen on validation data.

        Args:
            size: most members.
            x: validation inputs; those of the last :meth:`search` by default.
            y: their targets.
            models: how many of the best trials are candidates.
            task: what is predicted, where the loss does not say it: a ``genomes.targets.Target``.
            output: of models with several outputs the one to predict, by name or number: an ensemble each.
            **options: of :func:`evo.ensemble.build`.

        Raises:
            EnsembleError: no validation data, no completed trial, several outputs and none named, or a loss that
                says no task.
        """
        from evo.integrations.keras_tuner.tuner_ensemble import form

        data = self._validation if x is None else ValidationData(x, y)
        return form(self, data, size, models, task, output, options)


def _explored(build: Callable[[Any], Any], builds: int) -> tuple[Parameter, ...]:
    """What exploration finds; nothing if it fails: then the space is what KerasTuner finds."""
    try:
        return tuple(Explorer(build, builds).run())
    except GenomeError:
        return ()


def _why(trial: TunerTrial) -> str:
    """What is known of why a trial left no weights, after what is missing."""
    if trial.status == "COMPLETED":
        return ": whatever trained it did not hand its `callbacks` on to `model.fit`, which store them"
    told = cause(trial.message)
    return f"; trial {trial.trial_id} ended as {trial.status}{f': {told}' if told else ''}"

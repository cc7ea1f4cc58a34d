"""One trial: build, train epoch by epoch, evaluate, save; whatever happens becomes an outcome."""

from __future__ import annotations

import math
import os
import time
import traceback
from typing import TYPE_CHECKING, Any

import numpy as np

from evo.core.errors import DataError, EvoError, InfrastructureError, SettingsError, StorageError, is_the_machines
from evo.core.trial import Outcome, Status
from evo.training import own_fit
from evo.training.backends.choice import engine_cache, engine_for
from evo.training.backends.engine import Engine, EpochResult
from evo.training.best_epoch import BestEpoch, best_of
from evo.training.cross_validation import train_folds
from evo.training.limits import over_limit
from evo.training.measurements import MEASUREMENTS
from evo.training.resident_data import ResidentData, open_data
from evo.training.state import STATE_FILE, TrainingState, read_state, write_state
from evo.training.task import TrialReport, TrialTask
from evo.training.task_inputs import space_of
from genomes.errors import GenomeError, told
from genomes.genome import Genome

if TYPE_CHECKING:
    from evo.training.trial_callbacks import TrialCallbacks

#: Seconds of training after which an unfinished trial's state is saved.
SAVE_EVERY = 2.0
#: Divisors of the batch that are tried, one after the other, when a device runs out of memory.
_BATCH_DIVISORS = (1, 2, 4)
#: An epoch whose mean loss is this many times that of the untrained model has exploded.
_EXPLOSION = 1e3


class _Ended(Exception):
    """The trial ends here with this outcome."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Clock:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.perf_counter()

    def phase(self, name: str) -> None:
        """What passed since the last call was spent on ``name``."""
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._began
        self._began = now


def train(task: TrialTask) -> TrialReport:
    """Do one trial.

    Never raises for what a candidate does: a genome that cannot be built, a
    loss that diverges, a limit that is passed each become the report's
    outcome. It does not survive what kills a process; that is what
    ``evo.workers`` is for.

    Args:
        task: what to do.

    Returns:
        The report. Its state file is ``state.h5`` in the task's directory.

    Raises:
        StorageError, DataError, SettingsError: a full disk, a state or data that cannot be read, a device that is not
            there: the machine's fault, which must not become the outcome of a candidate.
    """
    if task.folds:
        return train_folds(task, train)
    trial = _TrialRun(task)
    try:
        predictions = trial.run()
    except _Ended as end:
        return trial.report(end.status, str(end))
    except MemoryError:
        return trial.report(Status.FAILED, "memory: the worker ran out of it")
    except (StorageError, DataError, SettingsError, InfrastructureError):
        raise
    except (GenomeError, EvoError) as error:
        return trial.report(Status.FAILED, str(error))
    except Exception as error:
        if is_the_machines(error):
            raise StorageError(f"trial {task.number}: {told(error)} ({_where(error)})") from error
        return trial.report(Status.FAILED, f"{told(error)} ({_where(error)})")
    except SystemExit as error:
        return trial.report(Status.FAILED, f"SystemExit: {error.code} ({_where(error)})")
    return trial.report(Status.COMPLETED, "", predictions)


class _TrialRun:
    """A trial under way."""

    def __init__(self, task: TrialTask) -> None:
        self.task = task
        self.clock = _Clock()
        self.curves: dict[str, list[float]] = {}
        self.epoch = task.first_epoch
        self.parameters: int | None = None
        self.flops: int | None = None
        self.size_is_known = True
        self.state: str | None = None
        self.engine: Engine | None = None
        self.callbacks: TrialCallbacks | None = None
        self.best = BestEpoch(task.settings.best_epoch)
        #: Scores of the weights that are kept, where they are not those of the last epoch.
        self.kept: dict[str, float] = {}
        self.measured: dict[str, float] = {}
        self.note = ""

    # -- phases --------------------------------------------------------------------
    def run(self) -> np.ndarray:
        """All phases in order; returns the validation predictions."""
        task = self.task
        space = space_of(task.space, replaced=engine_cache().clear)
        genome = Genome.from_json(task.genome)
        # What this exceeds was refused before a worker was asked; a space that cannot tell without building says 0.
        cost = space.cost_without_building(genome)
        self.flops = int(cost.flops)
        self.size_is_known = cost.parameters > 0
        data = open_data(task.data)
        if task.preprocessing is not None and not os.path.exists(task.preprocessing):
            raise StorageError(f"preprocessing: {task.preprocessing} is gone")
        start = self._starting_state(genome)
        begun = {name: list(values) for name, values in self.curves.items()}
        self.clock.phase("load")
        if space.has_own_fit:
            return self._own_fit(space, genome, data, start)
        for divisor in _BATCH_DIVISORS:
            try:
                return self._attempt(space, genome, data, start, divisor)
            except Exception as error:
                if not _out_of_device_memory(error) or divisor == _BATCH_DIVISORS[-1]:
                    raise
                engine_cache().clear()
                self.epoch = task.first_epoch if start is None else start.epoch
                self.curves = {name: list(values) for name, values in begun.items()}
                self.best = BestEpoch(task.settings.best_epoch)
                if start is not None and begun:
                    self.best.begin(start.final_weights)
                self.note = f"batch divided by {2 * divisor}: the device ran out of memory"
        raise AssertionError("unreachable")

    def _attempt(
        self, space: Any, genome: Genome, data: ResidentData, start: TrainingState | None, divisor: int
    ) -> np.ndarray:
        task = self.task
        engine = self.engine = engine_for(space, genome, task, data, start is not None, divisor)
        self._measure(space, genome, engine)
        refused = "" if self.size_is_known or start is not None else self._too_large()
        if refused:
            raise _Ended(Status.REJECTED, refused)
        if start is not None:
            self._restore(space, engine, start)
            self.epoch = start.epoch
        self.clock.phase("build")
        if task.callbacks:
            self.callbacks = self._listening(engine, data, 1.0 if start is None else start.rate_scale)
        try:
            predictions = self._epochs(space, genome, engine, data)
            state = self._captured(genome, engine)
            if self._put_final_weights(engine, state) or predictions is None:
                logs, predictions = engine.evaluate()
                if state.averages:
                    self.kept = self._scores_of_best() | {f"val_{name}": value for name, value in logs.items()}
            self.measured = {name: MEASUREMENTS[name](engine) for name in task.settings.measured}
        except _Ended:
            raise
        except BaseException:
            engine_cache().drop(engine)
            raise
        finally:
            if self.callbacks is not None:
                self.callbacks.close()
        self._write(state)
        return predictions

    def _put_final_weights(self, engine: Engine, state: TrainingState) -> bool:
        """Give the model the weights to predict with; the state notes those that differ from what trials continue with.

        In the order of ``fit``: averages, then what callbacks put there at the end.

        Returns:
            whether the model has other weights now than after the last epoch.
        """
        if engine.has_averages:
            engine.take_averages()
        if self.best.weights is not None:
            engine.put_weights(self.best.weights)
        if self.callbacks is not None:
            self.callbacks.train_ends()
            self.callbacks.close()
        elif not engine.has_averages and self.best.weights is None:
            return False
        state.averages = {
            name: value
            for name, value in engine.weights().items()
            if not np.array_equal(value, state.weights[name], equal_nan=value.dtype.kind == "f")
        }
        return bool(state.averages)

    def _scores_of_best(self) -> dict[str, float]:
        metric = self.task.settings.best_epoch
        if metric is None or self.best.weights is None:
            return {}
        place = best_of(self.curves[metric.lstrip("-")], metric)
        return {name: values[place] for name, values in self.curves.items() if place < len(values)}

    def _restore(self, space: Any, engine: Engine, start: TrainingState) -> None:
        try:
            engine.restore(start)
        except StorageError as error:
            if space.repeatable:
                raise
            # Not the state's fault: a campaign must not end of it.
            engine_cache().drop(engine)
            other = "build made another model than before of the same hyperparameters"
            raise _Ended(Status.FAILED, f"{other}: {error}") from error

    def _measure(self, space: Any, genome: Genome, engine: Engine) -> None:
        self.parameters = int(engine.model.count_params())
        if not self.size_is_known:
            self.flops = int(space.cost(genome).flops)

    def _too_large(self) -> str:
        return over_limit(self.task.settings, self.parameters or 0, self.flops or 0)

    def _own_fit(self, space: Any, genome: Genome, data: ResidentData, start: TrainingState | None) -> np.ndarray:
        """All epochs by the user's own ``fit``."""
        engine = self.engine = own_fit.prepare(space, genome, self.task, data)
        if start is not None:
            self._restore(space, engine, start)
        own_fit.seed(self.task)
        self._measure(space, genome, engine)
        refused = "" if start is not None else self._too_large()
        if refused:
            raise _Ended(Status.REJECTED, refused)
        self.clock.phase("build")
        self.epoch = self.task.last_epoch
        if start is not None and start.epoch == self.epoch:
            # A killed worker had ended this very training, and kept its state.
            self.state = os.path.join(self.task.directory, STATE_FILE)
            predictions = engine.evaluate()[1]
        else:
            done = own_fit.train(engine, self.task)
            self.curves, self.note, predictions = done.curves, done.note, done.predictions
            wrong = own_fit.diverged(done.curves)
            if wrong:
                raise _Ended(Status.DIVERGED, f"fit: not finite at the end: {wrong}")
            self._write(self._captured(genome, engine))
        self.measured = {name: MEASUREMENTS[name](engine) for name in self.task.settings.measured}
        return predictions

    def _starting_state(self, genome: Genome) -> TrainingState | None:
        """What a killed worker left of this very trial, else the state that the task starts from."""
        task = self.task
        left = os.path.join(task.directory, STATE_FILE)
        # Keras callbacks cannot be asked for what they have seen: with them a trial is done from its beginning.
        if os.path.exists(left) and not task.callbacks:
            try:
                state = read_state(left)
            except StorageError:
                state = None
            if (
                state is not None
                and (state.genome, state.seed, state.first_epoch)
                == (
                    genome.key,
                    task.seed,
                    task.first_epoch,
                )
                and task.first_epoch < state.epoch <= task.last_epoch
            ):
                self.curves = state.curves
                self.best.begin(state.final_weights)
                return state
        if task.start is None:
            return None
        state = read_state(task.start, task.fold)
        if state.epoch != task.first_epoch:
            raise StorageError(
                f"state: {task.start} holds epoch {state.epoch}, trial {task.number} starts at {task.first_epoch}"
            )
        return state

    def _epochs(self, space: Any, genome: Genome, engine: Engine, data: ResidentData) -> np.ndarray | None:
        """Train to the last epoch, evaluating after each; the last predictions, None if there was nothing to do."""
        task = self.task
        rows, size = data.train.rows, engine.batch_size
        steps = math.ceil(rows / size)
        rates = np.asarray(
            space.learning_rates(genome, task.first_epoch, task.last_epoch, task.final, steps), np.float32
        )
        predictions = None
        unsaved = 0.0
        callbacks = self.callbacks
        if callbacks is not None:
            callbacks.train_begins()
        last = task.last_epoch if task.stop is None else min(task.stop, task.last_epoch)
        while self.epoch < last:
            began = time.perf_counter()
            first = (self.epoch - task.first_epoch) * steps
            own_rates = rates[first : first + steps]
            if callbacks is not None:
                own_rates = callbacks.epoch_begins(self.epoch, own_rates)
            result = engine.train_epoch(
                epoch_order(task.seed, self.epoch, rows), own_rates, task.seed, self.epoch * steps
            )
            self._check(result)
            if self.epoch == 0 and task.inherit is None:
                space.settle(engine.model, result.steps)
            validation, predictions = engine.evaluate()
            logs = {**result.logs, **{f"val_{name}": value for name, value in validation.items()}}
            if callbacks is not None:
                logs |= callbacks.epoch_ends(self.epoch, logs, own_rates)
            self.epoch += 1
            for name, value in logs.items():
                self.curves.setdefault(name, []).append(value)
            self.best.see(self.curves, engine)
            if callbacks is not None and callbacks.stopped:
                if self.epoch < task.last_epoch:
                    self._note(f"stopped after epoch {self.epoch} of {task.last_epoch} by a Keras callback")
                break
            lasted = time.perf_counter() - began
            if task.deadline is not None and self.epoch < last and time.time() + lasted > task.deadline:
                self._note(f"stopped after epoch {self.epoch} of {task.last_epoch}: the campaign's time is up")
                break
            unsaved += lasted
            if unsaved >= SAVE_EVERY and self.epoch < last and callbacks is None:
                state = self._captured(genome, engine)
                state.averages = self.best.weights or {}
                self._write(state)
                unsaved = 0.0
        return predictions

    def _check(self, result: EpochResult) -> None:
        """Give a diverging trial up early."""
        epoch = self.epoch + 1
        if not result.finite or not math.isfinite(result.logs["loss"]):
            raise _Ended(Status.DIVERGED, f"epoch {epoch}, step {result.steps}: the loss is not finite")
        loss = result.logs["loss"]
        reference = max(1.0, abs(self.curves["loss"][0] if self.curves.get("loss") else result.first_loss))
        if loss > _EXPLOSION * reference:
            raise _Ended(
                Status.DIVERGED,
                f"epoch {epoch}: the loss exploded to {loss:.3g}, more than {_EXPLOSION:g} times {reference:.3g}",
            )

    def _listening(self, engine: Engine, data: ResidentData, rate_scale: float) -> TrialCallbacks:
        """Fresh copies of the user's Keras callbacks, on this trial's model."""
        from evo.training.trial_callbacks import TrialCallbacks

        task, steps = self.task, math.ceil(data.train.rows / engine.batch_size)
        fresh = task.callbacks.fresh(task.number)
        return TrialCallbacks(fresh, engine, task.number, task.last_epoch, steps, rate_scale)

    def _note(self, text: str) -> None:
        self.note = f"{self.note}; {text}" if self.note else text

    def _captured(self, genome: Genome, engine: Engine) -> TrainingState:
        """What a trial that continues this one begins from."""
        return engine.capture(
            epoch=self.epoch,
            first_epoch=self.task.first_epoch,
            seed=self.task.seed,
            genome=genome.key,
            curves=self.curves,
            rate_scale=1.0 if self.callbacks is None else self.callbacks.rate_scale,
        )

    def _write(self, state: TrainingState) -> None:
        began = time.perf_counter()
        os.makedirs(self.task.directory, exist_ok=True)
        path = os.path.join(self.task.directory, STATE_FILE)
        write_state(path, state)
        self.state = path
        self.clock.seconds["save"] = self.clock.seconds.get("save", 0.0) + time.perf_counter() - began

    # -- report --------------------------------------------------------------------
    def report(self, status: Status, message: str, predictions: np.ndarray | None = None) -> TrialReport:
        """What goes back to the driver."""
        seconds = dict(self.clock.seconds)
        if self.engine is not None:
            for name, value in self.engine.seconds.items():
                seconds[name] = seconds.get(name, 0.0) + value
            self.engine.seconds.clear()
        scores = {name: values[-1] for name, values in self.curves.items()}
        scores |= self.kept | self.measured
        outcome = Outcome(
            status=status,
            scores=scores,
            curves={name: tuple(values) for name, values in self.curves.items()},
            epochs=self.epoch - self.task.first_epoch,
            parameters=self.parameters,
            flops=self.flops,
            message=message or self.note,
            seconds=seconds,
        )
        return TrialReport(self.task.number, outcome, predictions, self.state)


def epoch_order(seed: int, epoch: int, rows: int) -> np.ndarray:
    """Order of the training rows in one epoch: a function of seed and epoch alone, int32."""
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, epoch)))
    return generator.permutation(rows).astype(np.int32)


def _out_of_device_memory(error: BaseException) -> bool:
    """Whether a GPU or TPU ran out of memory: TensorFlow's, JAX's and torch's own errors for it."""
    return type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError") or (
        "RESOURCE_EXHAUSTED" in str(error)[:2000]
    )


def _where(error: BaseException) -> str:
    """File and line of the innermost frame, for a one-line cause."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "unknown place"

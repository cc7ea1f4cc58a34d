"""Engine: what a backend does for a trial, whole epochs of training and evaluation, and the model it holds."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.training import state as states
from evo.training.backends.description import unknown_layer
from evo.training.resident_data import ResidentData
from evo.training.state import TrainingState


@dataclass(frozen=True)
class Recipe:
    """The model of a trial and everything that training it needs.

    Attributes:
        space: the space.
        genome: the genome, for the space's ``augment``.
        model: Keras model; compiled where the space says so.
        optimizer: Keras optimizer, wrapped in loss scaling where the precision needs it.
        batch_size: rows per step, over all replicas.
        preprocessing: what ``Space.adapt`` found: regression losses are measured in its units.
    """

    space: Any
    genome: Any
    model: Any
    optimizer: Any
    batch_size: int
    preprocessing: Any = None

    @functools.cached_property
    def unknown_layer(self) -> str | None:
        """:func:`evo.training.backends.description.unknown_layer` of the model, looked for once."""
        return unknown_layer(self.model)


@dataclass(frozen=True)
class EpochResult:
    """One epoch of training.

    Attributes:
        logs: mean loss and metrics over the epoch.
        finite: whether every step's loss was finite; training stops at the first that is not.
        steps: steps done.
        first_loss: loss of the epoch's first step.
    """

    logs: dict[str, float]
    finite: bool
    steps: int
    first_loss: float


def follows_rates(optimizer: Any) -> bool:
    """Whether an optimizer's learning rate is a number that is set from outside, not a schedule or a function."""
    import keras

    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return isinstance(getattr(inner, "_learning_rate", None), keras.Variable)


class Engine(ABC):
    """Trains one model on one data set; kept by a worker as long as its compiled functions may be of use."""

    def __init__(self, recipe: Recipe, data: ResidentData) -> None:
        self.recipe = recipe
        self.data = data
        self.model = recipe.model
        self.optimizer = recipe.optimizer
        self.weight_names = states.weight_names(self.model)
        self.seconds: dict[str, float] = {}
        #: A ``keras.callbacks.CallbackList`` that hears of batches while it is set; an engine of whole epochs has none.
        self.listeners: Any = None
        self._fresh_optimizer: list[Any] = []

    def remember_fresh_optimizer(self) -> None:
        """Keep a copy of the optimizer's variables as built, which :meth:`adopt` puts back."""
        import keras

        for variable in self.optimizer.variables:
            value = np.asarray(keras.ops.convert_to_numpy(variable))
            same = value.size and bool((value == value.flat[0]).all())
            self._fresh_optimizer.append(value.flat[0] if same else value)

    def adopt(self, recipe: Recipe) -> None:
        """Serve another trial whose model has the same structure: take its weights, seeds and numbers.

        Args:
            recipe: with a fresh model; its optimizer only tells its numbers, and its state if it has one already.
        """
        import keras

        pairs = zip(self.model.variables, recipe.model.variables, strict=True)
        for variable, fresh in pairs:
            variable.assign(fresh)
        begun = recipe.optimizer.variables if recipe.optimizer.built else self._fresh_optimizer
        for variable, value in zip(self.optimizer.variables, begun, strict=True):
            variable.assign(keras.ops.full(variable.shape, value, variable.dtype) if np.ndim(value) == 0 else value)
        self.weight_names = states.weight_names(recipe.model)
        self.weights_changed()

    def forward(self, x: Any, training: bool) -> Any:
        """What the model makes of a batch; a user's ``call`` need not take ``training``."""
        return self.model(x, training=training) if self.model._call_has_training_arg else self.model(x)

    @property
    def batch_size(self) -> int:
        """Rows per step."""
        return self.recipe.batch_size

    @abstractmethod
    def train_epoch(self, order: np.ndarray, rates: np.ndarray, seed: int, step: int) -> EpochResult:
        """Train one epoch.

        Args:
            order: rows in the order in which they are seen, int32.
            rates: learning rate of each step, float32.
            seed: seed of augmentation in this trial.
            step: number of the epoch's first step since the model was fresh.
        """

    @abstractmethod
    def evaluate(self) -> tuple[dict[str, float], np.ndarray]:
        """Loss and metrics on the validation rows, and float32 predictions for them."""

    def capture(self, **about: Any) -> TrainingState:
        """The state as it is now, on the host; a trial that continues from it begins here."""
        seeds = states.seed_variables(self.model)
        return TrainingState(
            weights=self.weights(),
            seeds=_arrays([str(n) for n in range(len(seeds))], seeds),
            optimizer=_arrays(states.optimizer_names(self.optimizer), self.optimizer.variables),
            **about,
        )

    def weights(self) -> dict[str, np.ndarray]:
        """The model's weights by their names in state files, on the host."""
        return _arrays(self.weight_names, self.model.weights)

    def put_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Put what :meth:`weights` gave back into the model."""
        states.assign(self.model.weights, self.weight_names, weights, "weights")
        self.weights_changed()

    @property
    def has_averages(self) -> bool:
        """Whether the optimizer keeps moving averages that replace the weights once training has ended."""
        parts = getattr(self.optimizer, "optimizers", None) or [self.optimizer]
        return any(getattr(getattr(part, "inner_optimizer", part), "use_ema", False) for part in parts)

    def take_averages(self) -> None:
        """Give the model the weights that ``fit`` would leave it with after its last epoch."""
        self.optimizer.finalize_variable_values(self.model.trainable_variables)
        self.weights_changed()

    def restore(self, state: TrainingState) -> None:
        """Put a stored state into the model and its optimizer.

        Raises:
            StorageError: the state is of another model.
        """
        states.assign(self.model.weights, self.weight_names, state.weights, "weights")
        seeds = states.seed_variables(self.model)
        states.assign(seeds, [str(n) for n in range(len(seeds))], state.seeds, "seeds")
        optimizer_names = states.optimizer_names(self.optimizer)
        states.assign(self.optimizer.variables, optimizer_names, state.optimizer, "optimizer")
        self.weights_changed()

    def weights_changed(self) -> None:
        """Called after the model's weights were changed from outside; does nothing by default."""


def _arrays(names: Sequence[str], variables: Sequence[Any]) -> dict[str, np.ndarray]:
    import keras

    values = (np.asarray(keras.ops.convert_to_numpy(variable)) for variable in variables)
    return dict(zip(names, values, strict=True))

"""Space: which genes may stand where, with which domains.

This is the contract that algorithms, training and storage rely on. The
grammar of layered networks is :class:`genomes.spaces.layered.LayeredSpace`.
"""

from __future__ import annotations

import abc
import copy
import hashlib
import json as json_module
from collections.abc import Mapping
from html import escape
from typing import Any, ClassVar, Self

import numpy as np

from genomes.costs import Cost
from genomes.errors import GenomeError
from genomes.genome import Genome
from genomes.notebook import facts
from genomes.spaces.preferences import WithPreferences
from genomes.targets import Target

#: Version of the JSON form of spaces.
FORMAT = 1


class Space(WithPreferences, abc.ABC):
    """A set of genomes, and how to vary, build and train them.

    All methods are pure: randomness comes from ``rng`` alone, and arguments
    are never changed.
    """

    #: Every space class by name; JSON names them.
    registry: ClassVar[dict[str, type[Space]]] = {}
    #: What is predicted; None where nothing is trained (tables).
    target: Target | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Space.registry[cls.__name__] = cls

    # -- the set -----------------------------------------------------------------------
    @abc.abstractmethod
    def default(self) -> Genome:
        """A sensible genome to start the search with."""

    @abc.abstractmethod
    def smallest(self) -> Genome:
        """The smallest valid genome."""

    @abc.abstractmethod
    def sample(self, rng: np.random.Generator) -> Genome:
        """A random valid genome."""

    @abc.abstractmethod
    def validate(self, genome: Genome) -> None:
        """Check a genome.

        Raises:
            GenomeError: it is not in the space; the message names the path inside the genome.
        """

    @abc.abstractmethod
    def repair(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """The genome itself if it is valid, else a valid one near it."""

    @abc.abstractmethod
    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """A valid child by one minimal mutation."""

    @abc.abstractmethod
    def crossover(self, first: Genome, second: Genome, rng: np.random.Generator) -> tuple[Genome, Genome]:
        """Two valid children."""

    @abc.abstractmethod
    def cost(self, genome: Genome) -> Cost:
        """Parameters and FLOPs of the whole model; of a hypermodel's it is built for that, without values."""

    def cost_without_building(self, genome: Genome) -> Cost:
        """The same where nothing has to be built for it; else 0: what a search may ask of hundreds of genomes."""
        return self.cost(genome)

    @abc.abstractmethod
    def features(self, genome: Genome) -> np.ndarray:
        """Numbers for a surrogate: float64, shape (len(feature_names),), roughly in [0, 1]."""

    @property
    @abc.abstractmethod
    def feature_names(self) -> tuple[str, ...]:
        """Names of :meth:`features`."""

    @abc.abstractmethod
    def describe(self) -> str:
        """The space in words and lines, for people."""

    def headline(self) -> str:
        """One line: the class, and what its genomes are for."""
        if self.target is None:
            return type(self).__name__
        width = self.target.width
        return f"{type(self).__name__}: {self.target.task}, {width} output{'s' if width != 1 else ''}"

    def __repr__(self) -> str:
        return f"<{self.headline()}>"

    def _repr_html_(self) -> str:
        lines = self.describe().splitlines()
        size = self.size()
        values = {"genomes": "without end" if size is None else size, "features": len(self.feature_names)}
        if self.preferences:
            values["preferred"] = ", ".join(preference.field for preference in self.preferences)
        whole = f"<details><summary>all of it</summary><pre>{escape(chr(10).join(lines))}</pre></details>"
        return f"{facts(self.headline(), values)}<div>default:</div>{self.default()._repr_html_()}{whole}"

    @abc.abstractmethod
    def arguments(self) -> dict[str, Any]:
        """The arguments that make this space again, as JSON values."""

    @classmethod
    @abc.abstractmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """The space that :meth:`arguments` came from.

        Raises:
            GenomeError: arguments that it refuses.
        """

    def key(self, genome: Genome) -> str:
        """Identity of what is trained; two genomes of one key are trained once."""
        return genome.key

    def size(self) -> int | None:
        """Number of phenotypes where that is known and finite, else None."""
        return None

    # -- JSON ----------------------------------------------------------------------
    def to_json(self) -> dict[str, Any]:
        """The space as a JSON object."""
        json = {"format": FORMAT, "space": type(self).__name__, "arguments": self.arguments()}
        preferred = [preference.to_json() for preference in self.preferences]
        return {**json, "preferences": preferred} if preferred else json

    @staticmethod
    def from_json(json: Mapping[str, Any]) -> Space:
        """The space that :meth:`to_json` wrote.

        Raises:
            GenomeError: not such an object, a newer version, an unknown space, arguments that it refuses.
        """
        if not isinstance(json, Mapping) or not isinstance(json.get("format"), int):
            raise GenomeError("expected a space's JSON object", "space")
        if json["format"] > FORMAT:
            raise GenomeError(f"written by a newer version: format {json['format']}", "space")
        kind = Space.registry.get(str(json.get("space")))
        if kind is None:
            raise GenomeError(f"unknown space {str(json.get('space'))[:80]!r}", "space")
        try:
            return kind.from_arguments(json["arguments"]).with_stored_preferences(json.get("preferences", ()))
        except GenomeError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
            # A damaged file: anything may stand in place of anything.
            found = f"{type(error).__name__}: {str(error)[:200]}"
            raise GenomeError(f"no {kind.__name__} can be made of these arguments ({found})", "space") from None

    def arguments_as_in(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """:meth:`arguments` in the form that an earlier version stored them in, so that the two can be compared.

        Args:
            stored: arguments of a space of this class, from JSON.
        """
        return self.arguments()

    #: Whether the default genome is a published recipe, which is worth a training of full length before anything is
    #: known of others; campaigns limited by minutes alone look at it.
    proven: bool = False

    #: Whether a genome gives one structure whenever it is built; a program of the user's own may do otherwise.
    repeatable: ClassVar[bool] = True

    @property
    def current(self) -> bool:
        """Whether what was made of this space's JSON earlier in this process is what would be made of it now."""
        return True

    def with_target(self, target: Target) -> Self:
        """The same space with a target of the same kind and outputs, whose classes are called otherwise.

        Raises:
            GenomeError: the target is of another kind, or has other outputs.
        """
        own = self.target
        if own is None or type(own) is not type(target) or own.outputs != target.outputs:
            raise GenomeError(f"target: expected one like {own}, got {target}")
        space = copy.copy(self)
        space.target = target
        return space

    def prepare_targets(self, y: Any) -> Any:
        """Checked targets in the form that training takes, as :meth:`genomes.Target.prepare` says it."""
        return y if self.target is None else self.target.prepare(y)

    def pooled_target(self, outputs: int) -> Target | None:
        """What an ensemble of this space's models predicts; None where that cannot be told.

        Args:
            outputs: columns of its models' predictions.
        """
        return self.target

    def probabilities(self, predictions: np.ndarray) -> np.ndarray:
        """Predictions of a model as an ensemble takes them: probabilities where the model gives logits."""
        return predictions

    def pooled_model(self, model: Any) -> Any:
        """A trained model as a member of an ensemble: what it predicts are :meth:`probabilities`."""
        return model

    def with_inputs(self, x: Any) -> Self:
        """The space after it has seen what is trained on, where its models cannot be built without.

        Args:
            x: prepared inputs of the training rows; only names, dtypes and shapes count.
        """
        return self

    def with_stored_inputs(self, stored: Mapping[str, Any]) -> Self:
        """What :meth:`with_inputs` gave when the space with these :meth:`arguments` was stored."""
        return self

    @property
    def fingerprint(self) -> str:
        """Hash of the space's JSON: 32 hexadecimal digits."""
        text = json_module.dumps(self.to_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def definitions(self) -> tuple[Any, ...]:
        """What a worker process must know before it can read the JSON of this space and its genomes.

        Gene classes and functions of the user's own, as objects that are pickled by reference:
        unpickled in another process, they are imported there and register themselves. Nothing is
        imported because a file names it.
        """
        return ()

    # -- data and models; spaces of tables have none ----------------------------------------
    def check_data(self, x: Any, y: Any, role: str = "train") -> None:
        """Check inputs and targets against the space.

        Args:
            x: inputs, as a user gave them.
            y: targets.
            role: ``train`` or ``validation``; error messages speak of ``x_train`` etc.

        Raises:
            GenomeError: a wrong shape or dtype, NaN where the space does not accept it, labels out
                of range; the message names the argument, what was given and what was expected.
        """

    def prepare(self, x: Any) -> Any:
        """Checked inputs in the form that models of this space take: one array, or a dict of arrays.

        Every array is float32, an integer or a string array with one row per sample.
        """
        return x

    def adapt(self, x: Any, y: Any) -> dict[str, np.ndarray]:
        """What preprocessing learns from prepared training data: means, variances, vocabularies.

        Returns:
            Arrays by name, none of them of dtype object; given back to :meth:`build`.
        """
        return {}

    def encode(self, x: Any, preprocessing: Mapping[str, np.ndarray]) -> Any:
        """Prepared inputs after the preprocessing that does not depend on genes: look-ups, scaling, tokens.

        Done once for all trials, so that it costs no training time;
        ``build(..., encoded=True)`` makes the same model, with the same weights in
        the same order, without that part.

        Args:
            x: what :meth:`prepare` gave.
            preprocessing: what :meth:`adapt` found.

        Returns:
            One float32 or integer array, one row per sample; ``x`` itself where there is nothing to do.
        """
        return x

    def build(
        self,
        genome: Genome,
        preprocessing: Mapping[str, np.ndarray] | None = None,
        dtype: str | None = None,
        seed: int | None = None,
        encoded: bool = False,
    ) -> Any:
        """The untrained ``keras.Model``: raw input to float32 predictions, not compiled.

        Args:
            genome: what to build.
            preprocessing: what :meth:`adapt` found.
            dtype: name of a dtype policy for the body; None for Keras' global policy.
            seed: seeds weights and dropout; None draws from Keras' global generator.
            encoded: the model takes what :meth:`encode` gives instead of raw input.

        Returns:
            The model. Its attribute ``gene_layers`` maps marks (see :mod:`genomes.build`) to layers.

        Raises:
            GenomeError: a gene failed to build; the message names its path.
        """
        raise GenomeError(f"{type(self).__name__} builds no models")

    #: Whether :meth:`build` gives models that are compiled, and to be trained with what they were compiled with
    #: instead of with what :meth:`loss`, :meth:`metrics` and :meth:`optimizer` give.
    compiles_models: ClassVar[bool] = False

    def loss(self, genome: Genome, preprocessing: Mapping[str, np.ndarray] | None = None) -> Any:
        """The Keras loss that the genome is trained with.

        Args:
            genome: the genome.
            preprocessing: what :meth:`adapt` found; with it, regression targets are weighed in units
                of their standard deviation.
        """
        raise GenomeError(f"{type(self).__name__} builds no models")

    def optimizer(self, genome: Genome) -> Any:
        """A fresh Keras optimizer with the genome's settings, and its peak learning rate."""
        raise GenomeError(f"{type(self).__name__} builds no models")

    def metrics(self) -> list[Any]:
        """Fresh Keras metrics."""
        return [] if self.target is None else self.target.metrics()

    @property
    def metric_names(self) -> tuple[str, ...] | None:
        """Names of :meth:`metrics` where they are known without Keras, else None."""
        own = type(self).metrics is not Space.metrics
        return None if own or self.target is None else self.target.metric_names

    def batch_size(self, genome: Genome) -> int:
        """Samples per step."""
        return 32

    def learning_rates(
        self, genome: Genome, first_epoch: int, last_epoch: int, final: bool, steps_per_epoch: int
    ) -> np.ndarray:
        """Learning rate of every step from ``first_epoch`` to ``last_epoch``.

        A step's rate depends on its absolute position, never on where a
        trial started, so that stopping and resuming changes nothing. With
        ``final`` the rate decays towards 0 over these epochs.

        Returns:
            float32, shape ((last_epoch - first_epoch) * steps_per_epoch,).
        """
        raise GenomeError(f"{type(self).__name__} builds no models")

    def augment(self, genome: Genome, x: Any, y: Any, seed: Any) -> tuple[Any, Any]:
        """Augment one batch inside the graph: stateless, with ``keras.ops`` and ``keras.random`` only.

        Args:
            genome: its training settings say what to do.
            x: a batch of inputs.
            y: a batch of targets; one-hot if ``needs_soft_targets(genome)``.
            seed: an integer tensor of shape (2,); equal seeds, equal results.

        Returns:
            ``(x, y)``; the very arguments if the genome asks for nothing.
        """
        return x, y

    @property
    def has_own_fit(self) -> bool:
        """Whether :meth:`fit` trains this space's models, instead of evo."""
        return False

    def fit(
        self, genome: Genome, model: Any, data: tuple[Any, ...], options: Mapping[str, Any]
    ) -> tuple[Any, set[str]]:
        """Train a model that :meth:`build` made; only where :attr:`has_own_fit`.

        Args:
            genome: what the model was built of.
            model: the model, in the state to continue from.
            data: inputs and targets of the training rows.
            options: arguments of ``keras.Model.fit``: ``validation_data``, ``epochs``, ``initial_epoch``, ...

        Returns:
            What the user's ``fit`` returned, and the names of the options that it was given.
        """
        raise GenomeError(f"{type(self).__name__} leaves training to evo")

    def settle(self, model: Any, steps: int) -> None:
        """Called after the first epoch of a model that started with fresh weights, before it is evaluated.

        It may correct state that training does not depend on but evaluation does, such as moving averages.

        Args:
            model: the trained model.
            steps: steps of that epoch.
        """

    def needs_soft_targets(self, genome: Genome) -> bool:
        """Whether loss and augmentation take one-hot targets (label smoothing, mixup)."""
        return False

    @property
    def objective(self) -> str:
        """The objective that campaigns use by default."""
        return "val_accuracy" if self.target is None else self.target.objective

    @property
    def task(self) -> str | None:
        """``binary``, ``multiclass``, ``multilabel``, ``regression``, or None."""
        return None if self.target is None else self.target.task

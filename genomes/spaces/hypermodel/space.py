"""The space of the hyperparameters that a KerasTuner ``build(hp)`` asks for."""

from __future__ import annotations

import copy
import math
from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from genomes.costs import Cost
from genomes.domains import Choice, Domain, Value
from genomes.errors import GenomeError, shown, told
from genomes.features import number_names, numbers_of
from genomes.genes.hyperparameters import (
    Hyperparameters,
    Parameter,
    Values,
    active_parameters,
    completed_values,
    text_of_values,
)
from genomes.genome import Genome
from genomes.spaces.base import Space
from genomes.spaces.hypermodel.compiled_model import (
    fresh_metrics,
    fresh_optimizer,
    layers_by_mark,
    learning_rates,
    loss_object,
)
from genomes.spaces.hypermodel.counting import cost_of
from genomes.spaces.hypermodel.inputs import InputSpecs, build_for, specs_from_json, specs_of, specs_to_json, symbolic
from genomes.spaces.hypermodel.moving_statistics import unbias
from genomes.spaces.hypermodel.outputs import activated, activation_of, takes_one_hot, target_of, with_activation
from genomes.spaces.hypermodel.own_fit import call_fit, fit_function
from genomes.spaces.hypermodel.registration import Registration, build_function, reference, registered
from genomes.spaces.hypermodel.user_state import state_put_back
from genomes.spaces.hypermodel.without_values import without_values
from genomes.spaces.model import dtype_policy
from genomes.spaces.preferences import FieldValue
from genomes.targets import Multiclass, Target

#: Innovation number of the one gene that every genome of such a space has.
_INNOVATION = 1


class HypermodelSpace(Space):
    """The space of a hypermodel's hyperparameters; :func:`genomes.spaces.from_hypermodel` makes it."""

    repeatable = False

    compiles_models = True

    def __init__(
        self,
        hypermodel: Any,
        parameters: Sequence[Parameter],
        *,
        objective: str = "val_accuracy",
        batch_size: int = 32,
        target: Target | None = None,
        identity: Mapping[str, str] | None = None,
        inputs: InputSpecs | None = None,
        asks_for_inputs: bool = False,
        corrected_statistics: bool = False,
        falling_rate: bool = False,
    ) -> None:
        self._inputs, self._asks_for_inputs = inputs, asks_for_inputs
        self.hypermodel = hypermodel
        self._identity = None if identity is None else dict(identity)
        self._registration: Registration | None = None
        self._corrected_statistics = bool(corrected_statistics)
        self._falling_rate = bool(falling_rate)
        self.parameters = tuple(parameters)
        self.target = target
        self._objective = objective
        self._batch_size = int(batch_size)
        self._latest: tuple[str, Any] | None = None
        self._costs: dict[str, Cost] = {}
        names: list[str] = []
        for index, parameter in enumerate(self.parameters):
            label = f"{parameter.name}#{index}"
            names += [f"{label} exists"] if parameter.rules else []
            names += number_names(label, parameter.domain)
        self._feature_names = tuple(names)

    # -- genomes and values --------------------------------------------------------------
    def genome(self, values: Mapping[str, Value], rng: np.random.Generator | None = None) -> Genome:
        """The genome with these values; missing ones are drawn, or take their defaults without ``rng``."""
        chosen = text_of_values(completed_values(self.parameters, values, rng))
        return Genome((Hyperparameters(innovation=_INNOVATION, chosen=chosen),))

    def values(self, genome: Genome) -> Values:
        """The named values that a genome holds."""
        if len(genome.genes) != 1 or not isinstance(genome.genes[0], Hyperparameters):
            raise GenomeError("expected one gene of class Hyperparameters", "genes")
        return genome.genes[0].named

    def default(self) -> Genome:
        """Every hyperparameter at its default."""
        return self.genome({})

    def smallest(self) -> Genome:
        """Every number at its least value, which is the smallest model where numbers are sizes."""
        values: Values = {}
        for parameter in reversed(self.parameters):
            domain = parameter.domain
            unordered = isinstance(domain, Choice) and not domain.ordered
            values[parameter.name] = domain.default if unordered else domain.from_unit(0.0)
        return self.genome(values)

    def sample(self, rng: np.random.Generator) -> Genome:
        """Every hyperparameter that exists, drawn from its domain."""
        return self.genome({}, rng)

    def validate(self, genome: Genome) -> None:
        """Check that exactly the hyperparameters that exist have values, each in its domain."""
        values = self.values(genome)
        expected = active_parameters(self.parameters, values)
        for name, value in values.items():
            if name not in expected:
                raise GenomeError(f"no such hyperparameter exists here; {shown(sorted(expected), 300)} do", name)
            expected[name].domain.validate(value, name)
        missing = sorted(set(expected) - set(values))
        if missing:
            raise GenomeError(f"hyperparameters without a value: {shown(missing, 300)}", "genes[0]")

    def repair(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """Values that do not belong to an existing hyperparameter are dropped; missing and invalid ones are drawn."""
        try:
            self.validate(genome)
            return genome
        except GenomeError:
            pass
        given = genome.genes[0].named if genome.genes and isinstance(genome.genes[0], Hyperparameters) else {}
        return self.genome(given, rng)

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """One hyperparameter perturbed; hyperparameters that exist only then are drawn."""
        values = self.values(self.repair(genome, rng))
        varying = {name: p for name, p in active_parameters(self.parameters, values).items() if p.domain.size != 1}
        if not varying:
            return genome
        name = list(varying)[int(rng.integers(len(varying)))]
        return self.genome({**values, name: varying[name].domain.perturb(values[name], rng)}, rng)

    def crossover(self, first: Genome, second: Genome, rng: np.random.Generator) -> tuple[Genome, Genome]:
        """Uniform: each value of one child comes from either parent, of the other from the other."""
        a, b = self.values(self.repair(first, rng)), self.values(self.repair(second, rng))
        names = list(dict.fromkeys(p.name for p in self.parameters))
        swapped = {name for name, swap in zip(names, rng.random(len(names)) < 0.5, strict=True) if swap}
        mixed = []
        for own, other in ((a, b), (b, a)):
            values = {
                name: source[name]
                for name in names
                for source in [other if name in swapped and name in other else own]
                if name in source
            }
            mixed.append(self.genome(values, rng))
        return mixed[0], mixed[1]

    def field_domains(self) -> Mapping[str, Domain]:
        """Domains of the hyperparameters by name; of one with several the first."""
        return {parameter.name: parameter.domain for parameter in reversed(self.parameters)}

    def field_values(self, genome: Genome) -> Mapping[Hashable, FieldValue]:
        """The hyperparameters that exist, by their names."""
        values = self.values(genome)
        existing = active_parameters(self.parameters, values)
        return {name: FieldValue(name, existing[name].domain, value) for name, value in values.items()}

    def with_field_values(self, genome: Genome, changes: Mapping[Hashable, Value], rng: np.random.Generator) -> Genome:
        """The genome with these values; hyperparameters that exist only then are drawn."""
        return self.genome({**self.values(genome), **{str(name): value for name, value in changes.items()}}, rng)

    # -- what is known of genomes ----------------------------------------------------------
    def cost(self, genome: Genome) -> Cost:
        """Parameters and FLOPs, counted once per genome on a model that is built without values.

        0 of a model that waits for its inputs (:meth:`with_inputs`).

        Raises:
            GenomeError: the user's function fails.
        """
        if genome.key not in self._costs:
            self._costs[genome.key] = self._counted(genome)
        return self._costs[genome.key]

    def cost_without_building(self, genome: Genome) -> Cost:
        """Unknown, and so 0."""
        return Cost()

    def _counted(self, genome: Genome) -> Cost:
        latest = self._latest
        if latest is not None and latest[0] == genome.key:
            return self._cost_of(latest[1])
        try:
            with without_values():
                return self._cost_of_new(genome)
        except GenomeError:  # it needs values, or fails anyhow
            return self._cost_of_new(genome)

    def _cost_of_new(self, genome: Genome) -> Cost:
        latest = self._latest
        try:
            with state_put_back():
                return self._cost_of(self.build(genome))
        finally:
            self._latest = latest  # what may have no values is not to be trained

    def _cost_of(self, model: Any) -> Cost:
        return cost_of(model, None if self._inputs is None else symbolic(self._inputs)) if model.built else Cost()

    def features(self, genome: Genome) -> np.ndarray:
        """Per hyperparameter: whether it exists (where that varies) and its place in its domain."""
        values = self.values(genome)
        existing = active_parameters(self.parameters, values)
        numbers: list[float] = []
        for parameter in self.parameters:
            exists = existing.get(parameter.name) is parameter
            value = values[parameter.name] if exists else parameter.domain.default
            if parameter.rules:
                numbers.append(float(exists))
            numbers += numbers_of(parameter.domain, value)
        return np.asarray(numbers, dtype=np.float64)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """``name#place``, with ``exists`` or ``=value`` behind it."""
        return self._feature_names

    def size(self) -> int | None:
        """Product of the domains' sizes where all always exist and are finite, else None."""
        sizes = [p.domain.size for p in self.parameters]
        if any(size is None for size in sizes) or any(p.rules for p in self.parameters):
            return None
        return math.prod(size for size in sizes if size is not None)

    def describe(self) -> str:
        """One line per hyperparameter."""
        lines = [f"hypermodel {reference(self.hypermodel)}"]
        for parameter in self.parameters:
            where = " and ".join(rule.describe() for rule in parameter.rules)
            lines.append(f"{parameter.name}: {parameter.domain!r}{f', where {where}' if where else ''}")
        return "\n".join(lines)

    def arguments(self) -> dict[str, Any]:
        """Parameters, objective, batch size and target; the hypermodel by name and what tells it from its namesakes."""
        return {
            "hypermodel": reference(self.hypermodel),
            "parameters": [parameter.to_json() for parameter in self.parameters],
            "objective": self._objective,
            "batch_size": self._batch_size,
            "target": None if self.target is None else self.target.to_json(),
            **({} if self._identity is None else {"identity": self._identity}),
            **({} if self._inputs is None else {"inputs": specs_to_json(self._inputs)}),
            **({"corrected_statistics": True} if self._corrected_statistics else {}),
            **({"falling_rate": True} if self._falling_rate else {}),
        }

    def arguments_as_in(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Without what earlier versions did not write, where it is not in ``stored``."""
        return {name: value for name, value in self.arguments().items() if name != "identity" or name in stored}

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """The space that :meth:`arguments` came from.

        Raises:
            GenomeError: this process was not given the hypermodel, or another of its name; it is not imported.
        """
        target = arguments["target"]
        # Absent from what earlier versions wrote.
        identity, inputs = arguments.get("identity"), arguments.get("inputs")
        return cls(
            registered(str(arguments["hypermodel"]), identity),
            [Parameter.from_json(json) for json in arguments["parameters"]],
            objective=str(arguments["objective"]),
            batch_size=int(arguments["batch_size"]),
            target=None if target is None else Target.from_json(target),
            identity=identity,
            inputs=None if inputs is None else specs_from_json(inputs),
            corrected_statistics=bool(arguments.get("corrected_statistics", False)),
            falling_rate=bool(arguments.get("falling_rate", False)),
        )

    def with_inputs(self, x: Any) -> Self:
        """The same space, whose models without ``Input`` are built on inputs like these."""
        return self._on(specs_of(x)) if self._asks_for_inputs else self

    def with_stored_inputs(self, stored: Mapping[str, Any]) -> Self:
        """The same space, whose models are built on the inputs that were stored."""
        return self._on(specs_from_json(stored["inputs"])) if self._asks_for_inputs and stored.get("inputs") else self

    def _on(self, inputs: InputSpecs) -> Self:
        space = copy.copy(self)
        space._inputs, space._latest, space._costs = inputs, None, {}
        return space

    @property
    def definitions(self) -> tuple[Any, ...]:
        """What registers the hypermodel in a worker process, and the target's class."""
        if self._registration is None or self._registration.hypermodel is not self.hypermodel:
            self._registration = Registration(self.hypermodel, self._identity)
        return (self._registration, *(() if self.target is None else (type(self.target),)))

    @property
    def current(self) -> bool:
        """Whether the hypermodel is the one that its name stands for by now: a notebook's cell may have run again."""
        return registered(reference(self.hypermodel), self._identity) is self.hypermodel

    # -- ensembles ---------------------------------------------------------------------
    def prepare_targets(self, y: Any) -> Any:
        """One-hot rows of classes where the loss compares such; else as the target says."""
        prepared = super().prepare_targets(y)
        if not isinstance(self.target, Multiclass) or not takes_one_hot(self._usual().loss):
            return prepared
        return np.eye(self.target.width, dtype=np.float32)[prepared]

    def pooled_target(self, outputs: int) -> Target | None:
        """The space's target, else what the loss of a model of one output says."""
        return self.target if self.target is not None else target_of(self._usual(), outputs)

    def _usual(self) -> Any:
        """The model of the default values, which may be without a loss where the user's ``fit`` needs none."""
        genome = self.default()
        latest = self._latest
        if latest is not None and latest[0] == genome.key:
            return latest[1]
        with state_put_back():
            return self.build(genome)

    def probabilities(self, predictions: np.ndarray) -> np.ndarray:
        """With the activation that the loss of the default values' model applies to logits."""
        return activated(predictions, activation_of(self._usual().loss))

    def pooled_model(self, model: Any) -> Any:
        """Likewise."""
        inputs = None if self._inputs is None else symbolic(self._inputs)
        return with_activation(model, inputs, activation_of(self._usual().loss))

    # -- data and models ---------------------------------------------------------------
    @property
    def objective(self) -> str:
        """The objective that the space was made with."""
        return self._objective

    def check_data(self, x: Any, y: Any, role: str = "train") -> None:
        """Check the targets, if the space knows what is predicted; inputs are not checked."""
        if self.target is not None and y is not None:
            self.target.check(y, f"y_{role}")

    def build(
        self,
        genome: Genome,
        preprocessing: Mapping[str, np.ndarray] | None = None,
        dtype: str | None = None,
        seed: int | None = None,
        encoded: bool = False,
    ) -> Any:
        """The ``keras.Model`` that the user's function makes of the genome's values.

        The model is compiled if the user's function compiles it. Hyperparameters that
        exploration did not find are at their defaults, so that equal genomes are equal models.
        """
        import keras

        hp = self._hp(genome)
        if seed is not None:
            keras.utils.set_random_seed(int(seed))
        try:
            with dtype_policy(dtype):
                model = build_function(self.hypermodel)(hp)
        except (Exception, SystemExit) as error:
            raise GenomeError(f"build failed: {told(error)}", "genes[0]") from error
        if not isinstance(model, keras.Model):
            raise GenomeError(f"build must return a keras.Model, got {type(model).__name__}", "genes[0]")
        if self._inputs is not None:
            build_for(model, self._inputs, dtype)
        if not getattr(model, "compiled", False) and not self.has_own_fit:
            raise GenomeError("build must return a compiled model: call model.compile(optimizer, loss, metrics) in it")
        object.__setattr__(model, "gene_layers", MappingProxyType(layers_by_mark(model)))
        self._latest = (genome.key, model)
        return model

    def _compiled(self, genome: Genome) -> Any:
        latest = self._latest
        return latest[1] if latest is not None and latest[0] == genome.key else self.build(genome)

    def loss(self, genome: Genome, preprocessing: Mapping[str, np.ndarray] | None = None) -> Any:
        """The loss that the user's function compiled the model with, of the model built last if it is this one."""
        return loss_object(self._compiled(genome).loss)

    def metrics(self) -> list[Any]:
        """The metrics that the user's function compiled the model built last with; fresh."""
        if self._latest is None:
            self.build(self.default())
        assert self._latest is not None
        return fresh_metrics(self._latest[1])

    def optimizer(self, genome: Genome) -> Any:
        """A fresh optimizer like the one that the user's function compiled the model with."""
        return fresh_optimizer(self._compiled(genome))

    def batch_size(self, genome: Genome) -> int:
        """The hyperparameter ``batch_size`` if there is one, else the space's."""
        size = self.values(genome).get("batch_size", self._batch_size)
        return int(size) if isinstance(size, (int, float)) else self._batch_size

    @property
    def has_own_fit(self) -> bool:
        """Whether the user's ``HyperModel`` overrides ``fit``."""
        return fit_function(self.hypermodel) is not None

    def fit(
        self, genome: Genome, model: Any, data: tuple[Any, ...], options: Mapping[str, Any]
    ) -> tuple[Any, set[str]]:
        """Train by the ``fit`` of the user's ``HyperModel``."""
        own = fit_function(self.hypermodel)
        assert own is not None
        return call_fit(own, self._hp(genome), model, data, options)

    def _hp(self, genome: Genome) -> Any:
        import keras_tuner

        hp = keras_tuner.HyperParameters()
        hp.values = dict(self.values(genome))
        return hp

    def settle(self, model: Any, steps: int) -> None:
        """Take the initial values out of the moving averages of batch normalizations, where the space was asked to."""
        if self._corrected_statistics:
            unbias(model, steps)

    def learning_rates(
        self, genome: Genome, first_epoch: int, last_epoch: int, final: bool, steps_per_epoch: int
    ) -> np.ndarray:
        """Learning rate of every step: float32, shape ((last_epoch - first_epoch) * steps_per_epoch,).

        Those of the user's schedule if there is one; else constant, as with ``fit``. Where the space was asked to, a
        constant rate falls to 0 with ``final``.
        """
        model, falling = self._compiled(genome), final and self._falling_rate
        return learning_rates(model, first_epoch * steps_per_epoch, last_epoch * steps_per_epoch, decay=falling)

"""A program of the corpus: a ``build(hp)`` or genomes of a space, data, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Largest relative difference that rounding explains.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Rows:
    """What a user passes to ``fit``.

    Attributes:
        x: inputs as Keras takes them: an array, or a list, tuple or dict of arrays.
        y: targets likewise; None where the model adds its losses itself.
        validation: ``(x, y)`` or ``(x, y, sample_weight)``.
        weight: ``sample_weight`` of the training rows.
        class_weight: ``class_weight``.
    """

    x: Any
    y: Any
    validation: tuple[Any, ...]
    weight: Any = None
    class_weight: Mapping[int, float] | None = None


@dataclass(frozen=True)
class Program:
    """One program.

    Attributes:
        name: subject and name, ``losses/closure``.
        rows: makes the data.
        build: the user's function of ``hp``, which compiles the model that it returns; None with ``space``.
        space: makes a space of genes instead.
        genomes: makes that space's genomes that are trained one after the other.
        trials: hyperparameters of the trials that one process does one after the other; each of them
            must be Keras' trial, whatever was compiled before it.
        epochs: epochs of each trial.
        batch_size: rows per step.
        quick: belongs to the part that the test suite runs.
        single_fit: one call of ``fit`` for all epochs, where its end does something (``use_ema``).
        callbacks: makes Keras callbacks, of which each training has its own; needs ``single_fit``.
        precision: evo's setting, and the global policy under which Keras builds and trains.
        random: draws for every row: with the same seeds one device draws as Keras does, replicas draw
            other numbers, so that distributions over many seeds are compared.
        not_on: why Keras itself cannot do it with a backend, by the backend's name, or on several ``"replicas"``.
        tolerance: largest relative difference.
        reason: why the tolerance is not the usual one.
    """

    name: str
    rows: Callable[[], Rows]
    build: Callable[[Any], Any] | None = None
    space: Callable[[], Any] | None = None
    genomes: Callable[[Any], Sequence[Any]] | None = None
    trials: tuple[Mapping[str, Any], ...] = ({},)
    epochs: int = 2
    batch_size: int = 32
    quick: bool = False
    single_fit: bool = False
    callbacks: Callable[[], Sequence[Any]] = tuple
    precision: str = "float32"
    random: bool = False
    not_on: Mapping[str, str] = field(default_factory=dict)
    tolerance: float = TOLERANCE
    reason: str = ""


class Subject:
    """Programs of one subject, in the order in which they are added.

    Args:
        name: of the subject, the first part of each program's name.
        settings: of all its programs.
    """

    def __init__(self, name: str, **settings: Any) -> None:
        self.name = name
        self.settings = settings
        self.programs: list[Program] = []

    def add(self, name: str, build: Callable[[Any], Any], rows: Callable[[], Rows], **settings: Any) -> None:
        """Add a program with a function of ``hp``."""
        # Hypermodels are known by their names: no two of the corpus may have the same.
        build.__qualname__ = f"{self.name}.{name}"
        self.programs.append(Program(f"{self.name}/{name}", rows, build, **{**self.settings, **settings}))

    def program(self, rows: Callable[[], Rows], **settings: Any) -> Callable[[Any], Any]:
        """Decorator: add a function of ``hp`` under its own name, with dashes."""

        def decorate(build: Any) -> Any:
            self.add(build.__name__.replace("_", "-"), build, rows, **settings)
            return build

        return decorate

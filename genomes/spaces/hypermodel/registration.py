"""Which hypermodels this process knows: JSON names them, and nothing is imported because a file names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genomes.errors import GenomeError, shown

#: Hypermodels that this process was given, by name. A file can name one of them, and nothing else.
_registered: dict[str, Any] = {}


def reference(hypermodel: Any) -> str:
    """The name under which a hypermodel is recorded: ``module:qualname``, of an instance that of its class."""
    named = hypermodel if hasattr(hypermodel, "__qualname__") else type(hypermodel)
    return f"{named.__module__}:{named.__qualname__}"


def register(hypermodel: Any) -> str:
    """Make a hypermodel known in this process, so that JSON may name it.

    Args:
        hypermodel: function or ``HyperModel``.

    Returns:
        Its name.
    """
    name = reference(hypermodel)
    _registered[name] = hypermodel
    return name


class Registration:
    """A hypermodel on its way to a worker: unpickled there, it registers itself.

    Functions and classes are pickled by reference, so that they must be importable by the worker.
    """

    def __init__(self, hypermodel: Any) -> None:
        self.hypermodel = hypermodel
        register(hypermodel)

    def __reduce__(self) -> tuple[Any, ...]:
        return Registration, (self.hypermodel,)


def registered(name: str) -> Any:
    """The hypermodel that was registered under this name.

    Raises:
        GenomeError: this process was not given such a hypermodel.
    """
    if name not in _registered:
        raise GenomeError(
            f"the hypermodel {shown(name)} is not known in this process; make the space with "
            "genomes.spaces.from_hypermodel(build) first: nothing is imported because a file names it"
        )
    return _registered[name]


def build_function(hypermodel: Any) -> Callable[[Any], Any]:
    """The function of ``hp`` that builds: the hypermodel's method ``build``, or the hypermodel itself.

    Raises:
        GenomeError: neither can be called.
    """
    build = getattr(hypermodel, "build", None)
    if callable(build):
        return build
    if callable(hypermodel):
        return hypermodel
    raise GenomeError(f"build: expected a function of hp or a keras_tuner.HyperModel, got {shown(hypermodel)}")

"""Hypermodels by name, for JSON that may not hold code, and their way to worker processes."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable, Mapping
from typing import Any

from genomes.errors import GenomeError, shown

#: Hypermodels that this process was given, with what tells those of one name apart, the latest last.
#: A file can name one of them, and nothing else.
_registered: dict[str, list[tuple[dict[str, str] | None, Any]]] = {}


def reference(hypermodel: Any) -> str:
    """The name under which a hypermodel is recorded: ``module:qualname``, of an instance that of its class."""
    named = _named(hypermodel)
    return f"{named.__module__}:{named.__qualname__}"


def _named(hypermodel: Any) -> Any:
    """The function, or the class, that a hypermodel has its name from."""
    while isinstance(hypermodel, functools.partial) or hasattr(hypermodel, "adjusted"):
        hypermodel = hypermodel.func if isinstance(hypermodel, functools.partial) else hypermodel.adjusted
    return hypermodel if hasattr(hypermodel, "__qualname__") else type(hypermodel)


def register(hypermodel: Any, identity: Mapping[str, str] | None = None) -> str:
    """Make a hypermodel known in this process, so that JSON may name it.

    Args:
        hypermodel: function or ``HyperModel``.
        identity: what tells it from others of its name (:func:`genomes.spaces.hypermodel.identity.identity_of`).

    Returns:
        Its name.
    """
    name = reference(hypermodel)
    own = None if identity is None else dict(identity)
    others = [entry for entry in _registered.get(name, []) if entry[0] != own]
    _registered[name] = [*others, (own, hypermodel)]
    return name


def registered(name: str, identity: Mapping[str, str] | None = None) -> Any:
    """The hypermodel that was registered under this name.

    Args:
        name: its name.
        identity: what tells it from others of that name; None for the latest.

    Raises:
        GenomeError: this process was not given such a hypermodel.
    """
    known = _registered.get(name)
    if not known:
        raise GenomeError(
            f"the hypermodel {shown(name)} is not known in this process; make the space with "
            "genomes.spaces.from_hypermodel(build) first: nothing is imported because a file names it"
        )
    if identity is None:
        return known[-1][1]
    for own, hypermodel in reversed(known):
        if own == identity:
            return hypermodel
    latest = known[-1][0] or {}
    places = [place for place in sorted({*latest, *identity}) if latest.get(place) != identity.get(place)]
    differing = "; ".join(f"{p}: {identity.get(p, 'nothing')} there, {latest.get(p, 'nothing')} here" for p in places)
    raise GenomeError(f"the hypermodel {shown(name)} is another one in this process: {shown(differing, 400)}")


class Registration:
    """A hypermodel on its way to a worker: unpickled there, it registers itself.

    What is defined in the main program (a script, a notebook, standard input), in a function or as a lambda
    travels by value, with the variables, functions and classes that it refers to; what stands in a module that can
    be imported is imported there. Nothing of this is stored.

    Args:
        hypermodel: the hypermodel.
        identity: what tells it from others of its name.
    """

    def __init__(self, hypermodel: Any, identity: Mapping[str, str] | None = None) -> None:
        self.hypermodel = hypermodel
        self.identity = identity
        self._packed: bytes | None = None
        register(hypermodel, identity)

    def packed(self) -> bytes:
        """The hypermodel as bytes; made once.

        Raises:
            TypeError, pickle.PicklingError, ...: something of it cannot be pickled: a lock, an open file, a generator.
        """
        if self._packed is None:
            name = reference(self.hypermodel)
            parts = (self.hypermodel, name, self.identity, _users_registered_classes())
            self._packed = _dumps(parts, self.hypermodel)
        return self._packed

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (self.packed(),)


def _dumps(value: Any, hypermodel: Any) -> bytes:
    import cloudpickle

    module = sys.modules.get(reference(hypermodel).partition(":")[0])
    if module is None or module.__name__ in cloudpickle.list_registry_pickle_by_value() or _importable(module.__name__):
        return bytes(cloudpickle.dumps(value))
    cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(value))
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _importable(module: str) -> bool:
    """Whether another process finds the module by its name; the main program, which travels anyhow, counts as such."""
    if module == "__main__":
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # made by hand: it has no spec
        return False


@functools.lru_cache(maxsize=4)
def _arrived(packed: bytes) -> Registration:
    """In a worker: the hypermodel, registered, and the user's Keras classes under their registered names."""
    import pickle

    hypermodel, name, identity, classes = pickle.loads(packed)
    if reference(hypermodel) != name:
        # A class that travels by value leaves behind what it is defined in.
        _named(hypermodel).__qualname__ = name.partition(":")[2]
    if classes:
        import keras

        for name, found in classes.items():
            package, _, own = name.rpartition(">")
            keras.saving.register_keras_serializable(package, own)(found)
    return Registration(hypermodel, identity)


def _users_registered_classes() -> dict[str, Any]:
    """What the main program registered with Keras for saving: a worker does not run its decorators."""
    keras = sys.modules.get("keras")
    known = {} if keras is None else keras.saving.get_custom_objects()
    return {name: kind for name, kind in known.items() if getattr(kind, "__module__", "") == "__main__" and ">" in name}


def build_function(hypermodel: Any) -> Callable[[Any], Any]:
    """What builds a model of hyperparameters.

    Raises:
        GenomeError: neither can be called.
    """
    if isinstance(hypermodel, type) and callable(getattr(hypermodel, "build", None)):
        raise GenomeError(f"build: expected an instance, got the class itself: give {hypermodel.__name__}()")
    build = getattr(hypermodel, "build", None)
    if callable(build):
        return build
    if callable(hypermodel):
        return hypermodel
    raise GenomeError(f"build: expected a function of hp or a HyperModel, got {type(hypermodel).__name__}")

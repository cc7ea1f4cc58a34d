"""What a hypermodel is, beside its name: its code, its arguments, and the values that it refers to.

``HM(3)`` and ``HM(5)`` have one name, and so have two closures of one function. A
campaign that was begun with one must not be continued with the other.
"""

from __future__ import annotations

import ast
import datetime
import dis
import enum
import functools
import hashlib
import inspect
import json as json_module
import re
import textwrap
import types
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

#: Text of a value up to this length is kept as it is, so that an error can show it; longer ones as their hash.
_SHOWN = 100
#: Deepest nesting of values and of functions that call functions.
_DEPTH = 8
_SKIPPED = ("__weakref__", "__dict__", "__doc__", "__module__", "__annotations__")


def identity_of(hypermodel: Any) -> dict[str, str]:
    """What tells a hypermodel from another one of the same name, as texts by place.

    ``code`` is a hash of its source without comments and docstrings (of its bytecode where there is no
    source), with that of functions and classes that it refers to and that are defined beside it.
    Each attribute, argument, closure variable and global variable that it refers to has an entry of its own:
    plain values, arrays, and objects with ``get_config``; of others their type alone.

    Attributes that methods other than ``__init__`` assign, and variables that code changes, are state and
    no part of it.

    Args:
        hypermodel: a function, a method, a ``functools.partial``, or an instance with a method ``build``.

    Returns:
        The texts. Equal in every process that runs the same program.
    """
    found = _Findings()
    found.callable(hypermodel, "")
    digest = hashlib.sha256("\n".join(found.codes).encode()).hexdigest()[:16]
    return {"code": digest, **dict(sorted(found.values.items()))}


class _Findings:
    """Gathers code and values."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.values: dict[str, str] = {}
        self._seen: set[int] = set()

    def callable(self, value: Any, place: str, depth: int = 0) -> None:
        """A function, method, partial or instance that is called or whose ``build`` is."""
        if id(value) in self._seen or depth > _DEPTH:
            return
        self._seen.add(id(value))
        if isinstance(value, functools.partial):
            for index, argument in enumerate(value.args):
                self.value(f"{place}argument {index}", argument, depth)
            for name, argument in value.keywords.items():
                self.value(f"{place}argument {name}", argument, depth)
            self.callable(value.func, place, depth + 1)
        elif isinstance(value, types.MethodType):
            self.callable(value.__func__, place, depth + 1)
            self.instance(value.__self__, place, depth)
        elif isinstance(value, types.FunctionType):
            self.function(value, place, depth)
        elif isinstance(value, type):
            self.kind(value, place, depth)
        elif not isinstance(value, types.BuiltinFunctionType):
            self.instance(value, place, depth)

    def instance(self, value: Any, place: str, depth: int) -> None:
        """An object: its class, and its attributes by name."""
        if isinstance(value, type):
            self.kind(value, place, depth)
            return
        self._seen.add(id(value))
        self.kind(type(value), place, depth + 1)
        state = _assigned_by_methods(type(value))
        for name, attribute in sorted(_attributes(value).items()):
            own_method = isinstance(attribute, types.MethodType) and attribute.__self__ is value
            if not own_method and name not in state:
                self.value(f"{place}attribute {name}", attribute, depth)

    def kind(self, value: type, place: str, depth: int) -> None:
        """A class and those that it is derived from, as far as they are the user's own."""
        for base in value.__mro__:
            if not _is_users(base) or id(base) in self._seen:
                continue
            self._seen.add(id(base))
            source = _source(base)
            if source is not None:
                self.codes.append(source)
            for name, member in sorted(vars(base).items()):
                member = getattr(member, "__func__", getattr(member, "fget", member))
                if isinstance(member, types.FunctionType):
                    self.function(member, place, depth + 1, coded=source is None)
                elif name not in _SKIPPED and source is None and _plain(member) is not None:
                    self.value(f"{place}{base.__name__}.{name}", member, depth)

    def function(self, value: types.FunctionType, place: str, depth: int, coded: bool = True) -> None:
        """A function: code, defaults, closure, and the globals that it names."""
        if depth > _DEPTH:
            return
        if coded:
            source = _source(value)
            self.codes.append(_bytecode(value.__code__) if source is None else source)
        for index, default in enumerate(value.__defaults__ or ()):
            self.value(f"{place}default {index}", default, depth)
        for name, default in (value.__kwdefaults__ or {}).items():
            self.value(f"{place}default {name}", default, depth)
        stored = set(_stored(value.__code__))
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            if name not in stored and name != "__class__":
                try:
                    self.value(f"{place}{name}", cell.cell_contents, depth)
                except ValueError:  # not assigned yet
                    pass
        for name in sorted(set(_names(value.__code__)) - stored):
            if name in value.__globals__:
                self.value(f"{place}{name}", value.__globals__[name], depth)

    def value(self, place: str, value: Any, depth: int) -> None:
        """A value that code refers to."""
        if isinstance(value, types.ModuleType):
            return
        if isinstance(value, (types.FunctionType, type, types.MethodType, functools.partial)):
            if not isinstance(value, (types.FunctionType, type)) or _is_users(value):
                self.callable(value, f"{place}.", depth + 1)
            else:
                self.values[place] = f"{value.__module__}.{value.__qualname__}"
            return
        text = _plain(value)
        if text is None:
            if id(value) in self._seen or depth >= _DEPTH:
                return
            if _is_users(type(value)) or callable(getattr(value, "build", None)):
                self.callable(value, f"{place}.", depth + 1)
                return
            text = f"<of type {type(value).__module__}.{type(value).__qualname__}>"
        self.values[place] = text if len(text) <= _SHOWN else hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_users(value: Any) -> bool:
    """Whether a function or class is the user's own, not a library's."""
    package = str(getattr(value, "__module__", "")).split(".")[0]
    if package in (
        "builtins",
        "keras",
        "keras_tuner",
        "tensorflow",
        "numpy",
        "jax",
        "torch",
        "evo",
        "genomes",
        "sklearn",
    ):
        return False
    try:
        file = inspect.getfile(value)
    except (TypeError, OSError):
        return True
    return "site-packages" not in file and file not in ("", None) and not file.startswith(_STANDARD_LIBRARY)


_STANDARD_LIBRARY = inspect.getfile(inspect).rsplit("inspect.py", 1)[0]


def _source(value: Any) -> str | None:
    """Source of a function or class as it reads without comments and docstrings; None if there is none to be had."""
    try:
        if getattr(value, "__name__", "") == "<lambda>":
            return _source_of_lambda(value)
        tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
    except (OSError, TypeError, SyntaxError, ValueError, IndexError):
        return None
    if not isinstance(tree.body[0], (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return None
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _source_of_lambda(value: types.FunctionType) -> str | None:
    """The expression, where it is the only one that begins in its line; None elsewhere."""
    lines, _ = inspect.findsource(value)
    begun = [
        node
        for node in ast.walk(ast.parse("".join(lines)))
        if isinstance(node, ast.Lambda) and node.lineno == value.__code__.co_firstlineno
    ]
    return ast.unparse(begun[0]) if len(begun) == 1 else None


def _bytecode(code: types.CodeType) -> str:
    """Hash of what a function's bytecode does: without line numbers and file names."""
    digest = hashlib.sha256(code.co_code)
    for constant in code.co_consts:
        nested = isinstance(constant, types.CodeType)
        digest.update((_bytecode(constant) if nested else _plain(constant) or repr(constant)).encode())
    digest.update(repr((code.co_names, code.co_varnames, code.co_argcount, code.co_freevars)).encode())
    return digest.hexdigest()


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def _names(code: types.CodeType) -> Iterator[str]:
    """Names of the surroundings that the code reads; those of attributes are none."""
    for part in _nested(code):
        for instruction in dis.get_instructions(part):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                yield instruction.argval


def _stored(code: types.CodeType) -> Iterator[str]:
    """Variables of the surroundings that the code changes: state, not what it is."""
    for part in _nested(code):
        for instruction in dis.get_instructions(part):
            if instruction.opname == "STORE_GLOBAL" or (
                instruction.opname == "STORE_DEREF" and instruction.argval in part.co_freevars
            ):
                yield instruction.argval


def _attributes(value: Any) -> dict[str, Any]:
    """What an object holds, in its ``__dict__`` and in slots; not what every function and class has."""
    slots = [slot for base in type(value).__mro__ for slot in _several(vars(base).get("__slots__", ()))]
    held = {slot: getattr(value, slot) for slot in slots if hasattr(value, slot)} | dict(getattr(value, "__dict__", {}))
    return {name: held[name] for name in held if name == "__wrapped__" or not name.startswith("__")}


def _several(slots: Any) -> Iterator[str]:
    yield from [slots] if isinstance(slots, str) else slots


def _assigned_by_methods(kind: type) -> set[str]:
    """Attributes that a user's class assigns outside of ``__init__``: counters, what was computed once."""
    found: set[str] = set()
    for base in kind.__mro__:
        for name, member in vars(base).items() if _is_users(base) else ():
            if isinstance(member, types.FunctionType) and name not in ("__init__", "__post_init__"):
                for part in _nested(member.__code__):
                    found |= {i.argval for i in dis.get_instructions(part) if i.opname == "STORE_ATTR"}
    return found


def _plain(value: Any, depth: int = 0) -> str | None:
    """A text that is equal for equal values; None for what has no such text."""
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__}.{value.name}"
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, range, datetime.date, PurePath)):
        return repr(value)
    if depth > _DEPTH:
        return None
    if isinstance(value, np.generic):
        return _plain(value.item(), depth)
    if isinstance(value, Mapping):
        parts = [(_plain(k, depth + 1), _plain(v, depth + 1)) for k, v in value.items()]
        return None if any(None in pair for pair in parts) else "{" + ", ".join(f"{k}: {v}" for k, v in parts) + "}"
    if isinstance(value, (list, tuple, set, frozenset)):
        texts = [_plain(part, depth + 1) for part in value]
        if None in texts:
            return None
        ordered = isinstance(value, (list, tuple))
        return "[" + ", ".join(texts if ordered else sorted(texts)) + "]"  # type: ignore[arg-type, type-var]
    return None if isinstance(value, type) else _configured(value) or _array(value)


def _configured(value: Any) -> str | None:
    """The text of what has a config, as Keras' objects have."""
    config = getattr(value, "get_config", None)
    if not callable(config):
        return None
    try:
        text = json_module.dumps([type(value).__qualname__, config()], sort_keys=True, default=_described)
    except Exception:  # a user's get_config may raise anything
        return None
    # Keras numbers the names that it makes up by what the process did before.
    return re.sub(r'_\d+(?=")', "", text)


def _array(value: Any) -> str | None:
    """The text of an array of numbers or characters, or of what can be one: tensors, columns of a table."""
    if not hasattr(value, "__array__"):
        return None
    try:
        array = np.asarray(value)
    except Exception:  # a symbolic tensor, a tensor on another device
        return None
    if array.dtype.kind == "O":
        return None
    return f"array {array.dtype.str} {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()[:16]}"


def _described(value: Any) -> str:
    text = _plain(value)
    return f"<of type {type(value).__qualname__}>" if text is None else text

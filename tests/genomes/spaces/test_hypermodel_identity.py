from __future__ import annotations

import enum
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genomes.spaces.hypermodel.identity import identity_of

WIDTH = 3
SEEN: list[int] = []


def helper(hp: Any) -> int:
    return WIDTH


def build(hp: Any) -> Any:
    """What the docstring says does not matter."""
    SEEN.append(helper(hp))
    return hp.Int("units", 1, WIDTH)


def closure(value: Any) -> Any:
    def inner(hp: Any) -> Any:
        return value

    return inner


class Model:
    def __init__(self, units: Any, inner: Any = None) -> None:
        self.units, self.inner, self.built = units, inner, 0

    def build(self, hp: Any) -> Any:
        self.built += 1
        return self.units


class Slotted:
    __slots__ = ("units",)

    def __init__(self, units: Any) -> None:
        self.units = units

    def build(self, hp: Any) -> Any:
        return self.units


class Kind(enum.Enum):
    WIDE = 1
    DEEP = 2


class Derived(Model):
    pass


def compiled(text: str, name: str) -> Any:
    found: dict[str, Any] = {}
    exec(compile(text, "<cell>", "exec"), found)
    return found[name]


@pytest.mark.parametrize(
    ("first", "second", "place"),
    [
        (Model(3), Model(5), "attribute units"),
        (Model(3).build, Model(5).build, "attribute units"),
        (Model(3, Model(1)), Model(3, Model(2)), "attribute inner.attribute units"),
        (Model([1, {"a": 2.0}]), Model([1, {"a": 2.5}]), "attribute units"),
        (Model(np.zeros(3)), Model(np.ones(3)), "attribute units"),
        (Slotted(3), Slotted(5), "attribute units"),
        (Model(Kind.WIDE), Model(Kind.DEEP), "attribute units"),
        (Model(Path("a")), Model(Path("b")), "attribute units"),
        (functools.lru_cache(closure(3)), functools.lru_cache(closure(5)), "attribute __wrapped__.value"),
        (Model(3), Derived(3), "code"),
        (closure(3), closure(4), "value"),
        (closure(closure(3)), closure(closure(4)), "value.value"),
        (functools.partial(build, units=3), functools.partial(build, units=4), "argument units"),
        (functools.partial(build, 3), functools.partial(build, 4), "argument 0"),
        (lambda hp: hp.Int("a", 1, 2), lambda hp: hp.Int("a", 1, 3), "code"),
        (compiled("def f(hp):\n    return 1", "f"), compiled("def f(hp):\n    return 2", "f"), "code"),
        (compiled("def f(hp, a=1):\n    return a", "f"), compiled("def f(hp, a=2):\n    return a", "f"), "default 0"),
        (compiled("w = 1\ndef f(hp):\n    return w", "f"), compiled("w = 2\ndef f(hp):\n    return w", "f"), "w"),
    ],
)
def test_what_differs_is_named(first: Any, second: Any, place: str) -> None:
    one, other = identity_of(first), identity_of(second)
    assert place in {name for name in {*one, *other} if one.get(name) != other.get(name)}


def test_a_variable_that_a_helper_reads_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity_of(build)
    monkeypatch.setitem(globals(), "WIDTH", 4)
    after = identity_of(build)
    assert {name for name in before if before[name] != after[name]} == {"WIDTH", "helper.WIDTH"}


def test_comments_docstrings_and_where_it_stands_do_not_count() -> None:
    plain = compiled("def f(hp):\n    return 1", "f")
    moved = compiled("\n\n\ndef f(hp):\n\n    return 1", "f")
    assert identity_of(plain) == identity_of(moved)


def test_state_does_not_count() -> None:
    model = Model(3)
    before = identity_of(model)
    model.build(None)
    assert model.built == 1 and identity_of(model) == before


def test_keras_objects_count_by_their_config() -> None:
    import keras

    def made(units: int) -> dict[str, str]:
        return identity_of(closure([keras.layers.Dense(units), keras.optimizers.Adam(0.1)]))

    def alone(units: int) -> dict[str, str]:
        return identity_of(closure(keras.layers.Dense(units)))

    assert made(2)["value"] == made(2)["value"] != made(3)["value"]
    # Keras numbers its layers; that is no difference.
    assert alone(2) == alone(2) != alone(3)


def test_a_cycle_ends() -> None:
    model = Model(3)
    model.inner = model
    assert identity_of(model)["attribute units"] == "3"
    loop: list[Any] = []
    loop.append(loop)
    assert identity_of(closure(loop))["value"].startswith("<of type")

"""Kinds of members of an ensemble that are no nets: how their files end, and how they are read and exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evo.ensemble.linear import LinearModel
from evo.ensemble.trees import TreeModel
from evo.ensemble.trees.keras_trees import keras_trees


@dataclass(frozen=True)
class MemberKind:
    """A kind of members.

    Attributes:
        load: reads a file of one, given by its path or opened.
        in_keras: makes a functional Keras model of one, given symbolic inputs.
        made_by: the class of such members.
    """

    load: Callable[[Any], Any]
    in_keras: Callable[[Any, Any], Any]
    made_by: type


#: The kinds by name, which is also how their files end.
KINDS: Mapping[str, MemberKind] = {
    "trees": MemberKind(TreeModel.load, keras_trees, TreeModel),
    "linear": MemberKind(LinearModel.load, LinearModel.keras_model, LinearModel),
}


def kind_of(model: Any) -> MemberKind | None:
    """The kind of a member's model; None for a net."""
    return next((kind for kind in KINDS.values() if isinstance(model, kind.made_by)), None)

"""The validation data of a call of ``search``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class ValidationData:
    """Validation rows.

    Attributes:
        x: inputs as the model takes them.
        y: targets as its loss takes them.
    """

    x: Any
    y: Any


def validation_data(args: Sequence[Any], kwargs: Mapping[str, Any]) -> ValidationData | None:
    """The rows that ``fit`` called with these arguments would validate on; None if they are not arrays.

    Args:
        args: positional arguments, ``x`` and ``y`` first.
        kwargs: keyword arguments.
    """
    given = kwargs.get("validation_data")
    if isinstance(given, (tuple, list)) and len(given) in (2, 3):
        return ValidationData(given[0], given[1])
    share = kwargs.get("validation_split")
    x: Any = args[0] if args else kwargs.get("x")
    y: Any = args[1] if len(args) > 1 else kwargs.get("y")
    if given is None and share and hasattr(x, "shape") and hasattr(y, "shape"):
        start = int(len(x) * (1 - float(share)))  # as Keras splits
        return ValidationData(x[start:], y[start:])
    return None

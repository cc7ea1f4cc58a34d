"""What models are called on, read off the arguments of a call of ``search``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genomes.spaces.hypermodel.inputs import InputSpecs, specs_of


def training_inputs(args: Sequence[Any], kwargs: Mapping[str, Any]) -> InputSpecs | None:
    """Names, dtypes and shapes of the inputs that ``fit`` called with these arguments trains on.

    Args:
        args: positional arguments, ``x`` first.
        kwargs: keyword arguments.

    Returns:
        None where they are not arrays, a list or a dict of arrays: batches of a data set tell it only when drawn.
    """
    x: Any = args[0] if args else kwargs.get("x")
    if isinstance(x, (list, tuple)):
        x = {f"input_{number}": array for number, array in enumerate(x)}
    arrays = list(x.values()) if isinstance(x, Mapping) else [x]
    if not arrays or not all(hasattr(a, "shape") and hasattr(getattr(a, "dtype", None), "kind") for a in arrays):
        return None
    return specs_of(x)

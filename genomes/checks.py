"""Checks of arguments that many places need."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from genomes.errors import GenomeError, shown


def whole_number(
    value: Any,
    name: str,
    least: int | None = None,
    most: int | None = None,
    error: Callable[[str], Exception] = GenomeError,
) -> int:
    """``value`` as a plain Python int, if it is a whole number within bounds.

    NumPy's integers are whole numbers; booleans and floats are not, whatever their value.

    Args:
        value: what was given.
        name: name of the argument, with which the message begins; empty if ``error`` adds it.
        least: smallest value allowed; None for no bound.
        most: largest value allowed; None for no bound.
        error: makes the exception from its message.

    Returns:
        The number.

    Raises:
        Exception: what ``error`` makes of "NAME: expected a whole number from LEAST to MOST, got VALUE",
            or "... of LEAST or more, ..." without a largest one.
    """
    if (
        isinstance(value, (int, np.integer))
        and not isinstance(value, bool)
        and (least is None or value >= least)
        and (most is None or value <= most)
    ):
        return int(value)
    raise error(f"{f'{name}: ' if name else ''}expected a whole number{bounds(least, most)}, got {shown(value)}")


def axis_lengths(value: Any, name: str, axes: Sequence[str], unknown: Sequence[str] = ()) -> tuple[int | None, ...]:
    """``value`` as the lengths of a sample's axes, each a whole number from 1.

    Args:
        value: what was given: an iterable with one entry per axis.
        name: name of the argument, with which the message begins.
        axes: names of the axes, in order.
        unknown: those whose length may be None.

    Raises:
        GenomeError: another number of axes, or a length that is none; the message says which axes were expected.
    """

    def error(_: str) -> GenomeError:
        return GenomeError(f"{name}: expected ({', '.join(axes)}), got {shown(value)}")

    lengths = tuple(value) if isinstance(value, Iterable) else ()
    if len(lengths) != len(axes):
        raise error("")
    return tuple(
        None if length is None and axis in unknown else whole_number(length, name, 1, error=error)
        for axis, length in zip(axes, lengths, strict=True)
    )


def real_number(value: Any, name: str, least: float, most: float | None = None) -> float:
    """``value`` as a plain float, if it is a number within bounds; NumPy's are, booleans and NaN are not.

    Args:
        value: what was given.
        name: name of the argument, with which the message begins.
        least: smallest value allowed.
        most: largest value allowed; None for no bound.

    Raises:
        GenomeError: it is none.
    """
    numeric = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if numeric and least <= value and (most is None or value <= most):
        with contextlib.suppress(OverflowError):
            return float(value)
    raise GenomeError(f"{name}: expected a number{bounds(least, most)}, got {shown(value)}")


def bounds(least: float | None, most: float | None) -> str:
    """What an error says of the values that are allowed: " of 1 or more", " from 1 to 9", " to 9" or nothing."""
    if least is None:
        return "" if most is None else f" to {most}"
    return f" of {least} or more" if most is None else f" from {least} to {most}"


def truth(value: Any, name: str) -> bool:
    """``value`` if it is True or False.

    Raises:
        GenomeError: it is neither.
    """
    if not isinstance(value, bool):
        raise GenomeError(f"{name}: expected true or false, got {shown(value)}")
    return value

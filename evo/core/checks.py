"""Checks of settings: a wrong value is refused with the name of the setting and what was expected."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from evo.core.errors import SettingsError
from genomes import checks


def whole_number(
    value: Any, name: str, least: int, most: int | None = None, error: type[Exception] = SettingsError
) -> int:
    """A whole number from ``least`` to ``most``, both included.

    Args:
        value: what was given; True and False are no numbers.
        name: of the setting, for the message.
        least: the smallest number that is allowed.
        most: the largest; None for no limit.
        error: what is raised.

    Returns:
        ``value``.

    Raises:
        SettingsError: it is none; or ``error``.
    """
    if not isinstance(value, int):
        # NumPy's integers are whole numbers for genomes; what a campaign is given goes into JSON as it is.
        raise error(f"{name}: expected a whole number{checks.bounds(least, most)}, got {value!r}")
    return checks.whole_number(value, name, least, most, error)


def number(
    value: Any, name: str, least: float, most: float = math.inf, error: type[Exception] = SettingsError
) -> float:
    """A number from ``least`` to ``most``, both included; arguments as for :func:`whole_number`.

    Raises:
        SettingsError: it is none (NaN included); or ``error``.
    """
    if _is_number(value, int, float) and least <= value <= most:
        return float(value)
    raise error(f"{name}: expected a number{checks.bounds(least, None if most == math.inf else most)}, got {value!r}")


def positive_number(value: Any, name: str, error: type[Exception] = SettingsError) -> float:
    """A finite number above 0; arguments as for :func:`whole_number`.

    Raises:
        SettingsError: it is none; or ``error``.
    """
    if _is_number(value, int, float) and 0 < value < math.inf:
        return float(value)
    raise error(f"{name}: expected a positive number, got {value!r}")


def share(value: Any, name: str, *, whole: bool = True, error: type[Exception] = SettingsError) -> float:
    """A share of something: a number from 0 to 1.

    Args:
        value: what was given.
        name: of the setting, for the message.
        whole: whether 1, the whole of it, is allowed.
        error: what is raised.

    Raises:
        SettingsError: it is none; or ``error``.
    """
    if _is_number(value, int, float) and (0 <= value < 1 or (whole and value == 1)):
        return float(value)
    raise error(f"{name}: expected a share, 0 to {'1' if whole else 'below 1'}, got {value!r}")


def truth_value(value: Any, name: str, error: type[Exception] = SettingsError) -> bool:
    """True or False.

    Raises:
        SettingsError: it is neither; or ``error``.
    """
    if isinstance(value, bool):
        return value
    raise error(f"{name}: expected True or False, got {value!r}")


def local_path(value: Any, name: str, error: type[Exception] = SettingsError) -> Path:
    """A path of this machine's file system.

    Args:
        value: a text or a path.
        name: of the argument, for the message.
        error: what is raised.

    Raises:
        SettingsError: an address such as ``gs://...`` or ``s3://...``, which would silently become a local folder; or
            ``error``.
    """
    # ``Path("gs://a")`` has lost a slash. One letter before the colon is a drive of Windows.
    address = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/", str(value))
    if address is not None:
        raise error(
            f"{name}: {str(value)!r} is an address; evo stores on local disks and mounted file systems only, "
            f"expected a path without {address[1]}:// (mount the store, or copy the folder there and back)"
        )
    return Path(value)


def known_names(
    given: Iterable[str], known: Iterable[str], where: str = "", error: type[Exception] = SettingsError
) -> None:
    """Refuse names that are not known; the message says which known one is nearest, or all of them.

    Args:
        given: the names that were given.
        known: the names that there are.
        where: what stands before the name in the message, e.g. ``[data] ``.
        error: what is raised.

    Raises:
        SettingsError: one of them is not known; or ``error``.
    """
    known = list(known)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; expected one of {', '.join(sorted(known))}"
            raise error(f"{where}{name}: unknown{hint}")


def _is_number(value: Any, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)

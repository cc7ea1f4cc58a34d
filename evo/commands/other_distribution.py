"""The package index has another project whose import name is ``evo``: both in one environment overwrite each other."""

from __future__ import annotations

from importlib import metadata

#: Name of the other distribution; ours is ``evo-keras``.
_OTHER = "evo"


def conflict() -> str | None:
    """What to tell a user in whose environment the other ``evo`` is installed; None where it is not."""
    try:
        found = metadata.version(_OTHER)
    except metadata.PackageNotFoundError:
        return None
    return (
        f"another package, evo {found}, is installed in this environment. Its import name is evo too, so that its "
        "files and those of evo-keras overwrite each other: install evo-keras in an environment of its own."
    )

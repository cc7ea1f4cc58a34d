"""How many bytes of a campaign's directory are of which kind."""

from __future__ import annotations

import os
from pathlib import Path

from evo.storage import layout


def bytes_by_kind(root: Path) -> dict[str, int]:
    """Bytes of all files below ``root``: one entry per subfolder, ``other``, ``total``."""
    kinds = dict.fromkeys((*layout.FOLDERS, layout.DAMAGED, "other"), 0)
    for folder, _, names in os.walk(root):
        parts = Path(folder).relative_to(root).parts
        kind = parts[0] if parts and parts[0] in kinds else "other"
        for name in names:
            try:
                kinds[kind] += os.lstat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                continue
    return {**kinds, "total": sum(kinds.values())}

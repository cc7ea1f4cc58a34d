"""Archives whose bytes depend on what is in them alone: no dates, no addresses of memory."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

#: The earliest date that a ZIP file can hold.
_DATE = (1980, 1, 1, 0, 0, 0)


def add(archive: zipfile.ZipFile, name: str, content: str | bytes) -> None:
    """Write an entry without the time of day."""
    archive.writestr(zipfile.ZipInfo(name, _DATE), content)


def keras_archive(content: bytes) -> bytes:
    """A ``.keras`` file of the same model, equal for equal models.

    Keras writes the date into it, and memory addresses as identities of
    objects that layers share: the addresses are numbered in order of appearance.

    Args:
        content: the bytes of a ``.keras`` file.
    """
    source = zipfile.ZipFile(io.BytesIO(content))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in source.namelist():
            entry = source.read(name)
            if name == "metadata.json":
                entry = json.dumps({**json.loads(entry), "date_saved": "1980-01-01@00:00:00"}).encode()
            elif name == "config.json":
                entry = json.dumps(_numbered(json.loads(entry), {})).encode()
            add(archive, name, entry)
    return target.getvalue()


def _numbered(value: Any, known: dict[int, int]) -> Any:
    if isinstance(value, dict):
        return {
            key: known.setdefault(part, len(known)) if key == "shared_object_id" else _numbered(part, known)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [_numbered(part, known) for part in value]
    return value

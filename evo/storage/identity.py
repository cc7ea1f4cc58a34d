"""``campaign.json`` and ``preprocessing.npz``: what a campaign is, written once and never changed."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import SettingsError, StorageError
from evo.storage import atomic, layout
from evo.storage.sealed import Damaged, open_json, read_bytes, seal_json


def holds_campaign(root: Path) -> bool:
    """Whether a directory holds a campaign."""
    return (root / layout.CAMPAIGN).is_file() or (root / layout.CAMPAIGN_COPY).is_file()


def check_free(root: Path) -> None:
    """Raise unless a new campaign may be made here; nothing is touched."""
    if root.exists() and not root.is_dir():
        raise SettingsError(f"directory: {root} is a file, expected a folder that is empty or does not exist")
    if not root.exists():
        parent = next(folder for folder in (*root.absolute().parents,) if folder.exists())
        if not parent.is_dir():
            raise SettingsError(f"directory: {root} cannot be made, {parent} is a file")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise StorageError(f"directory: {root} cannot be made, {parent} is not writable")
        return
    if not os.access(root, os.W_OK | os.X_OK):
        raise StorageError(f"directory: {root} is not writable")
    if holds_campaign(root):
        raise SettingsError(f"directory: {root} holds a campaign already; open it with evo.resume, or choose another")
    # What a kill in the middle of create() leaves: our own folders, without a trial in them.
    ours = {*layout.FOLDERS, layout.LOCK, layout.PREPROCESSING}
    others = sorted(
        n for n in os.listdir(root) if n not in ours and not (n.startswith(".") and n.endswith(atomic.PARTIAL))
    )
    if others:
        raise SettingsError(
            f"directory: {root} holds something else ({', '.join(others[:3])}"
            f"{', ...' if len(others) > 3 else ''}), expected a campaign, an empty folder, or a new one"
        )
    _check_no_trials(root)


def _check_no_trials(root: Path) -> None:
    journal = root / layout.JOURNAL
    if journal.is_dir() and any(not name.startswith(".") for name in os.listdir(journal)):
        raise StorageError(
            f"{root / layout.CAMPAIGN} and {layout.CAMPAIGN_COPY} are missing from a directory that holds "
            "trials. Restore one of the two from a backup."
        )


def check_campaign(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise SettingsError(f"directory: {root} is a file, expected the folder of a campaign")
    if not root.exists():
        raise SettingsError(f"directory: {root} does not exist, expected the folder of a campaign")
    if not holds_campaign(root):
        _check_no_trials(root)
        raise SettingsError(f"directory: {root} holds no campaign ({layout.CAMPAIGN} is missing)")


def read_campaign(root: Path, write: bool) -> tuple[dict[str, Any], list[str]]:
    """``campaign.json``, or its copy where it is damaged; and what was repaired."""
    reasons: dict[str, str] = {}
    contents: dict[str, dict[str, Any]] = {}
    for name in (layout.CAMPAIGN, layout.CAMPAIGN_COPY):
        try:
            content = open_json(read_bytes(root / name))
            if not isinstance(content.get("evo_format"), int):
                raise Damaged("it names no format")
            contents[name] = content
        except Damaged as damage:
            reasons[name] = str(damage)
    if not contents:
        raise StorageError(
            f"{root / layout.CAMPAIGN} is damaged: {reasons[layout.CAMPAIGN]}; and its copy "
            f"{layout.CAMPAIGN_COPY} too: {reasons[layout.CAMPAIGN_COPY]}. "
            "Restore one of the two from a backup."
        )
    content = next(iter(contents.values()))
    if content["evo_format"] > layout.FORMAT:
        raise StorageError(
            f"{root / layout.CAMPAIGN} has format {content['evo_format']}; this version of evo reads up to "
            f"{layout.FORMAT}. Install a newer one."
        )
    messages = []
    for name, reason in reasons.items():
        messages.append(f"{name} was damaged ({reason}); restored from {next(iter(contents))}")
        if write:
            atomic.set_aside(root, root / name)
            atomic.write_file(root / name, seal_json(content))
    return content, messages


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays as an ``.npz`` file whose bytes depend on nothing else."""
    buffer = io.BytesIO()
    checked = {}
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        if array.dtype.hasobject:
            raise StorageError(f"preprocessing {name!r}: expected an array of numbers or text, got objects")
        checked[name] = array
    np.savez(buffer, **checked)  # type: ignore[arg-type]
    return buffer.getvalue()

"""``campaign.json`` and its copy: what a campaign is, written once and never changed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evo.core.errors import SettingsError, StorageError
from evo.storage import atomic, layout
from evo.storage.comparison import differences, plain
from evo.storage.sealed import Damaged, open_json, read_bytes, seal_json

#: More trials per merged file than any version of evo asks for.
_MOST_SEGMENT = 100_000


def holds_campaign(root: Path) -> bool:
    """Whether a directory holds a campaign."""
    return (root / layout.CAMPAIGN).is_file() or (root / layout.CAMPAIGN_COPY).is_file()


def check_free(root: Path) -> None:
    """Raise unless a new campaign may be made here; nothing is touched.

    Raises:
        SettingsError: it is a file, or a folder with something else or a campaign in it.
        StorageError: it cannot be written, or holds trials without a ``campaign.json``.
    """
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
    """Raise unless a directory holds a campaign.

    Raises:
        SettingsError: it is a file, does not exist, or holds no campaign.
        StorageError: it holds trials, but no ``campaign.json``.
    """
    if root.exists() and not root.is_dir():
        raise SettingsError(f"directory: {root} is a file, expected the folder of a campaign")
    if not root.exists():
        raise SettingsError(f"directory: {root} does not exist, expected the folder of a campaign")
    if not holds_campaign(root):
        _check_no_trials(root)
        raise SettingsError(f"directory: {root} holds no campaign ({layout.CAMPAIGN} is missing)")


def new_content(
    settings: Mapping[str, Any],
    space: Mapping[str, Any],
    data_fingerprint: Mapping[str, Any] | str,
    versions: Mapping[str, str],
    preprocessing_sha256: str | None,
) -> dict[str, Any]:
    """The content of ``campaign.json`` for a new campaign, as plain JSON."""
    return {
        "evo_format": layout.FORMAT,
        "segment": layout.SEGMENT,
        "settings": plain(dict(settings)),
        "space": plain(dict(space)),
        "data_fingerprint": plain(data_fingerprint),
        "versions": dict(versions),
        "preprocessing_sha256": preprocessing_sha256,
    }


def write_campaign(root: Path, content: Mapping[str, Any]) -> None:
    """Write the copy, then ``campaign.json``: with it the folder is a campaign's.

    Raises:
        StorageError: one of them could not be written.
    """
    sealed = seal_json(content)
    atomic.write_file(root / layout.CAMPAIGN_COPY, sealed)
    atomic.write_file(root / layout.CAMPAIGN, sealed)


def compare(
    content: Mapping[str, Any],
    settings: Mapping[str, Any],
    space: Mapping[str, Any],
    data_fingerprint: Mapping[str, Any] | str,
    ignore: Sequence[str] = (),
) -> list[str]:
    """One line per difference between a stored campaign and a given one; ``ignore``: settings that may differ."""
    stored = {key: value for key, value in content["settings"].items() if key not in ignore}
    given = {key: value for key, value in plain(dict(settings)).items() if key not in ignore}
    return [
        *differences(stored, given, "settings"),
        *_differences_of_spaces(content["space"], plain(dict(space))),
        *differences(content["data_fingerprint"], plain(data_fingerprint), "data"),
    ]


def _differences_of_spaces(stored: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """One line where they are of different kinds, and have hardly an argument in common."""
    if stored.get("space") != given.get("space"):
        return [f"space: stored {stored.get('space')}, given {given.get('space')}"]
    return differences(stored, given, "space")


def _check_content(content: Mapping[str, Any]) -> None:
    """Raise unless the entries that are relied on are there, and of their types.

    Raises:
        Damaged: one is not; names it.
    """
    segment, sha = content.get("segment"), content.get("preprocessing_sha256", 0)
    if type(segment) is not int or not 1 <= segment <= _MOST_SEGMENT:
        raise Damaged(f"segment: expected a whole number from 1 to {_MOST_SEGMENT}")
    for name in ("settings", "space", "versions"):
        if not isinstance(content.get(name), dict):
            raise Damaged(f"{name}: expected an object")
    if not isinstance(content.get("data_fingerprint"), (dict, str)):
        raise Damaged("data_fingerprint: expected an object or a text")
    if sha is not None and not isinstance(sha, str):
        raise Damaged("preprocessing_sha256: expected a text or null")


def read_campaign(root: Path, write: bool) -> tuple[dict[str, Any], list[str]]:
    """``campaign.json``, or its copy where it is damaged; and what was repaired.

    Args:
        root: the campaign's directory.
        write: restore the damaged one from the other.

    Returns:
        The content, and one line per repair.

    Raises:
        StorageError: both are damaged, or their format is newer than this version of evo.
    """
    reasons: dict[str, str] = {}
    contents: dict[str, dict[str, Any]] = {}
    whole = b""
    for name in (layout.CAMPAIGN, layout.CAMPAIGN_COPY):
        try:
            data = read_bytes(root / name)
            content = open_json(data)
            if type(content.get("evo_format")) is not int:
                raise Damaged("it names no format")
            if content["evo_format"] <= layout.FORMAT:
                _check_content(content)
            contents[name] = content
            whole = data
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
            # As it is: to write it anew takes long where a stranger has nested it deep.
            atomic.write_file(root / name, whole)
    return content, messages

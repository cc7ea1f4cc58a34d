"""How to run again what a command ran."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evo.commands.job import Job
from evo.commands.shell_words import command_line


def job_again(job: Job, directory: Path) -> list[tuple[str, str]]:
    """Titles and texts: the file to write, and the command that runs it.

    Args:
        job: what the campaign was begun with.
        directory: the campaign's directory.
    """
    again = directory.with_name(f"{directory.name}-again")
    file = f"{again.name}.toml"
    return [(f"The file {file}", as_toml(job.config)), ("The command", command_line("evo", "run", file, "-d", again))]


def as_toml(config: Mapping[str, Any]) -> str:
    """What ``tomllib`` reads as the same: plain values, lists and tables; None and empty tables are left out."""
    return _table(config, ()).strip() + "\n"


def _table(given: Mapping[str, Any], path: tuple[str, ...]) -> str:
    values = {name: value for name, value in given.items() if value is not None and not isinstance(value, Mapping)}
    tables = {name: value for name, value in given.items() if isinstance(value, Mapping) and value}
    head = f"\n[{'.'.join(map(_key, path))}]\n" if path and values else ""
    lines = "".join(f"{_key(name)} = {_value(value)}\n" for name, value in values.items())
    return head + lines + "".join(_table(inner, (*path, name)) for name, inner in tables.items())


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else _quoted(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items() if one is not None)
        return f"{{{inner}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        # JSON's Infinity and NaN are spelled otherwise here; a whole float keeps its point.
        return repr(value)
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """As in JSON, save for one character that TOML wants escaped, and for halves of characters, which no file holds."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")

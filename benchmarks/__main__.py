"""``python -m benchmarks COMMAND …``: finds the commands in this package and runs one.

A command is a module or package in this folder with ``add_arguments(parser)``
and ``run(arguments) -> int`` at its top level; the first line of its docstring
is its help. Listing reads the source and imports nothing, so that a missing
optional package never breaks it.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import sys
from pathlib import Path

_FOLDER = Path(__file__).parent
_REQUIRED = {"add_arguments", "run"}


def _command_help(source: Path) -> str | None:
    """First line of a command's docstring; None if the file is no command."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    if not names >= _REQUIRED:
        return None
    return (ast.get_docstring(tree) or "").strip().split("\n")[0]


def commands(folder: Path = _FOLDER) -> dict[str, str]:
    """Every command's name and its help, in alphabetical order."""
    found = {}
    for path in sorted(folder.iterdir()):
        source = path / "__init__.py" if path.is_dir() else path
        if path.name.startswith("_") or source.suffix != ".py" or not source.is_file():
            continue
        help_line = _command_help(source)
        if help_line is not None:
            found[path.stem] = help_line
    return found


def _listing(found: dict[str, str]) -> str:
    width = max((len(name) for name in found), default=0)
    lines = [f"  {name:<{width}}  {help_line}" for name, help_line in found.items()]
    return "\n".join(["usage: python -m benchmarks COMMAND [--help] …", "", "commands:", *lines])


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit status (0 for success, 2 for a wrong call)."""
    argv = sys.argv[1:] if argv is None else argv
    found = commands()
    if not argv or argv[0] in ("-h", "--help"):
        print(_listing(found))
        return 0
    name = argv[0]
    if name not in found:
        print(f"unknown command {name!r}\n\n{_listing(found)}", file=sys.stderr)
        return 2
    try:
        module = importlib.import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as error:
        print(
            f"`python -m benchmarks {name}` needs the package {error.name!r}; "
            "install what benchmarks need with: pip install 'evo-keras[benchmarks]'",
            file=sys.stderr,
        )
        return 2
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(argv[1:])) or 0)


if __name__ == "__main__":
    sys.exit(main())

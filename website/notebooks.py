"""A hook of MkDocs: the notebooks of examples/notebooks as pages, with what their cells printed.

The repository keeps them without output. ``make docs`` executes them into build/notebooks; where one was not executed,
or not since it was changed, the page shows its code alone and the build warns (``EVO_UNEXECUTED=1``: it does not).
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "examples" / "notebooks"
EXECUTED = ROOT / "build" / "notebooks"
#: Escape codes of colours.
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LOG = logging.getLogger("mkdocs.plugins.notebooks")


def on_files(files: Any, config: Any) -> Any:
    """A page for each notebook."""
    for source in sorted(SOURCES.glob("*.ipynb")):
        files.append(File.generated(config, f"tutorials/{source.stem}.md", content=page(source, config.repo_url)))
    return files


def page(source: Path, repository: str | None) -> str:
    """A notebook as Markdown.

    Args:
        source: of the notebook without output.
        repository: address of the repository; None or empty where it is not known.
    """
    notebook = nbformat.read(source, as_version=4)
    executed = EXECUTED / source.name
    if executed.is_file():
        done = nbformat.read(executed, as_version=4)
        if [cell.source for cell in done.cells] == [cell.source for cell in notebook.cells]:
            notebook = done
        else:
            _warn(f"{source.name} was changed after it was executed: make notebooks")
    else:
        _warn(f"{source.name} was not executed: make notebooks")
    head, *rest = (_markdown(cell) for cell in notebook.cells)
    return "\n\n".join([head.partition("\n\n")[0], _links(source, repository), head.partition("\n\n")[2], *rest]) + "\n"


def _markdown(cell: Any) -> str:
    """A cell, with what it printed and showed in one box where that is text."""
    if cell.cell_type == "markdown":
        return str(cell.source)
    parts = [f"```python\n{cell.source}\n```"]
    lines: list[str] = []
    for output in cell.outputs:
        data = output.get("data", {})
        html, text = "".join(data.get("text/html", "")), "".join(data.get("text/plain", output.get("text", "")))
        if output.get("name") == "stderr" or 'aria-live="off"' in html:
            continue  # what libraries say while they start, and a display that was redrawn while it ran
        if html and output.output_type == "execute_result":
            parts += [*_box(lines), f"<div>\n{html}\n</div>"]
            lines = []
        else:
            lines.append(_COLOURS.sub("", text).rstrip())
    return "\n\n".join([*parts, *_box(lines)])


def _box(lines: list[str]) -> list[str]:
    return ["```text\n" + "\n".join(lines) + "\n```"] if lines else []


def _links(source: Path, repository: str | None) -> str:
    name = source.relative_to(ROOT).as_posix()
    if repository and "github.com/" in repository:
        place = repository.rstrip("/").partition("github.com/")[2]
        hosted = f"https://colab.research.google.com/github/{place}/blob/main/{name}"
        return f"[Open in a hosted notebook]({hosted}) · [the notebook]({repository.rstrip('/')}/blob/main/{name})"
    return f"The notebook is `{name}` in the repository."


def _warn(text: str) -> None:
    if not os.environ.get("EVO_UNEXECUTED"):
        _LOG.warning(text)

"""The documentation as a site: every page is in it, every argument in the reference, and a strict build is silent."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import evo
import genomes

ROOT = Path(__file__).parents[1]
SETTINGS = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
REFERENCE = [
    name
    for page in sorted((ROOT / "docs" / "api").glob("*.md"))
    for name in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
]


def found(name: str) -> Any:
    """What stands under a dotted name."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing: Any = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for part in parts[length:]:
            thing = getattr(thing, part)
        return thing
    raise AssertionError(name)


def test_every_page_is_in_the_navigation() -> None:
    """Decisions get there by themselves."""
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(p for p in pages if not p.startswith("decisions/") and not re.search(rf" {p}\s", SETTINGS)) == []


def test_every_public_name_is_in_the_reference() -> None:
    shown = [found(name) for name in REFERENCE]
    names = [
        (f"{package.__name__}.{name}", getattr(package, name))
        for package in (evo, genomes, genomes.spaces)
        for name in package.__all__
    ]
    missing = [name for name, thing in names if not inspect.ismodule(thing) and thing not in shown]
    assert missing == ["evo.EvoError"]  # it stands in evo.errors


@pytest.mark.parametrize(
    "thing", [getattr(genomes.spaces, name) for name in genomes.spaces.__all__], ids=genomes.spaces.__all__
)
def test_every_argument_of_a_space_is_explained(thing: Any) -> None:
    made = thing.__init__ if inspect.isclass(thing) else thing
    arguments = [name for name in inspect.signature(made).parameters if name != "self"]
    text = inspect.getdoc(thing) or ""
    section = re.search(r"^Args:\n(.*?)(?:^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    explained = re.findall(r"^    \**(\w+)(?: \([^)]*\))?: \S", section.group(1), re.MULTILINE)
    assert explained == arguments


@pytest.mark.slow
def test_a_strict_build_has_no_warning(tmp_path: Path) -> None:
    for name in ("mkdocs", "material", "mkdocstrings", "nbformat"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install 'evo-keras[docs]'")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "EVO_UNEXECUTED": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert len(list((tmp_path / "site").rglob("index.html"))) > 50

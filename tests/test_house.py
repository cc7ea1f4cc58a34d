"""Rules of the house that no linter checks: length and names of files, circles among modules, what the pages name."""

from __future__ import annotations

import ast
import importlib
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("evo", "genomes", "benchmarks")
#: Most lines of a file.
LIMIT = 450
#: Files that may be longer, and why.
LONGER: dict[str, str] = {}
#: Names that say nothing about what is in a module.
SAYING_NOTHING = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "tools"}


def sources(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(*packages: str) -> dict[str, set[str]]:
    """Module to the modules of these packages that it imports, at its top, in functions, and for types alone.

    ``from package import name`` imports ``package.name`` where that is a module, else ``package``.
    """
    modules = {module_name(path): path for path in sources(*packages)}
    found: dict[str, set[str]] = {}
    for module, path in modules.items():
        targets: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                targets.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.relative_to(ROOT)}:{node.lineno}: relative import"
                for alias in node.names:
                    name = f"{node.module}.{alias.name}"
                    targets.add(name if name in modules else str(node.module))
        found[module] = {target for target in targets if target in modules and target != module}
    return found


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of two or more nodes that reach one another (Tarjan 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for target in sorted(graph[node]):
            if target not in order:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], order[target])
        if low[node] == order[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                groups.append(sorted(group))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return groups


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == [["b", "c"]]


def test_modules_form_no_circle() -> None:
    assert circles(imports("evo", "genomes")) == []


def test_siblings_form_no_circle() -> None:
    """Neither do packages side by side, although no two of their modules import one another."""
    graph = imports("evo", "genomes")
    parents = {module.rpartition(".")[0] for module in graph} - {""}
    for parent in sorted(parents):
        siblings: dict[str, set[str]] = {}
        depth = parent.count(".") + 2
        for module, targets in graph.items():
            if module.startswith(f"{parent}."):
                own = ".".join(module.split(".")[:depth])
                inside = {".".join(name.split(".")[:depth]) for name in targets if name.startswith(f"{parent}.")}
                siblings.setdefault(own, set()).update(inside - {own})
        assert circles(siblings) == [], parent


def test_every_module_stands_in_a_layer() -> None:
    """A new module is not left out of the contracts: a layer names it, or a package that it is in."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    lines = [line for contract in settings["contracts"] for line in contract.get("layers", [])]
    named = {name.strip() for line in lines for name in re.split("[|:]", line)} - {"genomes"}
    modules = {module_name(path) for path in sources("evo", "genomes")}
    packages = {"evo", "evo.campaign", "evo.core", "genomes"}
    outside = {
        module for module in modules if not any(module == name or module.startswith(f"{name}.") for name in named)
    }
    assert outside - packages == {"evo.__main__"}
    assert named <= modules


@pytest.mark.parametrize("package", (*PACKAGES, "tests"))
def test_files_are_short(package: str) -> None:
    long = {}
    for path in sources(package):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LIMIT:
            long[path.relative_to(ROOT).as_posix()] = lines
    expected = {name for name in LONGER if name.startswith(f"{package}/")}
    assert set(long) == expected, f"longer than {LIMIT} lines: {long}; named as exceptions: {sorted(expected)}"


def test_every_folder_is_a_package() -> None:
    missing = [
        folder
        for package in (*PACKAGES, "tests")
        for folder, _, names in os.walk(ROOT / package)
        if any(name.endswith(".py") for name in names) and "__init__.py" not in names
    ]
    assert missing == []


def test_names_say_what_is_inside() -> None:
    nothing = [path for path in sources(*PACKAGES) if path.stem in SAYING_NOTHING or path.parent.name in SAYING_NOTHING]
    assert nothing == []


def test_no_package_hides_a_module_of_the_same_name() -> None:
    twice = [path for path in sources(*PACKAGES) if path.with_suffix("").is_dir()]
    assert twice == []


def test_every_decision_has_a_date_and_a_status() -> None:
    line = re.compile(r"Date: \d{4}-\d\d-\d\d(, amended \d{4}-\d\d-\d\d)?\. Status: (accepted|superseded by \S+\.md)\.")
    pages = [ROOT / "docs" / "decisions.md", *sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    without = [page.name for page in pages if not line.fullmatch(page.read_text(encoding="utf-8").splitlines()[0])]
    assert without == []


#: What people read. The changelog and the decision on the layout name what was as well.
PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if page.name not in ("CHANGELOG.md", "layout.md")
)


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_are_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:evo|genomes|tests|benchmarks|docs)/[\w/.]+)`", text)
    assert named or page not in ("docs/design.md", "CONTRIBUTING.md")
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_names_that_a_page_names_can_be_imported(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w/.])((?:evo|genomes|benchmarks)(?:\.[A-Za-z_]\w*)+)(?!\w*[/*])", text))
    assert sorted(name for name in named if not name.endswith(".md") and not importable(name)) == []


def importable(name: str) -> bool:
    """Whether ``package.module.Class.attribute`` leads somewhere; fields of dataclasses count as attributes."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for part in parts[length:]:
            if part in getattr(found, "__annotations__", {}):
                return True
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False

"""genomes stands by itself: nothing of evo, no DEAP, no circle of imports, wherever in a file they are written."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import genomes

PACKAGE = Path(genomes.__file__).parent


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in PACKAGE.rglob("*.py")}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, inside functions and for type checking too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """A circle in a graph; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_genomes_imports_neither_evo_nor_deap() -> None:
    found = {
        (module, name)
        for module, path in MODULES.items()
        for name in imports(path)
        if name.partition(".")[0] in ("evo", "deap", "benchmarks", "tests")
    }
    assert not found


def test_no_relative_imports_that_the_checks_would_miss() -> None:
    for path in MODULES.values():
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path


def test_modules_form_no_circle() -> None:
    assert (
        circle(
            {module: {name for name in imports(path) if name in MODULES} - {module} for module, path in MODULES.items()}
        )
        == []
    )


@pytest.mark.parametrize("package", sorted(m for m, path in MODULES.items() if path.name == "__init__.py"))
def test_siblings_of_a_package_form_no_circle(package: str) -> None:
    depth = package.count(".") + 2

    def sibling(module: str) -> str | None:
        return ".".join(module.split(".")[:depth]) if module.startswith(f"{package}.") else None

    graph: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        if (own := sibling(module)) is not None:
            others = {sibling(name) for name in imports(path) if name in MODULES}
            graph.setdefault(own, set()).update(other for other in others if other not in (None, own))
    assert circle(graph) == []


def test_importing_genomes_loads_no_backend() -> None:
    heavy = ["keras", "tensorflow", "jax", "torch", "evo", "deap"]
    code = f"import sys, genomes; print(sorted(set({heavy}) & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert shown.stdout.strip() == "[]"


def test_any_module_fills_the_registries() -> None:
    code = (
        "from genomes.spaces.base import Space; from genomes.gene import Gene;"
        "print({'ImageSpace', 'TabularSpace', 'TextSpace', 'TimeSeriesSpace', 'VectorSpace', 'HypermodelSpace'}"
        " <= set(Space.registry), {'XceptionBlock', 'ColumnEmbedding', 'TokenEmbedding'} <= set(Gene.registry))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert shown.stdout.strip() == "True True"

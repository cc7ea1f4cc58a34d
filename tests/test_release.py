"""What is released says one and the same, and the hosted workflow runs what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import evo

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def test_every_place_has_the_same_version_and_licence() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {evo.__version__}\n" in citation and f"\nlicense: {PROJECT['license']}\n" in citation
    assert PROJECT["version"] == evo.__version__
    assert f"\n## {evo.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_workflow_names_what_there_is() -> None:
    for path in re.findall(r"\btests/[\w./]+", WORKFLOW):
        assert (ROOT / path).exists(), path
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    rules = [line.partition(":")[0] for line in lines if line[:1].isalpha() and ":" in line]
    targets = {target for rule in rules for target in rule.split()}
    (backends,) = re.findall(r"^        backend: \[(.*)\]$", WORKFLOW, re.MULTILINE)
    named = set(re.findall(r"run: make (\S+)$", WORKFLOW, re.MULTILINE)) | set(
        re.findall(r"run: make (\w+) ", WORKFLOW)
    )
    named |= {f"test-{backend}" for backend in backends.split(", ")}
    assert named - targets == set()
    assert "run: make test-${{ matrix.backend }}" in WORKFLOW


def test_the_workflow_tests_every_python_that_is_promised() -> None:
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    tested = re.search(r"^        python: \[(.*)\]$", WORKFLOW, re.MULTILINE)
    assert tested is not None and re.findall(r"3\.\d+", tested[1]) == promised


def test_the_conda_recipe_asks_for_the_same_packages() -> None:
    recipe = (ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    assert f'\n  version: "{evo.__version__}"\n' in recipe
    asked = re.findall(r"^    - (\S+) (\S+)$", recipe[recipe.index("  run:\n") :], re.MULTILINE)
    names = {f"{name.removesuffix('-base')}{bounds}" for name, bounds in asked if name != "python"}
    assert names == set(PROJECT["dependencies"])
    assert ("python", PROJECT["requires-python"]) in asked

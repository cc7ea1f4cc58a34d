"""Every command that a page shows is one that there is, with options that it has; every example has its test."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from pathlib import Path

import pytest

import benchmarks.__main__ as benchmarks
from evo.cli import parser
from tests.test_pages_run import PAGES

ROOT = Path(__file__).parents[1]
SHOWN = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "benchmarks").rglob("*.md")),
]
#: A block with its language, the same wherever it is indented.
BLOCK = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
#: Pages whose Python is run by tests of their own.
OWN = {
    "README.md": "evo/test_readme.py",
    "docs/your-data.md": "test_your_data_page.py",
    "docs/extending.md": "evo/testing/test_extending_page.py",
    "docs/from-keras-tuner.md": "evo/integrations/keras_tuner/test_from_keras_tuner_page.py",
    "docs/targets.md": "genomes/targets/test_target_example.py",
}


def lines(path: Path) -> list[str]:
    """Lines of a page's blocks, those joined that end in a backslash."""
    blocks = [text for _, text in BLOCK.findall(path.read_text(encoding="utf-8"))]
    return [line for text in blocks for line in re.sub(r"\\\n *", "", text).splitlines()]


def commands(program: str) -> list[object]:
    """Commands of a program, each once, as ``pytest`` parameters."""
    found: dict[str, Path] = {}
    for path in SHOWN:
        for line in lines(path):
            start = re.match(rf"\s*(?:\$ )?(?:\w+=\S* )*({program} .*)", line)
            if start is not None:
                found.setdefault(re.split(r"  +|\s#|;|\|", start[1])[0].strip(), path)
    return [pytest.param(text, id=f"{path.relative_to(ROOT)}: {text}") for text, path in found.items()]


def parsed(given: argparse.ArgumentParser, words: list[str]) -> None:
    try:
        given.parse_args(words)
    except SystemExit as error:
        assert not error.code, words


@pytest.mark.parametrize("text", commands("evo"))
def test_a_command_of_evo_is_one(text: str) -> None:
    # Options of a number of one's own: N, and what is left out.
    words = [{"N": "3", "...": "more", "…": "more"}.get(word, word) for word in shlex.split(text)[1:]]
    if words[-1:] == ["more"] and words[0] not in ("dashboard",):
        del words[-1]
    if "COMMAND" not in words:
        parsed(parser(), words)


@pytest.mark.parametrize("text", commands("python -m benchmarks"))
def test_a_command_of_the_benchmarks_is_one(text: str) -> None:
    name, *words = [{"TABLE": "nb201-c10", "$TABLE": "nb201-c10"}.get(word, word) for word in shlex.split(text)[3:]]
    assert name in benchmarks.commands()
    given = argparse.ArgumentParser()
    importlib.import_module(f"benchmarks.{name}").add_arguments(given)
    parsed(given, words)


@pytest.mark.parametrize("text", commands("make"))
def test_a_target_of_make_is_one(text: str) -> None:
    rules = [line.partition(":")[0] for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()]
    targets = {target for rule in rules if rule[:1].isalpha() for target in rule.split()}
    assert {word for word in shlex.split(text)[1:] if "=" not in word} <= targets


def test_every_page_with_python_has_its_test() -> None:
    pages = {
        path.relative_to(ROOT).as_posix()
        for path in SHOWN
        if any(language == "python" for language, _ in BLOCK.findall(path.read_text(encoding="utf-8")))
    }
    assert pages == {*OWN, *(f"docs/{name}" for name in PAGES)}
    for page, test in OWN.items():
        assert Path(page).name in (ROOT / "tests" / test).read_text(encoding="utf-8")


def test_languages_are_those_that_tests_know() -> None:
    """Another language would escape every test: texts are only shown, patches are of the report on mutants."""
    found = {(language, path) for path in SHOWN for language, _ in BLOCK.findall(path.read_text(encoding="utf-8"))}
    assert {language for language, _ in found} == {"python", "sh", "toml", "", "diff"}
    assert {path.relative_to(ROOT).as_posix() for language, path in found if language == "diff"} == {
        "docs/decisions/mutation.md"
    }

"""Python that a page shows compiles, line by line as it stands there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_python(example: str) -> None:
    """``…`` stands for what a reader fills in."""
    ast.parse(example.replace("…", "..."))


def test_pages_have_examples() -> None:
    assert len(EXAMPLES) >= 15

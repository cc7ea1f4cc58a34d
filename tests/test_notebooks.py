"""The notebooks: kept without output, in the site, and each runs from the first cell to the last."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))


def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def test_there_is_one_for_each_kind_of_data() -> None:
    kinds = {"table", "pictures", "texts", "series", "forecast", "joint"}
    assert {path.stem for path in NOTEBOOKS} == kinds
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert kinds == set(re.findall(r"tutorials/(\w+)\.md", settings))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_output(path: Path) -> None:
    assert path.read_text(encoding="utf-8").endswith("}\n")
    assert "".join(cells(path)[0]["source"]).startswith("# ")
    for cell in cells(path):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
            code = "".join(line for line in cell["source"] if not line.strip().startswith("%"))
            compile(code.replace("is None:\n", "is None: pass\n"), str(path), "exec")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient", reason="pip install 'evo-keras[docs]'")
    nbformat = pytest.importorskip("nbformat", reason="pip install 'evo-keras[docs]'")
    pytest.importorskip("ipykernel", reason="pip install 'evo-keras[docs]'")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = re.sub(r"trials=\d+", "trials=2", cell.source)
    nbclient.NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert any(cell.get("outputs") for cell in notebook.cells)

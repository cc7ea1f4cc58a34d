"""The examples of docs/extending.md are test modules that pass; importing evo imports no pytest."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PAGE = REPOSITORY / "docs" / "extending.md"
EXAMPLES = re.findall(r"^## (?:A|An) (\w+)\n\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.M)


class Counted:
    """Counts what became of the tests of another run of pytest in this process."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed += report.when == "call" and report.passed
        if report.failed:
            self.failed.append(f"{report.nodeid}: {report.longreprtext}")


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_the_example_passes_its_suite(name: str, text: str, tmp_path: Path) -> None:
    module = tmp_path / f"test_extending_{name}.py"
    module.write_text(text, encoding="utf-8")
    counted = Counted()
    arguments = ["-q", "-p", "no:cacheprovider", "-c", str(tmp_path / "pytest.ini"), "--rootdir", str(tmp_path)]
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    pytest.main([*arguments, str(module)], plugins=[counted])
    assert not counted.failed
    assert counted.passed >= 10


def test_there_is_an_example_for_every_suite() -> None:
    assert [name for name, _ in EXAMPLES] == ["gene", "algorithm", "space", "executor"]


def test_neither_evo_nor_the_calls_of_workers_import_pytest() -> None:
    text = (
        "import sys, evo, evo.testing.calls, evo.testing.simulated_search, evo.testing.another_process\n"
        "print('pytest' in sys.modules, 'keras' in sys.modules)\n"
        "from evo.testing import AlgorithmConformance\n"
        "print('pytest' in sys.modules, 'keras' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "False", "True", "False"]


def test_without_pytest_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import evo.testing

    monkeypatch.setitem(sys.modules, "pytest", None)
    with pytest.raises(ImportError, match="pip install pytest"):
        _ = evo.testing.GeneConformance
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = evo.testing.Nothing

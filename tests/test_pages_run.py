"""Every example of these pages runs, from the first to the last of a page in one program, on smaller budgets.

Pages with tests of their own: README (tests/evo/test_readme.py), your-data, extending, from-keras-tuner, targets.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: What a reader's machine has time for, and a test has not.
SMALLER = {
    r"minutes=\d+": "trials=2, effort='quick'",
    r"--minutes \d+": "--trials 2 --effort quick",
    r"(evo.resume\(.*)Budget\(epochs=(\d+)\)": r"\1Budget(trials=5)",
    r"Budget\((epochs=\d\d+|trials=40)\)": "Budget(trials=3), epochs=3",
}
DIGITS = """
import evo, genomes, numpy as np
from sklearn.datasets import load_digits
x_train, y_train = load_digits().images[:300, ..., None], load_digits().target[:300]
x_test, y_test = load_digits().images[300:400, ..., None], load_digits().target[300:400]
space = genomes.spaces.image((8, 8, 1), classes=10, flip=False, max_genes=8, filters=8)
data = evo.Data(x_train, y_train, validation=0.2, seed=0)
"""
CAMPAIGN = f'{DIGITS}campaign = evo.Campaign(space, data, "runs/own", budget=evo.Budget(trials=3), epochs=3)\n'
RESULT = f"{CAMPAIGN}result = campaign.run()\n"


@dataclass(frozen=True)
class Page:
    """How the examples of a page are run.

    Attributes:
        before: program that makes what the page takes as given.
        smaller: replacements besides the usual ones.
        shell: whether shell examples are run too; ``evo`` commands alone.
        quick: nothing is trained: the test takes seconds.
    """

    before: str = ""
    smaller: tuple[tuple[str, str], ...] = ()
    shell: bool = False
    quick: bool = False


PAGES = {
    "quick-start.md": Page(shell=True),
    "concepts.md": Page(quick=True),
    "how-to.md": Page(smaller=((r"load_digits\(\)\.(images|target)", r"load_digits().\1[:300]"),)),
    "from-optuna.md": Page(quick=True),
    "from-autokeras.md": Page(),
    "campaigns.md": Page(DIGITS, smaller=((r"Budget\(epochs=300\)", "Budget(trials=3)"), (r"epochs=27", "epochs=3"))),
    "ensembles.md": Page(CAMPAIGN),
    "forecasts.md": Page(),
    "format.md": Page(RESULT.replace("runs/own", "runs/fashion")),
    "genes.md": Page(quick=True),
    "reports.md": Page(RESULT),
}


def program(name: str, page: Page) -> str:
    """The examples of a page as one program."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    parts = [page.before]
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", text, re.DOTALL):
        for pattern, fewer in (*page.smaller, *SMALLER.items()):
            block = re.sub(pattern, fewer, block)
        if language == "python":
            parts.append(block)
        elif page.shell:
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["evo"] and words[1] != "dashboard":
                    command = [sys.executable, "-m", *words]
                    parts.append(f"import subprocess\nsubprocess.run({command!r}, check=True)")
    return "\n".join(parts)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if page.quick else pytest.mark.slow) for name, page in PAGES.items()]
)
def test_every_example_runs(name: str, tmp_path: Path) -> None:
    script = tmp_path / "page.py"
    script.write_text(program(name, PAGES[name]), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, script.name], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def test_the_listing_of_a_job_is_toml() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    (listing,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert set(tomllib.loads(listing)) == {"imports", "data", "space", "campaign", "budget", "algorithm", "ensemble"}

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def run(folder: Path, script: str) -> str:
    path = folder / "script.py"
    path.write_text(textwrap.dedent(script), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, env=environment, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_script_without_a_guard_starts_no_campaigns_in_its_workers(tmp_path: Path) -> None:
    # Nothing of the script is needed: workers leave it alone.
    output = run(
        tmp_path,
        """
        import os
        open(f"ran-{os.getpid()}", "w").close()
        from evo.workers import LocalProcesses
        with LocalProcesses(workers=1) as executor:
            print(executor.submit(os.getpid).result() != os.getpid())
    """,
    )
    assert output == "True\n"
    assert len(list(tmp_path.glob("ran-*"))) == 1


def test_genes_and_functions_of_the_script_are_known_to_workers(tmp_path: Path) -> None:
    # The script is run again up to where it starts a pool, and what it prints there is dropped.
    output = run(
        tmp_path,
        """
        import genomes
        from evo.workers import LocalProcesses

        class Mine(genomes.Gene):
            units = genomes.Int(1, 5)

        def work(units):
            return Mine.__name__ in genomes.Gene.registry and Mine(units=units).units

        print("begins")
        with LocalProcesses(workers=1) as executor:
            print([executor.submit(work, n).result() for n in (1, 2)])
    """,
    )
    assert output == "begins\n[1, 2]\n"

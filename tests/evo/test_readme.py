"""The examples of README.md run as they stand, the first one with a smaller budget."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def example(name: str) -> str:
    found = re.search(rf"<!-- {name}:[^>]*-->\n```python\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_example_runs_as_a_script_and_again(tmp_path: Path) -> None:
    text = example("example")
    assert "evo.Budget(epochs=300)" in text
    script = tmp_path / "example.py"
    script.write_text(text.replace("epochs=300", "epochs=12") + "print(len(result.trials))\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    outputs = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, env=environment, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    # The second time everything is there already.
    assert outputs[0] == outputs[1]
    assert "accuracy" in outputs[0]
    assert (tmp_path / "digits.ensemble").is_file() and (tmp_path / "digits.keras").is_file()


def test_the_gene_of_ones_own() -> None:
    import numpy as np

    scope: dict[str, object] = {"__name__": "readme"}
    exec(example("gene"), scope)
    space = scope["space"]
    rng = np.random.default_rng(0)
    genome = space.sample(rng)  # type: ignore[attr-defined]
    while "Gated" not in str(genome):
        genome = space.mutate(genome, rng)  # type: ignore[attr-defined]
    x, y = rng.random((40, 30)), np.arange(40) % 2
    model = space.build(genome, space.adapt(space.prepare(x), y))  # type: ignore[attr-defined]
    assert model.predict(x.astype(np.float32), verbose=0).shape == (40, 1)
    assert space.cost(genome).parameters == model.count_params()  # type: ignore[attr-defined]

"""The user's gene of docs/genes.md, run as it is printed there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import genomes

PAGE = Path(__file__).parents[2] / "docs" / "genes.md"


@pytest.fixture(autouse=True)
def the_name_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests may run the same example from another page."""
    registry = {name: kind for name, kind in genomes.Gene.registry.items() if name != "Gated"}
    monkeypatch.setattr(genomes.Gene, "registry", registry)


def test_the_example_of_the_documentation(capsys: Any) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    gene = next(block for block in blocks if "class Gated(" in block)
    use = next(block for block in blocks if "genes=[Gated]" in block)
    assert len([line for line in gene.splitlines() if line.strip()]) <= 8
    scope: dict[str, Any] = {"__name__": "users_module"}
    exec(compile(gene + "\n" + use, str(PAGE), "exec"), scope)
    printed = capsys.readouterr().out
    assert "Gated(units=16, activation=relu)" in printed
    model, space = scope["model"], scope["space"]
    assert model.count_params() == space.cost(scope["wrapped"]).parameters
    assert np.isfinite(np.asarray(model(np.zeros((2, 28, 28, 1))))).all()
    assert any("Gated" in str(genome) for genome in scope["parents"])
    assert "Gated.units" in space.feature_names
    copy = genomes.Space.from_json(space.to_json())
    assert copy.fingerprint == space.fingerprint
    for genome in (*scope["parents"], scope["child"], scope["first"], scope["second"]):
        copy.validate(genome)


def test_models_with_the_gene_are_saved_and_loaded(tmp_path: Any) -> None:
    import keras

    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    scope: dict[str, Any] = {"__name__": "users_module"}
    exec(compile(next(block for block in blocks if "class Gated(" in block), str(PAGE), "exec"), scope)
    space = genomes.spaces.image((8, 8, 1), classes=3, genes=[scope["Gated"]])
    genome = genomes.Genome([scope["Gated"](units=8, innovation=1), *space.smallest().genes], space.default().training)
    model = space.build(genome, seed=0)
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype(np.float32)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(np.asarray(loaded(x)), np.asarray(model(x)), atol=1e-6)

"""The user's kind of target of docs/targets.md, run as it is printed there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evo.ensemble import Ensemble, LibraryModel, Member

PAGE = Path(__file__).parents[3] / "docs" / "targets.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")
def test_the_printed_kind_makes_models_and_ensembles() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3)).astype(np.float32)
    y = rng.poisson(np.exp(x[:, 0]))
    names: dict[str, Any] = {"columns": x, "__name__": "example"}
    exec(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[0], names)
    space = names["space"]
    models = [space.build(space.default(), space.adapt(x, y), seed=seed) for seed in (0, 1)]
    library = [
        LibraryModel(n, model.predict(x, verbose=0), load=lambda model=model: model)  # type: ignore[misc]
        for n, model in enumerate(models)
    ]
    ensemble = Ensemble.select(library, y, space.target, 2, method="weighted", confidence=None, rng=rng)
    assert ensemble.predict(x).shape == (60,) and (ensemble.predict(x) > 0).all()
    assert set(ensemble.evaluate(x, y)) == {"poisson", "mae"}
    assert Member(models[0], 0).predict(x, "visits").shape == (60, 1)

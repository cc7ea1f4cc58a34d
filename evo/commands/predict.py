"""``evo predict DIR DATA``"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.commands.quiet_backend import quiet_backend
from evo.core.errors import DataError
from evo.fitting.fitted import load_fitted
from evo.fitting.forecasting import Forecaster
from evo.fitting.pictures import picture_files, read_pictures
from evo.fitting.tables import read_table


def main(given: argparse.Namespace) -> int:
    """Predict the rows of a file, or the pictures of a folder, and write them with their predictions."""
    import pandas

    with quiet_backend():
        model = load_fitted(given.directory)
        if given.data.is_dir():
            if len(getattr(model.space, "input_shape", ())) != 3:
                raise DataError(
                    f"data: {given.data} is a folder, but the model was not fitted on pictures; give a file"
                )
            files = picture_files(given.data)
            rows: Any = read_pictures(files, tuple(getattr(model.space, "input_shape", ())))
            table = pandas.DataFrame({"file": [path.relative_to(given.data).as_posix() for path in files]})
        else:
            rows = table = read_table(
                given.data, separator=given.separator, decimal=given.decimal, encoding=given.encoding
            )
        if isinstance(model, Forecaster):
            if given.probabilities:
                raise DataError("--probabilities: numbers are predicted, which have none")
            return _written(model.forecast(rows), model.plan.targets, given.output)
        told = model.predict(rows)
        named = {model.name: told} if told.ndim == 1 else _columns(model, told)
        if given.probabilities:
            if model.classes is None:
                raise DataError("--probabilities: numbers are predicted, which have none")
            proba = model.predict_proba(rows)
            named |= {f"{model.name}={label}": proba[:, i] for i, label in enumerate(model.classes.tolist())}
    for name, values in named.items():
        table[name if name not in table.columns else f"predicted {name}"] = values
    return _written(table, list(named), given.output)


def _written(table: Any, names: Sequence[str], output: Path | None) -> int:
    if output is None:
        table.to_csv(sys.stdout, index=False)
        return 0
    try:
        table.to_csv(output, index=False)
    except OSError as error:
        raise DataError(f"--output: {output} cannot be written: {error.strerror}") from None
    print(f"{len(table)} rows with {', '.join(names)} are in {output}")
    return 0


def _columns(model: Any, told: np.ndarray) -> dict[str, np.ndarray]:
    names = model.target.labels or range(told.shape[1])
    return {f"{model.name}={name}": told[:, index] for index, name in enumerate(names)}

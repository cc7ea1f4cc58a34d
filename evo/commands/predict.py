"""``evo predict DIR DATA``"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.commands.quiet_backend import quiet_backend
from evo.commands.reading import read_fitted
from evo.core.errors import DataError
from evo.display.console import printable
from evo.fitting.array_files import is_array_file, read_array_file, rows_in
from evo.fitting.forecasting import Forecaster
from evo.fitting.pictures import picture_files, read_pictures
from evo.fitting.tables import read_table
from genomes.targets import Quantiles

_FORMULA = re.compile(r"\s*[=+\-@][^(|!]*[(|!]")


def main(given: argparse.Namespace) -> int:
    """Predict the rows of a file, or the pictures of a folder, and write them with their predictions."""
    import pandas

    form = {name: getattr(given, name) for name in ("separator", "decimal", "encoding")}
    with quiet_backend():
        model = read_fitted(given.directory)
        if given.data.is_dir():
            if len(getattr(model.space, "input_shape", ())) != 3:
                raise DataError(
                    f"data: {given.data} is a folder, but the model was not fitted on pictures; give a file"
                )
            files = picture_files(given.data)
            rows: Any = read_pictures(files, tuple(getattr(model.space, "input_shape", ())))
            table = pandas.DataFrame({"file": [path.relative_to(given.data).as_posix() for path in files]})
        elif is_array_file(given.data):
            rows = rows_in(read_array_file(given.data), model.names)
            count = len(next(iter(rows.values()))) if isinstance(rows, dict) else len(rows)
            table = pandas.DataFrame(index=range(count))
        else:
            rows = table = read_table(given.data, model.form_with(form))
        if isinstance(model, Forecaster):
            if given.probabilities:
                raise DataError("--probabilities: numbers are predicted, which have none")
            names = [model.plan.value] if model.plan.ids else model.plan.targets
            return _written(model.forecast(rows), names, given.output)
        told = model.predict(rows)
        named = _columns(model, told)
        if given.probabilities:
            if model.classes is None:
                raise DataError("--probabilities: numbers are predicted, which have none")
            proba = model.predict_proba(rows)
            named |= {f"{model.name}={label}": proba[:, i] for i, label in enumerate(model.classes.tolist())}
    written = []
    for name, values in named.items():
        column = no_formula(name)
        while column in table.columns:  # what a file has is not replaced
            column = f"predicted {column}"
        table[column] = _without_formulas(values)
        written.append(column)
    return _written(table, written, given.output)


def _written(table: Any, names: Sequence[str], output: Path | None) -> int:
    if output is None:
        table.to_csv(sys.stdout, index=False)
        return 0
    try:
        table.to_csv(output, index=False)
    except OSError as error:
        raise DataError(f"--output: {output} cannot be written: {error.strerror}") from None
    print(printable(f"{len(table)} rows with {', '.join(names)} are in {output}"))
    return 0


def _without_formulas(values: np.ndarray) -> Any:
    return [no_formula(value) for value in values.tolist()] if values.dtype.kind in "UO" else values


def no_formula(value: Any) -> Any:
    """A label or name of a model's, which may be somebody else's, with an apostrophe where a spreadsheet would run it.

    What calls a function or a program begins with one of ``= + - @`` and has a parenthesis, a bar or an exclamation
    mark:
    ``=HYPERLINK("...")``, ``@SUM(1)``, ``=cmd|'/C calc'!A0``. Numbers, ``+`` and ``-1 to 0`` stay as they are.
    """
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _columns(model: Any, told: np.ndarray) -> dict[str, np.ndarray]:
    if told.dtype.names:
        return {name: told[name] for name in told.dtype.names}
    if told.ndim == 1:
        return {model.name: told}
    if isinstance(model.target, Quantiles):
        return {f"{model.name}_{q:g}": told[:, index] for index, q in enumerate(model.target.quantiles)}
    if len(model.names) == told.shape[1]:
        return {name: told[:, index] for index, name in enumerate(model.names)}
    names = model.target.labels or range(told.shape[1])
    return {f"{model.name}={name}": told[:, index] for index, name in enumerate(names)}

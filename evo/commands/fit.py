"""``evo fit DATA``"""

from __future__ import annotations

import argparse
from pathlib import Path

from evo.commands.next_steps import NEW_PICTURES, NEW_TABLE, next_steps
from evo.commands.quiet_backend import quiet_backend
from evo.core.errors import SettingsError
from evo.display import formatting, summary
from evo.fitting.array_files import is_array_file
from evo.fitting.fit import fit
from evo.fitting.forecasting import Forecaster
from evo.fitting.tables import TableFormat, read_table


def main(given: argparse.Namespace) -> int:
    """Fit a model to a file or a folder of pictures."""
    if given.data.is_dir() and given.target is not None:
        raise SettingsError("--target: a folder of pictures has its classes in its folders; leave --target out")
    form = {name: getattr(given, name) for name in ("separator", "decimal", "encoding")}
    if not given.data.is_dir() and not is_array_file(given.data) and given.target is None:
        columns = ", ".join(map(str, read_table(given.data, TableFormat(**form)).columns))
        raise SettingsError(f"--target: name the column to predict; {given.data.name} has {columns}")
    with quiet_backend():
        model = fit(
            given.data,
            _target(given.target, given.data, TableFormat(**form)),
            directory=given.directory,
            effort=given.effort,
            minutes=given.minutes,
            trials=given.trials,
            task=given.task,
            validation=_share(given.validation),
            folds="auto" if given.folds is None else given.folds or None,
            groups=given.groups,
            time=given.time,
            class_weight=given.class_weight,
            objective=given.objective,
            trees=False if given.no_trees else "auto",
            linear=False if given.no_linear else "auto",
            seed=given.seed,
            workers=2 if given.workers is None else given.workers,
            verbose=not given.quiet,
            horizon=given.horizon,
            known=given.known.split(",") if given.known else (),
            window=given.window,
            period=given.period,
            **form,
        )
    result = model.result
    if result.history.completed():
        scores = summary.short_scores(result.history, result.best.number)
        print(f"\nBest single model on the validation rows: {scores} (trial {result.best.number})")
    print(f"Members of the ensemble: {', '.join(member.title for member in model.ensemble.members)}")
    expected = formatting.expected(model.ensemble.report)
    if expected:
        print(f"To be expected of it on new {'pictures' if given.data.is_dir() else 'rows'}: {expected}")
    if isinstance(model, Forecaster):
        for name, row in model.scores.items():
            print(f"  {name}: rmse {row['rmse']:.5g}, mae {row['mae']:.5g} over the validation windows")
    print()
    print("\n".join(next_steps(model.directory, NEW_PICTURES if given.data.is_dir() else NEW_TABLE)))
    return 0


def _target(given: str | None, data: Path, form: TableFormat) -> str | list[str] | None:
    """One column, or several with commas between; a column whose name has a comma is one."""
    if given is None or "," not in given or is_array_file(data) or given in map(str, read_table(data, form).columns):
        return given
    return [name.strip() for name in given.split(",")]


def _share(given: str | None) -> float | str | None:
    """A share of the rows, or the name of a column."""
    try:
        return None if given is None else float(given)
    except ValueError:
        return given

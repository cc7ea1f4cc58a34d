"""``evo fit DATA``"""

from __future__ import annotations

import argparse

from evo.commands.quiet_backend import quiet_backend
from evo.commands.run_job import command_line
from evo.core.errors import SettingsError
from evo.display import summary
from evo.fitting.fit import fit
from evo.fitting.forecasting import Forecaster
from evo.fitting.tables import read_table


def main(given: argparse.Namespace) -> int:
    """Fit a model to a file or a folder of pictures."""
    if given.data.is_dir():
        if given.target is not None:
            raise SettingsError("--target: a folder of pictures has its classes in its folders; leave --target out")
        data = given.data
    else:
        data = read_table(given.data, separator=given.separator, decimal=given.decimal, encoding=given.encoding)
        if given.target is None:
            raise SettingsError(
                f"--target: name the column to predict; {given.data.name} has {', '.join(data.columns)}"
            )
    with quiet_backend():
        model = fit(
            data,
            given.target,
            directory=given.directory,
            effort=given.effort,
            minutes=given.minutes,
            trials=given.trials,
            task=given.task,
            validation=_share(given.validation),
            folds=given.folds,
            groups=given.groups,
            time=given.time,
            class_weight=given.class_weight,
            objective=given.objective,
            trees=False if given.no_trees else "auto",
            seed=given.seed,
            workers=2 if given.workers is None else given.workers,
            verbose=not given.quiet,
            horizon=given.horizon,
            known=given.known.split(",") if given.known else (),
            window=given.window,
            period=given.period,
        )
    result = model.result
    scores = summary.short_scores(result.history, result.best.number)
    print(f"\nBest single model on the validation rows: {scores} (trial {result.best.number})")
    print(f"Members of the ensemble: {', '.join(member.title for member in model.ensemble.members)}")
    if isinstance(model, Forecaster):
        for name, row in model.scores.items():
            print(f"  {name}: rmse {row['rmse']:.5g}, mae {row['mae']:.5g} over the validation windows")
    new = "new_pictures/" if given.data.is_dir() else "new.csv"
    print(f"\nEverything is in {model.directory}")
    print(f"  to predict      {command_line('evo', 'predict', model.directory, new, '--output', 'predictions.csv')}")
    print(f"  in Python       evo.load_fitted({str(model.directory)!r}).predict(rows)")
    print(f"  as one model    {command_line('evo', 'export', model.directory, '--format', 'keras')}")
    print(f"  what happened   {command_line('evo', 'report', model.directory)}")
    return 0


def _share(given: str | None) -> float | str:
    """A share of the rows, or the name of a column."""
    if given is None:
        return 0.2
    try:
        return float(given)
    except ValueError:
        return given

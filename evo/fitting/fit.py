"""``evo.fit``: from data to a fitted model in one call."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evo.campaign.labels import labelled
from evo.core.errors import DataError, SettingsError
from evo.core.given_datasets import is_dataset, with_class_names
from evo.data import Data, take
from evo.fitting.array_files import inputs_and_target_in, is_array_file
from evo.fitting.columns import planned_inputs
from evo.fitting.fitted import Fitted
from evo.fitting.forecasting.training import fit_forecast
from evo.fitting.giveaways import giveaways
from evo.fitting.picture_paths import with_pictures, with_pictures_like
from evo.fitting.pictures import labelled_files, labelled_pictures, read_pictures
from evo.fitting.premade import readings, space_for
from evo.fitting.searching import Search
from evo.fitting.splitting import AUTO, Splitting, in_folds, with_columns, with_table, without_weights
from evo.fitting.tables import TableFormat, has_types, reading_of
from evo.fitting.task import (
    all_targets,
    check_order_of,
    file_path,
    inputs_and_target,
    inputs_of,
    of_index,
    remarks,
)
from evo.fitting.text_numbers import with_numbers, with_numbers_of
from genomes.errors import GenomeError
from genomes.spaces.base import Space
from genomes.targets import Target, infer_target


def fit(
    data: Any,
    target: Any = None,
    *,
    directory: str | os.PathLike[str] | None = None,
    effort: str = "good",
    minutes: float | None = None,
    trials: int | None = None,
    task: str | Target | None = None,
    space: Space | None = None,
    validation: Any = None,
    sample_weight: Any = None,
    class_weight: Mapping[Any, float] | str | None = None,
    folds: int | str | None = "auto",
    groups: Any = None,
    time: Any = None,
    objective: Any = None,
    members: int | None = None,
    trees: bool | str = "auto",
    linear: bool | str = "auto",
    seed: int = 0,
    workers: int = 2,
    verbose: bool = True,
    horizon: int | None = None,
    known: Any = (),
    window: int | None = None,
    period: int | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    **campaign: Any,
) -> Fitted:
    """Search, train and keep a model that takes such rows and returns such targets.

    What is predicted, which space is searched and what will be spent is said in a line each, before training.

    Args:
        data: a data frame, a mapping of columns, arrays (tables, texts, series, pictures), paths of pictures, a path to
            a table (``.csv``, ``.tsv``, ``.parquet``, ``.xlsx``, also ``.gz``) or to a folder that has a folder of
            pictures for each class, a ``tf.data.Dataset`` or ``keras.utils.PyDataset``, or an :class:`evo.Data`.
        target: the name of the column to predict, or one value per row; None for a dataset and an :class:`evo.Data`.
        directory: where the campaign and the model are kept; by default a new folder under ``runs``. The same call
            again resumes.
        effort: ``quick`` (1 minute, trainings of up to 9 epochs, up to 4 members), ``good`` (5, 27, 8) or ``best``
            (30, 81, 16); on small tables up to 243 epochs.
        minutes: wall-clock time in all, in place of the effort's.
        trials: number of trials, in place of minutes or besides.
        task: states what is predicted, where the values do not say it: ``classification``, ``regression``, ``binary``,
            ``multiclass``, ``multilabel``, or a :class:`genomes.targets.Target`.
        space: what is searched; by default the premade space that fits the inputs.
        validation: see :class:`evo.Data`; or the name of a column that is true, or 1, where rows are to judge by, and
            no input; or a table with the target among its columns, or the path of one.
        sample_weight: a weight for each row, or the name of the column that says it, which is no input then.
        class_weight: ``"balanced"``, or a weight for each label.
        folds: cross-validate every candidate on so many folds, in place of ``validation``. A candidate is trained that
            often, and its member of the ensemble is the mean of the folds' models. ``auto``: on 5 folds for tables of
            up to 1,000 rows, where minutes alone limit the search and nothing is said of validation; None for never.
        groups: what each row belongs to, or the name of the column that says it, which is no input then: no group has
            rows both to train on and to judge by.
        time: when each row was, or the name of the column that says it: the latest rows are judged by. With a
            horizon the column of times; by default the index, or the one column that holds dates.
        objective: what candidates are chosen by: ``auc``, ``f1_macro``, ``balanced_accuracy``, ``mcc``, ``log_loss``,
            ``mae``, ``mape``, ``r2``, ``pinball_0.9``, any name or scorer of scikit-learn, ``latency``, or several; by
            default accuracy or the root of the mean squared error.
        members: most members of the ensemble, in place of the effort's.
        trees: whether trees may join the ensemble (boosting, random forests, extra trees; LightGBM, CatBoost, XGBoost
            where they are installed); ``auto``: on tables. They are grown first, in at most a third of the minutes.
        linear: whether linear models may join it (tf-idf of words and of characters with logistic regression;
            ridge on random convolutions of time series); ``auto``: on texts and time series.
            They are fitted first, in the same share of the minutes.
        seed: of split and search.
        workers: worker processes; 0 trains in this process, one trial after the other.
        verbose: say what is done, and show the progress.
        horizon: forecast: the number of next steps of the column ``target`` (or columns) that are predicted from the
            steps before them. Rows are steps in the order of time; what comes back is an
            :class:`evo.Forecaster`. The validation share is the last steps.
        known: with a horizon, columns whose next values are known beforehand, such as holidays.
        window: with a horizon, steps that a prediction looks at; by default two seasons and twice the horizon.
        period: with a horizon, steps of a season; by default found in the series.
        separator: between the values of a file, where it is not found out rightly; predictions of further files keep
            to it.
        decimal: likewise, the sign of numbers, ``.`` or ``,``.
        encoding: likewise, of the file.
        **campaign: further arguments of :class:`evo.Campaign`.

    Returns:
        The fitted model.

    Raises:
        DataError: data or targets that cannot be used; one line that says what to do.
        SettingsError: a wrong argument.
        TrialError: no candidate could be trained, and nothing stands beside the nets.
        SearchStopped: by Ctrl-C or SIGTERM, a KeyboardInterrupt; the same call with the same directory goes on.

    Example:
        >>> model = evo.fit(frame, "churn", minutes=5)  # doctest: +SKIP
        >>> model.predict(new_frame)  # doctest: +SKIP
        array(['no', 'yes', ...])
    """
    search = Search(effort, minutes, trials, objective, members, trees, linear, seed, workers, verbose, campaign)
    data, target, form, source, told = _read(data, target, TableFormat(separator, decimal, encoding))
    place = Path(directory) if directory is not None else _new_directory()
    if horizon is not None:
        if any(given is not None for given in (task, sample_weight, class_weight, groups)) or folds not in (None, AUTO):
            raise SettingsError(
                "horizon: a forecast takes no task, sample_weight, class_weight, folds and groups; leave them out"
            )
        if time is not None and not isinstance(time, str):
            raise SettingsError("time: with a horizon, give the name of the column of times")
        return fit_forecast(
            inputs_of(data),
            target,
            horizon,
            search=search,
            directory=place,
            validation=validation,
            time=time,
            known=known,
            window=window,
            period=period,
            space=space,
            form=form,
        )
    if not (window is None and period is None and len(known) == 0):
        raise SettingsError("horizon: known, window and period are for forecasts; say how many steps to predict")
    said: list[str] = []
    splitting = Splitting(validation, groups, time, folds)
    if isinstance(data, Path):
        data, target, splitting, said = _of_folder(data, target, splitting)
    elif is_dataset(data) and target is None and sample_weight is None:
        data, target, sample_weight = with_class_names(data, "data")
        if is_dataset(validation):
            splitting = dataclasses.replace(splitting, validation=with_class_names(validation, "validation"))
    given_data = data, target, seed, sample_weight, class_weight, source, form
    prepared, names, seen, form = _data(splitting, *given_data)
    said += seen
    name = ", ".join(names)
    given = space
    space, found, lines = _space_and_target(given, task, prepared, name)
    decided = None if isinstance(data, Data) else splitting.decided(space, prepared, search.in_time)
    if decided is not None:
        prepared, names, *_ = _data(decided, *given_data)
        space, found, lines = _space_and_target(given, task, prepared, name)
    said = [lines[0], *told, *said, *lines[1:], *remarks(prepared, found, name), *in_folds(prepared)]
    said += giveaways(prepared.x_train, prepared.y_train, name)
    result, ensemble, notes = search.run(space, prepared, place, said)
    return Fitted(place, ensemble, name=names, notes=notes, result=result, form=form).keep()


def _read(data: Any, target: Any, form: TableFormat) -> tuple[Any, Any, TableFormat, Path | None, list[str]]:
    """What a file holds, in place of its path, and the path of a folder.

    Returns:
        Data, target, how further files are written, the folder of the file, and what is said of it.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    if isinstance(data, (str, os.PathLike)):
        data = file_path(data)
    if form.said and (not isinstance(data, Path) or data.is_dir() or is_array_file(data)):
        raise DataError(f"{next(iter(form.said))}: says how a file is written, but data is none; leave it out")
    if not isinstance(data, Path) or data.is_dir():
        return data, target, form, None, []
    if is_array_file(data):
        return *inputs_and_target_in(data, target), form, None, []
    table = inputs_of(data, form)
    return table, target, form.like(table), data.parent, [*reading_of(table).lines]


def _of_folder(folder: Path, target: Any, splitting: Splitting) -> tuple[Any, Any, Splitting, list[str]]:
    """Pictures and their classes, the split that their folders make where none is said, and what is said of them.

    Raises:
        DataError: a target beside the folders, or no folders of pictures.
    """
    if target is not None:
        raise DataError("target: a folder of pictures has its classes in its folders; leave the target out")
    found = labelled_pictures(folder)
    if isinstance(splitting.validation, (str, os.PathLike)):
        files, labels = labelled_files(file_path(splitting.validation))
        judged = read_pictures(files, found.pictures.shape[1:])
        return found.pictures, found.labels, dataclasses.replace(splitting, validation=(judged, labels)), [*found.lines]
    if found.validation is not None and not splitting.is_said:
        splitting = dataclasses.replace(splitting, validation=found.validation)
    return found.pictures, found.labels, splitting, list(found.lines)


def _space_and_target(
    space: Space | None, task: str | Target | None, data: Data, name: str
) -> tuple[Space, Target, list[str]]:
    """What is searched and predicted, and the lines that say so, the target's first.

    Raises:
        DataError: targets or inputs that nothing can be learnt of.
        SettingsError: what was given as a space is none.
    """
    if space is not None:
        if not isinstance(space, Space):
            raise SettingsError(
                f"space: expected a genomes.Space, got {type(space).__name__}; genomes.spaces makes one"
            )
        space = labelled(space, data)
    try:
        target, line = infer_target(all_targets(data), name, task if space is None else space.target or task)
        if space is not None:
            return space, target, [line]
        plan = planned_inputs(data.x_train)
    except GenomeError as error:
        raise DataError(str(error)) from error
    lines = [line, *plan.lines]
    if plan.is_empty:
        lines.append("no column says anything of a row: each is empty or has one value only; so will the predictions")
    return space_for(data.x_train, target, plan), target, [*lines, *readings(data.x_train, plan)]


def _data(
    splitting: Splitting,
    data: Any,
    target: Any,
    seed: int,
    sample_weight: Any,
    class_weight: Any,
    source: Path | None,
    form: TableFormat,
) -> tuple[Data, tuple[str, ...], list[str], TableFormat]:
    """The data, the names of the targets, what is said of the inputs, and how further ones are written.

    Args:
        source: the folder of the file that the data was read from, or None.
        form: how files are written.
    """
    if isinstance(data, Data):
        if any(given is not None for given in (target, sample_weight, class_weight)) or splitting.is_said:
            raise DataError("data: an evo.Data has its targets, weights and split itself; give it alone")
        return data, ("y",), [], form
    x, y, names = inputs_and_target(data, target)
    splitting, validation_source = with_table(splitting, target, x, form)
    x, splitting = with_columns(x, splitting)
    check_order_of(x, sample_weight, "sample_weight")
    if isinstance(sample_weight, str):
        x, sample_weight = without_weights(x, sample_weight)
    if y is not None:
        try:  # before the split, which would speak of less clear things
            infer_target(y, ", ".join(names), None)
        except GenomeError as error:
            if "rows have no value" in str(error) or "is empty" in str(error):
                raise DataError(str(error)) from error
    if sample_weight is not None and y is not None:
        x, y, sample_weight, splitting = _rows_that_count(x, y, sample_weight, splitting)
    x, known = with_numbers(x) if has_types(x) else (x, None)
    lines = of_index(x)
    if known is not None and known.usual is not None:
        form, lines = dataclasses.replace(form, usual=known.usual), [*lines, *known.usual.lines]
        if isinstance(splitting.validation, tuple):
            judged = with_numbers_of(splitting.validation[0], known)
            splitting = dataclasses.replace(splitting, validation=(judged, *splitting.validation[1:]))
    x, more = with_pictures(x, source)
    if more and isinstance(splitting.validation, tuple):
        judged = with_pictures_like(splitting.validation[0], x, validation_source or source)
        splitting = dataclasses.replace(splitting, validation=(judged, *splitting.validation[1:]))
    lines += more
    found = Data(
        x,
        y,
        validation=splitting.validation,
        seed=seed,
        sample_weight=sample_weight,
        class_weight=class_weight,
        folds=splitting.number_of_folds,
        groups=splitting.groups,
        time=splitting.time,
    )
    return found, names, lines, form


def _rows_that_count(x: Any, y: Any, sample_weight: Any, splitting: Splitting) -> tuple[Any, Any, Any, Splitting]:
    """Without the rows of weight zero: a row that counts for nothing must not decide on the split.

    Raises:
        DataError: all weights are zero.
    """
    weights = np.asarray(sample_weight)
    if weights.dtype.kind not in "biuf" or weights.ndim != 1 or (weights != 0).all() or not splitting.is_drawn:
        return x, y, sample_weight, splitting
    if not (weights != 0).any():
        raise DataError("sample_weight: all weights are zero; at least one must be positive")
    lengths = {len(part) for part in (x.values() if isinstance(x, Mapping) else (x,))} | {len(y)}
    lengths |= {len(np.asarray(part)) for part in (splitting.groups, splitting.time) if part is not None}
    if lengths != {len(weights)}:
        return x, y, sample_weight, splitting  # evo.Data says what does not fit
    rows = np.flatnonzero(weights)
    return take(x, rows), take(y, rows), weights[rows], splitting.of_rows(rows)


def _new_directory() -> Path:
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")[:-3]
    return Path("runs") / f"fit-{stamp}"

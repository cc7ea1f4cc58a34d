"""Fitted: a model that takes a user's rows and returns the user's labels."""

from __future__ import annotations

import dataclasses
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from evo.campaign.result import Result
from evo.campaign.stored_result import load_result
from evo.core.errors import DataError, EnsembleError, EvoError, SettingsError
from evo.core.given_datasets import gathered, is_dataset, with_class_names
from evo.core.json_text import parsed
from evo.core.npz import read_arrays
from evo.core.regular_files import bytes_of, open_regular
from evo.display import formatting
from evo.ensemble import Ensemble
from evo.ensemble.export import export
from evo.fitting.array_files import inputs_and_target_in, is_array_file, read_array_file, rows_in
from evo.fitting.cells import NUMBERS, WORDS
from evo.fitting.picture_paths import with_pictures_of
from evo.fitting.pictures import labelled_files, picture_files, read_pictures
from evo.fitting.tables import TableFormat, has_types
from evo.fitting.task import as_table, inputs_and_target, inputs_of, without_columns
from evo.fitting.text_numbers import with_numbers_of
from evo.report.campaigns import content_of
from evo.report.html import write_report
from evo.storage.atomic import write_file
from genomes.notebook import facts
from genomes.spaces.base import Space
from genomes.spaces.text import TextSpace
from genomes.targets import Target

#: What a directory of ``evo.fit`` holds besides the campaign.
_FILE = "fitted.json"
_ENSEMBLE = "fitted.ensemble"
_ROWS_FILE = "fitted_rows.npz"
#: Validation rows that are kept, on which an exported model is compared.
_ROWS = 32
#: Characters of the labels in a notebook.
_LABELS = 200
FORMAT = 1


class Fitted:
    """What :func:`evo.fit` returns and :func:`evo.load_fitted` reopens.

    Args:
        directory: of the campaign, where the fitted model is stored, too.
        ensemble: what predicts.
        name: what the target is called: the column's name, or ``y``; several names for several columns.
        notes: the lines that were said before and after training.
        result: what came of the campaign; read from the directory when it is asked for, for None.
        form: how files are written, as far as it was said (:class:`evo.fitting.tables.TableFormat`).

    Attributes:
        directory: see above.
        ensemble: see above.
        target: what is predicted, with the user's labels (:class:`genomes.targets.Target`).
        name: see above; of several, one after the other.
        names: all of them.
        notes: see above.
        form: see above.
    """

    #: Subclasses by the name that files call them by.
    kinds: ClassVar[dict[str, type[Fitted]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Fitted.kinds[cls.__name__] = cls

    def __init__(
        self,
        directory: str | os.PathLike[str],
        ensemble: Ensemble,
        *,
        name: str | Sequence[str] = "y",
        notes: tuple[str, ...] = (),
        result: Result | None = None,
        form: TableFormat | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.ensemble = ensemble
        self.names = (name,) if isinstance(name, str) else tuple(map(str, name))
        self.name = ", ".join(self.names)
        self.notes = notes
        self._result = result
        self.form = TableFormat() if form is None else form

    # -- predicting ----------------------------------------------------------------------
    @property
    def target(self) -> Target:
        """What is predicted. An archive's own target may not know how many classes there are; its space's does."""
        own = self.space.target
        return self.ensemble.target if own is None else own

    @property
    def space(self) -> Space:
        """The space that was searched; it says which inputs are taken."""
        space: Space = self.ensemble.space
        return space

    @property
    def classes(self) -> np.ndarray | None:
        """The classes in the order of :meth:`predict_proba`'s columns; None for numbers."""
        target = self.target
        if not target.gives_probabilities:
            return None
        number = target.probabilities(np.zeros((1, target.width), np.float32)).shape[1]
        return np.asarray(target.labels) if target.labels is not None else np.arange(number)

    def _inputs(self, data: Any, said: Mapping[str, str | None]) -> Any:
        """Inputs of what was given; the target's column may be among them, or not."""
        if isinstance(data, (str, os.PathLike)) and Path(data).is_dir() and self._takes_pictures:
            return read_pictures(picture_files(Path(data)), self.space.input_shape)  # type: ignore[attr-defined]
        if isinstance(data, (str, os.PathLike)) and Path(data).is_dir():
            raise DataError(f"data: {data} is a folder, but the model was not fitted on pictures; give rows, or a file")
        if is_dataset(data):
            return gathered(data, "data", targets=False)[0]
        if isinstance(data, str) and not Path(data).exists() and (not Path(data).suffix or " " in data):
            raise DataError(f"data: there is no file {data!r:.80}; one text is given in a list: [{data!r:.80}]")
        place = Path(data).parent if isinstance(data, (str, os.PathLike)) else None
        if place is not None and is_array_file(Path(data)):
            return rows_in(read_array_file(Path(data)), self.names)
        form = self.form_with(said)
        data = as_table(inputs_of(data, form))
        data = with_pictures_of(with_numbers_of(data, form.known) if has_types(data) else data, self.space, place)
        return without_columns(data, [name for name in self.names if not self._takes(name)])

    def form_with(self, given: Mapping[str, str | None]) -> TableFormat:
        """How a further file is written: as is said now, else as was said when the model was fitted.

        Raises:
            DataError: a wrong value.
        """
        unknown = sorted(set(given) - {"separator", "decimal", "encoding"})
        if unknown:
            raise DataError(f"{unknown[0]}: there is no such argument; a file's form is separator, decimal, encoding")
        said: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return dataclasses.replace(self.form, **said, kinds=self._kinds)

    @property
    def _kinds(self) -> dict[str, str]:
        """Which columns of a file are words and which numbers, as they were in training."""
        columns = [column for column in getattr(self.space, "columns", ()) if not column.part]
        found = {column.name: WORDS if column.kind == "text" else NUMBERS for column in columns}
        found |= {part.name: WORDS for part in getattr(self.space, "parts", ()) if isinstance(part.space, TextSpace)}
        targets = {part.name: part.target for part in getattr(self.target, "parts", ())}
        for name, target in (targets or dict.fromkeys(self.names, self.target)).items():
            labels = None if not targets and len(self.names) > 1 else target.labels  # of several, names of columns
            found.setdefault(name, WORDS if labels and isinstance(labels[0], str) else NUMBERS)
        return found

    @property
    def _takes_pictures(self) -> bool:
        return len(getattr(self.space, "input_shape", ())) == 3

    def _takes(self, name: str) -> bool:
        """Whether the model has an input of that name."""
        return any(column.name == name for column in getattr(self.space, "columns", ()))

    def _checked(self, data: Any, form: Mapping[str, str | None] | None = None) -> Any:
        """Inputs, checked by the rules that those of the training passed.

        Raises:
            DataError: other columns, another shape, no rows.
        """
        x = self._inputs(data, form or {})
        try:
            rows = len(next(iter(x.values()))) if isinstance(x, Mapping) else len(x)
        except (TypeError, StopIteration):
            raise DataError(f"data: expected rows, got {type(x).__name__}; give what the model was fitted on") from None
        if rows == 0:
            raise DataError("data: is empty; expected at least one row")
        try:
            self.space.check_data(x, self.target.some_labels(rows), "new")
        except ValueError as error:
            raise DataError(str(error).replace("x_new", "data")) from error
        return x

    def predict(self, data: Any, **form: str | None) -> np.ndarray:
        """Predictions: the user's labels, or numbers; (rows,), or (rows, outputs) for several numbers or quantiles.

        Several targets of different kinds come as a structured array with a field for each: ``told["price"]``.

        Args:
            data: rows in the form that the model was fitted on, or a file or a folder of pictures that holds them, in
                the order of their names, or a dataset; the target's column, or a dataset's targets, may be there, and
                are not looked at.
            **form: ``separator``, ``decimal`` and ``encoding`` of a file, where they are not found out rightly; by
                default what was said to :func:`evo.fit`.

        Raises:
            DataError: other columns, another shape, no rows.
        """
        return self.ensemble.predict(self._checked(data, form))

    def predict_proba(self, data: Any, **form: str | None) -> np.ndarray:
        """Probabilities, float32 (rows, classes), in the order of :attr:`classes`.

        Args:
            data: as :meth:`predict`.
            **form: likewise.

        Raises:
            DataError: as :meth:`predict`.
            EnsembleError: numbers are predicted.
        """
        return self.ensemble.predict_proba(self._checked(data, form))

    def evaluate(
        self, data: Any, target: Any = None, sample_weight: Any = None, metrics: Any = (), **form: str | None
    ) -> dict[str, float]:
        """Metrics on rows whose targets are known.

        Args:
            data: rows; with the target's column if ``target`` is None; a dataset that gives both; a folder with a
                folder of pictures for each class.
            target: the targets, or the name of their column.
            sample_weight: a weight for each row, or None.
            metrics: further metrics by name, or scorers of scikit-learn: see :meth:`evo.Ensemble.evaluate`.
            **form: as :meth:`predict`.

        Returns:
            ``accuracy``, ``log_loss``, ... or ``rmse``, ``mae``, ``r2``, and the further ones.

        Raises:
            DataError: as :meth:`predict`, or no such column.
            EnsembleError: labels that the model does not know.
        """
        if is_dataset(data):
            if target is not None or sample_weight is not None:
                raise DataError("target: a dataset gives its targets and weights itself; leave them out")
            x, y, sample_weight = with_class_names(data, "data")
        elif target is None and self._takes_pictures and isinstance(data, (str, os.PathLike)) and Path(data).is_dir():
            files, y = labelled_files(Path(data))
            x = read_pictures(files, self.space.input_shape)  # type: ignore[attr-defined]
        else:
            own = self.names if len(self.names) > 1 else self.names[0]
            place = Path(data).parent if isinstance(data, (str, os.PathLike)) else None
            if place is not None and is_array_file(Path(data)):
                data, own = inputs_and_target_in(Path(data), self._array_of(Path(data), target))
                target = None
            x, y, _ = inputs_and_target(data, own if target is None else target, self.form_with(form))
            x = with_pictures_of(x, self.space, place)
        return self.ensemble.evaluate(self._checked(x), y, sample_weight, metrics=metrics)

    def _array_of(self, path: Path, target: Any) -> Any:
        """The name of the array that holds the targets, where a file has one of this model's name."""
        found = read_array_file(path) if target is None else ()
        return self.name if self.name in found else target

    # -- keeping -------------------------------------------------------------------------
    @property
    def result(self) -> Result:
        """What came of the campaign: trials, population, best (:class:`evo.Result`)."""
        if self._result is None:
            self._result = load_result(self.directory)
        return self._result

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the model into one file, which :func:`evo.load_fitted` opens without the directory.

        Raises:
            EnsembleError: it cannot be written.
        """
        self.ensemble.report["fitted"] = self._about()
        self.ensemble.save(Path(path))
        return Path(path)

    def export(self, path: str | os.PathLike[str], format: str = "keras", data: Any = None) -> Path:
        """Write the model as one that other programs read, read it back, and compare what both predict.

        Args:
            path: the file, or for ``savedmodel`` the folder.
            format: ``keras`` (a ``.keras`` file; its ``metadata.json`` has the target with its labels), ``savedmodel``,
                ``onnx`` or ``litert``.
            data: rows on which the two are compared, as :meth:`predict` takes them; by default some validation rows,
                of which the directory keeps a few.

        Raises:
            SettingsError: an unknown format, a path that does not suit it, a package that is missing.
            DataError: as :meth:`predict`.
            EnsembleError: the file cannot be written or read back, or predicts something else: then it is dropped.
        """
        rows = self._some_rows() if data is None else self.space.prepare(self._checked(data))
        return export(self.ensemble.as_keras(), self.target, Path(path), format, rows)

    def _some_rows(self) -> Any:
        """A few validation rows, prepared; None where neither memory nor the directory has any."""
        data = None if self._result is None else self._result.data
        if data is not None:
            x = data.get("x_train" if data.folds else "x_validation")
            return {name: column[:_ROWS] for name, column in x.items()} if isinstance(x, Mapping) else x[:_ROWS]
        try:
            with open_regular(self.directory / _ROWS_FILE) as file:
                arrays = read_arrays(file)
            names = arrays.pop("names", None)
            return arrays["x"] if names is None else {str(n): arrays[str(i)] for i, n in enumerate(names)}
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def report(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the HTML report of the campaign; by default ``report.html`` in the directory."""
        wanted = self.directory / "report.html" if path is None else Path(path)
        return Path(write_report(content_of(self.result, self.directory, self.ensemble, self.notes), wanted))

    def _about(self) -> dict[str, Any]:
        about = {"format": FORMAT, "name": list(self.names), "target": self.target.to_json(), "notes": list(self.notes)}
        form = self.form.to_json()
        return {**about, **({"form": form} if form else {})}

    def _with(self, about: Mapping[str, Any]) -> Self:
        """The same with what a subclass stored of its own (:meth:`_about`)."""
        return self

    def keep(self, file: str = _ENSEMBLE) -> Self:
        """Store the model in its directory, the ensemble in a file of this name."""
        self.save(self.directory / file)
        rows = self._some_rows()
        if rows is not None:
            arrays = {"x": rows}
            if isinstance(rows, Mapping):
                arrays = {str(index): column for index, column in enumerate(rows.values())}
                arrays["names"] = np.asarray(list(rows))
            content = io.BytesIO()
            np.savez(content, **arrays)
            write_file(self.directory / _ROWS_FILE, content.getvalue())
        text = json.dumps({**self._about(), "ensemble": file}, indent=1) + "\n"
        write_file(self.directory / _FILE, text.encode())
        return self

    def __repr__(self) -> str:
        expected = formatting.expected(self.ensemble.report)
        return f"Fitted({self.name!r}, {self.target}, {self.directory}{f': {expected}' if expected else ''})"

    def _repr_html_(self) -> str:
        known = self.target.labels
        labels = "" if known is None else f": {', '.join(map(str, known))}"
        values = {
            "predicts": f"{self.name}, {self.target.task}{formatting.cut(labels, _LABELS)}",
            "from": self.space.headline(),
            "to be expected": formatting.expected(self.ensemble.report) or None,
            "directory": self.directory,
        }
        return facts("Fitted", values) + self.ensemble._repr_html_()


def fitted_here(directory: Path) -> bool:
    """Whether a directory holds what :func:`evo.fit` made."""
    return (directory / _FILE).is_file()


def _is_archive(path: Path) -> bool:
    """Whether a file begins as an archive does, which a model is stored in; an empty one may have lost its content."""
    with path.open("rb") as file:
        return file.read(2) in (b"PK", b"")


def load_fitted(path: str | os.PathLike[str]) -> Fitted:
    """The model that :func:`evo.fit` left in a directory, or that :meth:`Fitted.save` wrote into a file.

    Args:
        path: the directory, or the file.

    Raises:
        SettingsError: there is no such model.
        EnsembleError: the model's file is damaged.
    """
    path = Path(path)
    if path.is_dir():
        try:
            name = parsed(bytes_of(path / _FILE))["ensemble"]
            if not isinstance(name, str) or Path(name).name != name or (path / name).is_symlink():
                raise ValueError("a file outside of the directory")
            file = path / name
        except (OSError, ValueError, LookupError, TypeError):
            raise SettingsError(
                f"path: {path} holds no fitted model; evo.fit(..., directory=...), evo fit and evo run make one"
            ) from None
    else:
        file = path
        if path.is_file() and not _is_archive(path):
            raise SettingsError(
                f"path: {path} is no fitted model; give the folder that evo.fit made, or a file that save wrote"
            )
    ensemble = Ensemble.load(file)
    about = ensemble.report.get("fitted")
    if not isinstance(about, Mapping) or ensemble.space is None:
        raise SettingsError(f"path: {path} holds an ensemble that evo.fit did not make; use evo.Ensemble.load")
    place = path if path.is_dir() else path.parent
    try:
        if int(about["format"]) > FORMAT:
            raise EvoError(f"path: {path} was written by a newer version of evo; update evo")
        notes = tuple(str(note) for note in about["notes"])
        kind = Fitted.kinds.get(str(about.get("kind")), Fitted)
        form = TableFormat.from_json(about.get("form", {}))
        return kind(place, ensemble, name=about["name"], notes=notes, form=form)._with(about)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, DataError) as error:
        raise EnsembleError(f"path: {path} holds a damaged description of its model: {error}") from error

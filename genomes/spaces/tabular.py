"""Tables: numeric and categorical columns, missing values, categories unseen in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from genomes.checks import truth, whole_number
from genomes.costs import Cost, Shape
from genomes.domains import Choice, Domain, Fixed, Float, Int
from genomes.errors import GenomeError, shown
from genomes.gene import Gene
from genomes.genes.blocks import Residual
from genomes.genes.column_attention import ColumnAttention
from genomes.genes.columns import ColumnEmbedding
from genomes.genes.dense_residual import DenseResidual
from genomes.genes.layers import Activation, Dense, Dropout, Normalization
from genomes.genes.members import Members
from genomes.genes.neural_tangent import NeuralTangentDense
from genomes.genes.periodic_embedding import PeriodicEmbedding
from genomes.genes.training import TabularTraining, Training
from genomes.genome import Genome
from genomes.grammar import GenomeLimits, Stage, default_gene, merged_domains, training_class
from genomes.spaces.columns import (
    MISSING_INTEGER,
    Column,
    as_integers,
    as_numbers,
    as_texts,
    given_columns,
    named_columns,
    with_input_names,
)
from genomes.spaces.dates import date_part
from genomes.spaces.encoded import (
    EncodedSpace,
    standardize,
    standardized,
)
from genomes.spaces.robust_scaling import robust_scaled, robust_scaled_tensor
from genomes.spaces.tabular_defaults import ACTIVATIONS, default_genome, parameters_of, settings_domains
from genomes.targets import Target
from genomes.targets.standardization import positive

#: Knots of the quantile scale of a numeric column.
_KNOTS = 33
#: Most categories that a stored column may have.
_MOST_CATEGORIES = 10**7
#: Times that a category must occur in the training data to get a code of its own.
_LEAST_OCCURRENCES = 2
#: Most weights of a model, unless a user says otherwise or the table is very wide.
_MOST_PARAMETERS = 2_000_000


class TabularSpace(EncodedSpace):
    """Networks on tables; :func:`tabular` makes it."""

    end_ranks = (1, 2)

    def _check_options(self) -> None:
        for column in self.columns:
            whole_number(column.categories, f"columns[{column.name!r}]", 0, _MOST_CATEGORIES)
        truth(self.options["plain"], "plain")

    # -- columns -----------------------------------------------------------------------
    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in order."""
        return tuple(Column.from_json(json) for json in self.options["columns"])

    @property
    def plain(self) -> bool:
        """Whether inputs are one array of numbers, without column names."""
        return bool(self.options["plain"])

    @property
    def robust(self) -> bool:
        """Whether numbers are scaled by their quartiles; tables of campaigns begun before there was it are not."""
        return self.options.get("scaling") == "robust"

    @property
    def proven(self) -> bool:  # type: ignore[override]
        """Whether the default is RealMLP, for the scale of numbers that it was made for."""
        return self.robust

    def _split_columns(self) -> tuple[list[tuple[int, Column]], list[tuple[int, Column]]]:
        numbered = list(enumerate(self.columns))
        numeric = [pair for pair in numbered if pair[1].kind == "numeric"]
        return numeric, [pair for pair in numbered if pair[1].kind != "numeric"]

    @property
    def encoded_shape(self) -> Shape:
        """Two numbers per numeric column, its flag, and one code per category column."""
        numeric, categories = self._split_columns()
        return (2 * len(numeric) + sum(c.missing for _, c in numeric) + len(categories),)

    # -- data ------------------------------------------------------------------------
    def check_data(self, x: Any, y: Any, role: str = "train") -> None:
        """Check that every column is there and can be read, and the targets."""
        self.check_rows(self._prepared(x, f"x_{role}"), y, role)

    def prepare(self, x: Any) -> Any:
        """The columns as plain arrays.

        Returns:
            For tables without column names one float32 array (rows, columns); else a dict with an
            array (rows,) per column: float32 for numbers, fixed-width unicode for texts, int64 for integers.
        """
        return self._prepared(x, "x")

    def _prepared(self, x: Any, name: str) -> Any:
        if self.plain:
            array = np.asarray(x)
            if array.ndim != 2 or array.shape[1] != len(self.columns) or array.dtype.kind not in "biufO":
                raise GenomeError(
                    f"{name}: expected numbers of shape (rows, {len(self.columns)}), "
                    f"got shape {array.shape} of {array.dtype}"
                )
            return as_numbers(array.reshape(-1), name).reshape(array.shape)
        named = named_columns(x)
        if named is None:
            array = np.asarray(x)
            if array.ndim != 2 or array.shape[1] != len(self.columns):
                raise GenomeError(
                    f"{name}: expected a table with the columns {shown([c.name for c in self.columns], 300)}, "
                    f"got {type(x).__name__}"
                )
            named = {column.name: array[:, i] for i, column in enumerate(self.columns)}
        prepared: dict[str, np.ndarray] = {}
        for column in self.columns:
            values = named.get(column.name, named.get(column.input_name))
            if column.part and column.source in named:
                values = date_part(named[column.source], column.part, column.form, f"{name}[{column.source!r}]")
            if values is None:
                raise GenomeError(
                    f"{name}: column {column.source or column.name!r} is missing; given are {shown(list(named), 300)}"
                )
            if np.ndim(values) == 2 and np.shape(values)[1] == 1:
                values = np.asarray(values)[:, 0]
            if np.ndim(values) != 1:
                raise GenomeError(f"{name}[{column.name!r}]: expected one value per row, got {np.shape(values)}")
            convert = {"numeric": as_numbers, "text": as_texts, "integer": as_integers}[column.kind]
            prepared[column.input_name] = convert(values, f"{name}[{column.name!r}]")
        return prepared

    def _values(self, x: Any, index: int, column: Column) -> np.ndarray:
        """One column of prepared data; integers may come in a float array."""
        values = x[:, index] if self.plain else x[column.input_name]
        return as_integers(values, column.name) if column.kind == "integer" else np.asarray(values)

    def adapt(self, x: Any, y: Any) -> dict[str, np.ndarray]:
        """Means, deviations and quantiles of numbers, vocabularies of categories, scale of the targets.

        Returns:
            ``mean``, ``scale``, shape (numbers,); ``knots``, shape (numbers, knots); one
            ``vocabulary_INDEX`` per category column, most frequent first (unicode or int64); and
            what :meth:`genomes.targets.Target.statistics` gives.
        """
        numeric, categories = self._split_columns()
        found = super().adapt(x, y)
        mean = np.zeros(len(numeric), np.float32)
        scale = np.ones(len(numeric), np.float32)
        knots = np.tile(np.linspace(0, 1, _KNOTS, dtype=np.float32), (len(numeric), 1))
        for place, (index, column) in enumerate(numeric):
            values = self._values(x, index, column).astype(np.float64)
            values = values[~np.isnan(values)]
            if len(values):
                mean[place] = values.mean()
                scale[place] = positive(values.std(), values.mean())
                knots[place] = np.quantile(values, np.linspace(0, 1, _KNOTS))
        found.update(mean=mean, scale=scale, knots=knots)
        for index, column in categories:
            found[f"vocabulary_{index}"] = _vocabulary(self._values(x, index, column), column)
        return found

    def encode(self, x: Any, preprocessing: Mapping[str, np.ndarray]) -> np.ndarray:
        """Scaled numbers, quantile positions, flags and codes: float32, shape (rows, *encoded_shape).

        Columns: see :class:`genomes.genes.columns.ColumnLayout`.
        """
        numeric, categories = self._split_columns()
        parts: list[np.ndarray] = []
        flags = []
        if numeric:
            numbers = np.stack([self._values(x, i, c).astype(np.float32) for i, c in numeric], axis=1)
            if self.robust:
                parts.append(robust_scaled(numbers, preprocessing["knots"]))
            else:
                parts.append(standardize(numbers, preprocessing["mean"], preprocessing["scale"]))
            starts, widths = _pieces(preprocessing["knots"])
            for place in range(len(numeric)):
                share = (numbers[:, place, None] - starts[place]) / widths[place]
                position = np.clip(share, 0.0, 1.0).mean(axis=1, keepdims=True)
                parts.append(np.nan_to_num(position, nan=0.5))
            flags = [place for place, (_, column) in enumerate(numeric) if column.missing]
            parts.append(np.isnan(numbers[:, flags]))
        for index, column in categories:
            parts.append(_codes(self._values(x, index, column), preprocessing[f"vocabulary_{index}"])[:, None])
        return np.concatenate(parts, axis=1).astype(np.float32)

    # -- model -----------------------------------------------------------------------
    def inputs(self) -> Any:
        """One input of all columns, or a dict with one input per column."""
        import keras

        if self.plain:
            return keras.Input((len(self.columns),), name="input")
        dtypes = {"numeric": "float32", "text": "string", "integer": "int64"}
        return {
            column.input_name: keras.Input((1,), dtype=dtypes[column.kind], name=column.input_name)
            for column in self.columns
        }

    def preprocess(self, inputs: Any, preprocessing: Mapping[str, np.ndarray]) -> Any:
        """What :meth:`encode` computes, by Keras layers without weights."""
        import keras
        from keras import ops

        if "mean" not in preprocessing:
            raise GenomeError("preprocessing: tables need what adapt() found in the training data; got nothing")
        numeric, categories = self._split_columns()
        parts: list[Any] = []
        if numeric:
            if self.plain:
                numbers = ops.take(inputs, np.asarray([i for i, _ in numeric], np.int32), axis=1)
            else:
                several = [inputs[column.input_name] for _, column in numeric]
                numbers = several[0] if len(several) == 1 else ops.concatenate(several, axis=1)
            if self.robust:
                parts.append(robust_scaled_tensor(numbers, preprocessing["knots"]))
            else:
                parts.append(standardized(numbers, preprocessing["mean"], preprocessing["scale"]))
            starts, widths = _pieces(preprocessing["knots"])
            shares = ops.clip((ops.expand_dims(numbers, -1) - starts) / widths, 0.0, 1.0)
            positions = ops.mean(shares, axis=-1)
            missing = ops.isnan(numbers)
            parts.append(ops.where(missing, ops.full_like(positions, 0.5), positions))
            flags = [place for place, (_, column) in enumerate(numeric) if column.missing]
            if flags:
                parts.append(ops.cast(ops.take(missing, np.asarray(flags, np.int32), axis=1), "float32"))
        for index, column in categories:
            vocabulary = preprocessing[f"vocabulary_{index}"].tolist()
            if column.kind == "text":
                look_up = keras.layers.StringLookup(vocabulary=vocabulary, mask_token="", num_oov_indices=1)
                codes = look_up(inputs[column.input_name])
            else:
                look_up = keras.layers.IntegerLookup(
                    vocabulary=vocabulary, mask_token=MISSING_INTEGER, num_oov_indices=1
                )
                if self.plain:
                    values = inputs[:, index : index + 1]
                    known = ops.where(ops.isnan(values), ops.full_like(values, MISSING_INTEGER), values)
                    codes = look_up(ops.cast(known, "int64"))
                else:
                    codes = look_up(inputs[column.input_name])
            parts.append(ops.cast(codes, "float32"))
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)

    def input_cost(self) -> Cost:
        """Nothing: preprocessing has no weights, and its operations are not counted."""
        return Cost()


def _pieces(knots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and widths of the pieces between knots; where knots coincide, a steep step."""
    width = np.diff(knots, axis=1)
    least = 1e-6 * np.maximum(1e-6, np.abs(knots).max(axis=1, keepdims=True))
    return knots[:, :-1].astype(np.float32), np.maximum(width, least).astype(np.float32)


def _vocabulary(values: np.ndarray, column: Column) -> np.ndarray:
    """The most frequent categories, frequent ones first, ties in order."""
    found, counts = np.unique(values, return_counts=True)
    keep = (found != ("" if column.kind == "text" else MISSING_INTEGER)) & (counts >= _LEAST_OCCURRENCES)
    if not keep.any():
        keep = found != ("" if column.kind == "text" else MISSING_INTEGER)
    found, counts = found[keep], counts[keep]
    order = np.argsort(-counts, kind="stable")[: column.categories]
    if not len(order):
        # A column that is always missing: look-ups need a word, and this one never comes.
        # (NumPy takes a NUL at the end of a text away, and the empty text stands for "missing".)
        return np.asarray(["\ue000"]) if column.kind == "text" else np.asarray([MISSING_INTEGER + 1])
    return found[order]


def _codes(values: np.ndarray, vocabulary: np.ndarray) -> np.ndarray:
    """0 for missing, 1 for unseen, 2 and up for the vocabulary."""
    order = np.argsort(vocabulary, kind="stable")
    place = np.clip(np.searchsorted(vocabulary[order], values), 0, len(order) - 1)
    codes = np.where(vocabulary[order][place] == values, order[place] + 2, 1)
    missing = values == "" if values.dtype.kind == "U" else values == MISSING_INTEGER
    return np.where(missing, 0, codes)


_COLUMNS = (PeriodicEmbedding, ColumnEmbedding, ColumnAttention)
_LAYERS = (NeuralTangentDense, Dense, Dropout, Normalization, Activation)
_WEIGHTS = {
    "PeriodicEmbedding": 6.0,
    "ColumnEmbedding": 3.0,
    "NeuralTangentDense": 6.0,
    "Dense": 3.0,
    "Dropout": 1.5,
    "Normalization": 0.5,
    "Activation": 0.3,
    "Residual": 1.5,
    "DenseResidual": 1.5,
}


def tabular(
    columns: Any,
    classes: int | None = None,
    *,
    labels: int | None = None,
    outputs: int | None = None,
    task: str | None = None,
    categories: Sequence[str | int] = (),
    genes: Sequence[type[Gene]] = (),
    domains: Mapping[str, Mapping[str, Domain]] | None = None,
    units: int = 512,
    parameters: int | None = None,
    flops: int | None = None,
    max_genes: int = 30,
) -> TabularSpace:
    """Networks on tables.

    Give exactly one of ``classes``, ``labels`` and ``outputs``. Numbers are scaled by
    their quartiles and also put on a quantile scale, categories looked up, both as
    learnt from the training data; missing values and categories unseen in
    training are accepted. Regression targets are standardized inside.

    Args:
        columns: the training inputs (data frame, mapping of names to arrays, structured array, or array
            of shape (rows, columns)), from which the kind of every column is inferred (see
            :func:`genomes.spaces.columns.infer_columns`); or a number of numeric columns; or a sequence of
            :class:`genomes.spaces.columns.Column`; or a mapping of names to ``"numeric"``, ``"text"``, ``"integer"``.
        classes: number of exclusive classes; labels are 0 to classes - 1 (two: binary).
        labels: number of labels that may hold together.
        outputs: number of regression targets.
        task: states the task where the number does not.
        categories: names (of an array: indices) of number columns that are categories.
        genes: your own gene classes, which may stand among the dense layers.
        domains: domains of fields, in place of the space's: ``{"Dense": {"units": Int(8, 64)}}``.
        units: most units of a dense layer.
        parameters: most weights of a model; 2 million by default, or twice those
            of the default net where it needs more.
        flops: most FLOPs of one row; no limit by default.
        max_genes: most genes of a genome.

    Returns:
        The space. In tables of very many columns its default genome encodes them more plainly.

    Raises:
        GenomeError: columns of an unknown kind, a wrong number or domain; the message names the argument.
    """
    target = Target.infer(classes, outputs, labels, task)
    found, plain = given_columns(columns, categories)
    found = found if plain else with_input_names(found)
    numeric = sum(column.kind == "numeric" for column in found)
    flags = sum(column.missing for column in found)
    codes = [column.codes for column in found if column.kind != "numeric"]
    layout = f"{numeric}|{flags}|{','.join(map(str, codes))}"
    weights = {**_WEIGHTS, **{kind.__name__: 6.0 for kind in genes if kind.__name__ not in _WEIGHTS}}
    stages = (
        Stage("columns", _COLUMNS, 1, 1, (), _WEIGHTS),
        # Random genomes are single nets, which take less time; mutation may make one several.
        Stage("members", (Members,), 0, 1, (), sampled=(0, 0)),
        Stage("body", (*_LAYERS, Residual, DenseResidual, *genes), 0, 10, (*_LAYERS, *genes), weights),
    )
    own: dict[str, dict[str, Domain]] = {
        "ColumnEmbedding": {
            "layout": Fixed(layout),
            "bins": Choice([0, 4, 8, 16, 32], default=8) if numeric else Fixed(0),
            "embedding": Choice([0, 2, 4, 8, 16, 32], default=8) if codes else Fixed(0),
        },
        "PeriodicEmbedding": {
            "layout": Fixed(layout),
            "frequencies": Choice([0, 8, 16, 32], default=16) if numeric else Fixed(0),
            "sigma": Float(0.02, 2.0, log=True, default=0.1),
            "embedding": Choice([0, 2, 4, 8, 16, 32], default=8) if codes else Fixed(0),
        },
        "ColumnAttention": {
            "layout": Fixed(layout),
            "width": Choice([8, 16, 32, 64], default=32),
            "blocks": Int(1, 3, default=2),
            "dropout": Float(0.0, 0.4, step=0.05, default=0.1),
        },
        "DenseResidual": {
            "hidden_dropout": Float(0.0, 0.6, step=0.05, default=0.2),
            "dropout": Float(0.0, 0.4, step=0.05),
        },
        "NeuralTangentDense": {
            "units": Int(min(8, units), units, log=True, default=min(256, units)),
            "activation": Choice(["mish", "relu", "gelu", "swish", "elu", "selu"], ordered=False),
        },
        "Dense": {
            "units": Int(min(8, units), units, log=True, default=min(256, units)),
            "normalization": Choice(["none", "batch", "layer"], ordered=False),
            "activation": Choice(ACTIVATIONS, default="swish", ordered=False),
        },
        "Dropout": {"rate": Float(0.0, 0.6, step=0.05, default=0.1)},
        "Normalization": {"kind": Choice(["batch", "layer"], ordered=False)},
        "Activation": {"function": Choice(ACTIVATIONS, ordered=False)},
        "Residual": {"activation": Fixed("linear")},
        "TabularTraining": settings_domains(target),
    }
    own = merged_domains(own, _named_as_here(domains))
    training = default_gene(training_class(TabularTraining, own), own, 0)
    limits = GenomeLimits(
        parameters=_MOST_PARAMETERS if parameters is None else int(parameters),
        flops=None if flops is None else int(flops),
        genes=max_genes,
        nesting=1,
    )
    small = default_gene(ColumnEmbedding, {**own, "ColumnEmbedding": {"layout": Fixed(layout)}}, 1)
    fewest = {name: own["ColumnEmbedding"][name].from_unit(0.0) for name in ("bins", "embedding")}
    default = default_genome(own, target, training, limits)
    needed = parameters_of(default, (small.row,), target)
    if parameters is None and needed > _MOST_PARAMETERS:
        limits = replace(limits, parameters=2 * needed)
    return TabularSpace(
        (len(found),),
        target,
        stages,
        default=default,
        smallest=Genome([small.replace(**fewest)], training),
        domains=own,
        limits=limits,
        options={"columns": [column.to_json() for column in found], "plain": plain, "scaling": "robust"},
    )


def _named_as_here(domains: Mapping[str, Mapping[str, Domain]] | None) -> dict[str, Mapping[str, Domain]]:
    """Domains with ``Training`` under the name that the settings have in this space."""
    own = TabularTraining.__name__
    return {own if name == Training.__name__ else name: fields for name, fields in (domains or {}).items()}

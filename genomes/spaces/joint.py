"""Several inputs in one model: pictures, texts, series and a table, each with genes of its own, then fused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from genomes.costs import Cost, Shape
from genomes.domains import Choice, Domain, Fixed, Float, Int
from genomes.errors import GenomeError, shown
from genomes.gene import Gene, new_innovation
from genomes.genes.blocks import Residual
from genomes.genes.columns import ColumnEmbedding
from genomes.genes.dense_residual import DenseResidual
from genomes.genes.inputs import ImageInput, SeriesInput, TableInput, TextInput
from genomes.genes.layers import Activation, Dense, Dropout, Normalization
from genomes.genes.neural_tangent import NeuralTangentDense
from genomes.genes.training import Training
from genomes.genome import Genome
from genomes.grammar import GenomeLimits, Stage, default_gene, merged_domains, training_class
from genomes.spaces.base import Space
from genomes.spaces.columns import Column, named_columns, with_input_names
from genomes.spaces.encoded import EncodedSpace, training_domains
from genomes.spaces.image import ImageSpace
from genomes.spaces.input_part import InputPart
from genomes.spaces.layered import LayeredSpace
from genomes.spaces.series import TimeSeriesSpace
from genomes.spaces.tabular import TabularSpace
from genomes.spaces.text import TextSpace
from genomes.targets import Target
from genomes.variation.sites import renewed


class JointSpace(EncodedSpace):
    """Networks on several inputs; :func:`joint` makes it."""

    @cached_property
    def parts(self) -> tuple[InputPart, ...]:
        """The inputs, in order."""
        found = []
        for json in self.options["inputs"]:
            space = Space.from_json(json["space"])
            if not isinstance(space, LayeredSpace):
                raise GenomeError(f"inputs[{shown(json['name'])}]: expected a space of layers")
            space.layer_prefix = f"{json['input']}_"
            found.append(InputPart(str(json["name"]), str(json["input"]), space))
        return tuple(found)

    @cached_property
    def _shapes(self) -> list[tuple[type[Gene], dict[str, Any]]]:
        """For each input the class of its gene, and the fields that say what shape it has."""
        found = []
        for part in self.parts:
            branch = _BRANCHES[type(part.space)](part.space)
            found.append((branch.kind, branch.shape))
        return found

    def validate(self, genome: Genome) -> None:
        """Check as every space of layers does, and that every input's gene has that input's shape."""
        super().validate(genome)
        for index, (gene, (_, shape)) in enumerate(zip(genome.genes, self._shapes, strict=False)):
            for name, value in shape.items():
                if getattr(gene, name) != value:
                    raise GenomeError(
                        f"expected {value!r}, the input's, got {getattr(gene, name)!r}", f"[{index}].{name}"
                    )

    def repair(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """The genome itself if it is valid, else a valid one near it: first of all with a gene for each input."""
        try:
            self.validate(genome)
            return genome
        except GenomeError:
            left = list(genome.genes)
        first: list[Gene] = []
        for (kind, shape), simple in zip(self._shapes, self.smallest().genes, strict=False):
            place = next((place for place, gene in enumerate(left) if type(gene) is kind), None)
            gene = left.pop(place) if place is not None else simple.replace(innovation=new_innovation(rng))
            first.append(gene.replace(**shape))
        return super().repair(genome.replace(genes=(*first, *left)), rng)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the tables among the inputs."""
        return tuple(c for part in self.parts if isinstance(part.space, TabularSpace) for c in part.space.columns)

    @property
    def encoded_shape(self) -> Shape:
        """The numbers of all inputs, one after the other."""
        return (sum(part.size for part in self.parts),)

    # -- data ------------------------------------------------------------------------
    def check_data(self, x: Any, y: Any, role: str = "train") -> None:
        """Check that every input is there and has its shape, and the targets."""
        self.check_rows(self._prepared(x, f"x_{role}"), y, role)

    def prepare(self, x: Any) -> dict[str, np.ndarray]:
        """The model's inputs by name, as the inputs' own spaces prepare them."""
        return self._prepared(x, "x")

    def _prepared(self, x: Any, name: str) -> dict[str, np.ndarray]:
        if isinstance(x, Mapping) and list(x) == [f"input_{index}" for index in range(len(self.parts))]:
            x = {part.name: values for part, values in zip(self.parts, x.values(), strict=True)}  # a list of inputs
        elif len(self.parts) == 1 and not self.parts[0].named and named_columns(x) is None:
            x = {self.parts[0].name: x}  # it cannot be another one
        prepared: dict[str, np.ndarray] = {}
        for part in self.parts:
            prepared |= part.prepared(x, name)
        return prepared

    def adapt(self, x: Any, y: Any) -> dict[str, np.ndarray]:
        """What every input's own space learns, its names after the input's number; scale of the targets."""
        found = super().adapt(x, y)
        for index, part in enumerate(self.parts):
            found |= {f"{index}_{name}": value for name, value in part.space.adapt(part.of(x), None).items()}
        return found

    @staticmethod
    def _of_part(preprocessing: Mapping[str, np.ndarray], index: int) -> dict[str, np.ndarray]:
        start = f"{index}_"
        return {name[len(start) :]: value for name, value in preprocessing.items() if name.startswith(start)}

    def encode(self, x: Any, preprocessing: Mapping[str, np.ndarray]) -> np.ndarray:
        """All inputs as numbers, one after the other: float32, (rows, numbers)."""
        parts = [part.encoded(x, self._of_part(preprocessing, index)) for index, part in enumerate(self.parts)]
        return np.concatenate(parts, axis=1)

    # -- model -----------------------------------------------------------------------
    def inputs(self) -> Any:
        """``keras.Input`` by name."""
        return {name: tensor for part in self.parts for name, tensor in part.keras_inputs().items()}

    def preprocess(self, inputs: Any, preprocessing: Mapping[str, np.ndarray]) -> Any:
        """What :meth:`encode` computes, by Keras layers without weights."""
        from keras import ops

        if not preprocessing:
            raise GenomeError("preprocessing: several inputs need what adapt() found in the training data; got nothing")
        made = [part.preprocessed(inputs, self._of_part(preprocessing, i)) for i, part in enumerate(self.parts)]
        return made[0] if len(made) == 1 else ops.concatenate(made, axis=1)

    def input_cost(self) -> Cost:
        """That of the inputs' own spaces."""
        total = Cost()
        for part in self.parts:
            total = total + part.space.input_cost()
        return total


_FUSION = (Dense, Dropout, Normalization, Activation, Residual)
_FUSION_WEIGHTS = {"Dense": 6.0, "Dropout": 1.5, "Normalization": 0.5, "Activation": 0.3, "Residual": 2.0}
_ACTIVATIONS = ["relu", "gelu", "swish", "elu"]


def joint(
    inputs: Mapping[str, Space],
    classes: int | None = None,
    *,
    labels: int | None = None,
    outputs: int | None = None,
    task: str | Target | None = None,
    domains: Mapping[str, Mapping[str, Domain]] | None = None,
    units: int = 512,
    parameters: int | None = None,
    flops: int | None = None,
    max_genes: int = 60,
) -> JointSpace:
    """Networks on several inputs: pictures, texts, series, a table.

    Every input is prepared, learnt from and encoded as its own space does it, and passes genes of its own, which are
    that space's; the vectors that come out are joined and pass the genes of the fusion. Data are a mapping or a data
    frame that has every input under its name; the columns of a table may stand among them by themselves.

    Args:
        inputs: a premade space for each input, by the input's name: of :func:`image` (of known size), :func:`text`,
            :func:`timeseries` (without horizon), :func:`tabular`.
        classes: number of exclusive classes; labels are 0 to classes - 1 (two: binary). Where neither this nor the next
            three are given, the inputs' own spaces say what is predicted, all the same.
        labels: number of labels that may hold together.
        outputs: number of regression targets.
        task: states the task where the number does not.
        domains: domains of fields, in place of the space's.
        units: most units of a dense layer.
        parameters: most weights of a model; by default the sum of what the inputs' own spaces allow.
        flops: most FLOPs of one sample; no limit by default.
        max_genes: most genes of a genome.

    Returns:
        The space.

    Raises:
        GenomeError: no inputs, or such that cannot be joined; the message names the input.

    Example:
        >>> from genomes import spaces
        >>> space = spaces.joint(
        ...     {"scan": spaces.image((16, 16, 1), 2), "patient": spaces.tabular({"age": "numeric", "sex": "text"}, 2)}
        ... )
        >>> [stage.name for stage in space.stages]
        ['scan', 'patient', 'fusion']
    """
    if not isinstance(inputs, Mapping) or not inputs:
        raise GenomeError(f"inputs: expected a space for each input by its name, got {shown(inputs)}")
    for name, space in inputs.items():
        if not isinstance(name, str) or type(space) not in _BRANCHES:
            kinds = "image, text, timeseries without horizon, or tabular"
            raise GenomeError(f"inputs[{shown(name)}]: expected a space of genomes.spaces.{kinds}, got {shown(space)}")
    if classes is None and labels is None and outputs is None and task is None:
        targets = [space.target for space in inputs.values()]
        if any(target != targets[0] for target in targets):
            raise GenomeError("inputs: their spaces predict different things; say what is predicted, by classes=, say")
        assert targets[0] is not None
        target: Target = targets[0]
    else:
        target = Target.infer(classes, outputs, labels, task)  # type: ignore[arg-type]
    parts = _with_inputs({name: space for name, space in inputs.items() if isinstance(space, LayeredSpace)})
    sequences = any(isinstance(part.space, (TextSpace, TimeSeriesSpace)) for part in parts)
    own: dict[str, dict[str, Domain]] = {
        "Dense": {
            "units": Int(min(8, units), units, log=True, default=min(128, units)),
            "normalization": Choice(["none", "batch", "layer"], ordered=False),
            "activation": Choice(_ACTIVATIONS, default="swish", ordered=False),
        },
        "Dropout": {"rate": Float(0.0, 0.6, step=0.05, default=0.1)},
        # The statistics of a batch would count steps that are not real.
        "Normalization": {"kind": Fixed("layer") if sequences else Choice(["batch", "layer"], ordered=False)},
        "Activation": {"function": Choice(_ACTIVATIONS, ordered=False)},
        "Residual": {"activation": Choice(["linear", "relu", "gelu", "swish"], ordered=False)},
        "Training": training_domains(target),
    }
    stages, default, smallest = [], [], []
    for number, part in enumerate(parts):
        branch = _BRANCHES[type(part.space)](part.space)
        name = branch.kind.__name__
        own[name] = _either(own.get(name, {}), branch.domains)
        inner = tuple(dict.fromkeys((*branch.body.genes, *(branch.body.inner or ()))))
        for kind in inner:
            own.setdefault(kind.__name__, dict(part.space.domains(kind)))
        stages.append(Stage(part.name, (branch.kind,), 1, 1, inner, branch.body.weights))
        gene = default_gene(branch.kind, {name: branch.domains}, 1, body=branch.default)
        default.append(renewed(gene, np.random.default_rng(number)))
        smallest.append(default_gene(branch.kind, {name: _least(branch.domains)}, number + 1, body=()))
    stages.append(Stage("fusion", _FUSION, 0, 8, _FUSION[:-1], _FUSION_WEIGHTS))
    own = merged_domains(own, domains)
    training = default_gene(training_class(Training, own), own, 0)
    fusion = [default_gene(Dense, own, 901), default_gene(Dropout, own, 902)]
    most = sum(part.space.limits.parameters or 2_000_000 for part in parts)
    common: dict[str, Any] = {
        "smallest": Genome(smallest, training),
        "domains": own,
        "limits": GenomeLimits(
            parameters=most if parameters is None else int(parameters),
            flops=None if flops is None else int(flops),
            genes=max_genes,
        ),
        "options": {
            "inputs": [{"name": p.name, "input": p.input, "space": p.space.to_json()} for p in parts],
        },
    }
    shape = (sum(part.size for part in parts),)
    # Genes of the inputs' own spaces are moved into the domains that they share now.
    first = JointSpace(shape, target, stages, default=common["smallest"], **common)
    whole = first.repair(Genome([*default, *fusion], training), np.random.default_rng(0))
    return JointSpace(shape, target, stages, default=whole, **common)


def _with_inputs(given: Mapping[str, LayeredSpace]) -> list[InputPart]:
    """The parts, each with names of the model's inputs that no other one has."""
    columns: list[Column] = []
    for name, space in given.items():
        own = isinstance(space, TabularSpace) and not space.plain
        columns += space.columns if own and isinstance(space, TabularSpace) else [Column(name)]
    found = iter(with_input_names(columns))
    parts = []
    for name, space in given.items():
        if isinstance(space, TabularSpace) and not space.plain:
            used = [next(found).input_name for _ in space.columns]
            if used != [column.input_name for column in space.columns]:
                raise GenomeError(f"inputs[{name!r}]: a column of it is called as another input is; rename one of them")
            parts.append(InputPart(name, name, space))
        else:
            parts.append(InputPart(name, next(found).input_name, space))
    return parts


def _either(known: Mapping[str, Domain], added: Mapping[str, Domain]) -> dict[str, Domain]:
    """Domains for the genes of two inputs of one kind: each of their shapes; else the wider domain."""
    found = dict(known)
    for name, domain in added.items():
        before = found.get(name)
        if before is None or before.size == 1 != domain.size:
            found[name] = domain
        elif isinstance(before, Choice) and isinstance(domain, Fixed) and not before.contains(domain.values[0]):
            found[name] = Choice([*before.values, *domain.values], ordered=False)
    return found


@dataclass(frozen=True)
class _Branch:
    """Genes of one input.

    Attributes:
        kind: the gene that takes the input.
        domains: of its fields.
        body: the stage of the input's own space whose genes stand inside.
        default: the genes that stand inside by default.
    """

    kind: type[Gene]
    domains: dict[str, Domain]
    body: Stage
    default: tuple[Gene, ...]

    @property
    def shape(self) -> dict[str, Any]:
        """The fields that say what shape the input has, with their values."""
        fixed = {name: domain for name, domain in self.domains.items() if name in _SHAPE_FIELDS}
        return {name: domain.values[0] for name, domain in fixed.items() if isinstance(domain, Choice)}


#: Fields of the inputs' genes that their data decide.
_SHAPE_FIELDS = ("height", "breadth", "channels", "length", "tokens", "layout")


def _least(domains: Mapping[str, Domain]) -> dict[str, Domain]:
    return {name: domain if domain.size == 1 else Fixed(domain.from_unit(0.0)) for name, domain in domains.items()}


def _stage(space: LayeredSpace, name: str) -> tuple[Stage, tuple[Gene, ...]]:
    """A stage of a space by its name, and the genes that stand there by default."""
    index = [stage.name for stage in space.stages].index(name)
    return space.stages[index], tuple(space.split(space.default().genes)[index])


def _image(space: LayeredSpace) -> _Branch:
    if any(length is None for length in space.input_shape):
        raise GenomeError(f"inputs: pictures beside other inputs need a known size, got {space.input_shape}")
    body, default = _stage(space, "body")
    sizes = dict(zip(("height", "breadth", "channels"), space.input_shape, strict=True))
    fixed: dict[str, Domain] = {name: Fixed(size) for name, size in sizes.items() if size is not None}
    return _Branch(ImageInput, {**fixed, "pool": Choice(["average", "max"], ordered=False)}, body, default)


def _text(space: LayeredSpace) -> _Branch:
    assert isinstance(space, TextSpace)
    body, default = _stage(space, "body")
    domains: dict[str, Domain] = dict(space.domains(space.stages[0].genes[0]))
    kinds = Choice(["average", "max", "both", "attention"], default="both", ordered=False)
    return _Branch(TextInput, {"length": Fixed(space.length), **domains, "reduction": kinds}, body, default)


def _series(space: LayeredSpace) -> _Branch:
    body, default = _stage(space, "body")
    sizes = dict(zip(("length", "channels"), space.input_shape, strict=True))
    fixed: dict[str, Domain] = {name: Fixed(size) for name, size in sizes.items() if size is not None}
    kinds = Choice(["average", "max", "both", "last", "attention"], default="both", ordered=False)
    return _Branch(SeriesInput, {**fixed, "reduction": kinds}, body, default)


def _table(space: LayeredSpace) -> _Branch:
    body, _ = _stage(space, "body")
    # Ordinary layers: what the default net for tables is made of wants training settings of its own.
    genes, inner = (
        tuple(kind for kind in kinds or () if kind not in (NeuralTangentDense, DenseResidual))
        for kinds in (body.genes, body.inner)
    )
    weights = {name: weight for name, weight in body.weights.items() if name in {kind.__name__ for kind in genes}}
    body = replace(body, genes=genes, inner=inner, weights=weights | {"Dense": 6.0, "Residual": 2.0})
    domains = {kind.__name__: space.domains(kind) for kind in (Dense, Dropout)}
    default = (default_gene(Dense, domains, 1), default_gene(Dropout, domains, 2))
    return _Branch(TableInput, dict(space.domains(ColumnEmbedding)), body, default)


#: Genes of an input, by the class of its own space.
_BRANCHES: dict[type[Space], Callable[[LayeredSpace], _Branch]] = {
    ImageSpace: _image,
    TextSpace: _text,
    TimeSeriesSpace: _series,
    TabularSpace: _table,
}

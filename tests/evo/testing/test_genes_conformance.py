"""The genes of the premade spaces keep what the suite promises."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from evo.testing import GeneConformance
from genomes import Gene, Space, spaces

PICTURE, SERIES, ROW = (6, 5, 4), (6, 4), (5,)
#: Genes of training settings, which build no layers.
SETTINGS = {
    "Training",
    "ImageTraining",
    "TabularTraining",
    "AveragedTraining",
    "AveragedImageTraining",
    "AveragedTabularTraining",
}


def gene(name: str, *children: Gene, **values: Any) -> Gene:
    """A gene by its name: where its class lives is no concern of this test."""
    kind = Gene.registry[name]
    for slot in kind.slots:
        values[slot] = [[child] for child in children] if slot == "branches" else list(children)
    return kind(innovation=3, **values)


def layers() -> list[tuple[str, Gene, tuple[tuple[int, ...], ...]]]:
    """Every gene that builds layers, with shapes that it takes."""
    conv = gene("Conv", filters=4, strides=1)
    cases: list[tuple[Gene, tuple[tuple[int, ...], ...]]] = [
        (gene("Dense", units=7, normalization="batch"), (ROW, SERIES)),
        (gene("NeuralTangentDense", units=7), (ROW, SERIES)),
        (gene("DenseResidual", hidden_dropout=0.2), (ROW, SERIES)),
        (gene("Members", members=2), (ROW,)),
        (conv, (PICTURE,)),
        (gene("SeparableConv", filters=4), (PICTURE,)),
        (gene("DepthwiseConv"), (PICTURE,)),
        (gene("Pool"), (PICTURE,)),
        (gene("GlobalPool"), (PICTURE, SERIES)),
        (gene("Flatten"), (PICTURE, ROW)),
        (gene("Normalization"), (PICTURE, SERIES, ROW)),
        (gene("Activation"), (ROW,)),
        (gene("Dropout", rate=0.3), (ROW,)),
        (gene("SpatialDropout", rate=0.3), (PICTURE, SERIES)),
        (gene("StochasticDepth", rate=0.3), (PICTURE,)),
        (gene("Residual", conv), (PICTURE,)),
        (gene("Residual", gene("Dense", units=3)), (ROW,)),
        (gene("Residual", gene("Dropout", rate=0.0)), (ROW,)),
        (gene("Parallel", conv, gene("DepthwiseConv")), (PICTURE,)),
        (gene("Repeat", conv, times=2), (PICTURE,)),
        (gene("Bottleneck", filters=8), (PICTURE,)),
        (gene("SqueezeExcite"), (PICTURE,)),
        (gene("InvertedResidual", filters=4, expansion=2), (PICTURE,)),
        (gene("XceptionBlock", filters=4), (PICTURE,)),
        (gene("ConvNeXtBlock"), (PICTURE,)),
        (gene("PositionEncoding"), (SERIES,)),
        (gene("SequenceConv", filters=5), (SERIES,)),
        (gene("SequencePool"), (SERIES,)),
        (gene("Recurrent", units=3), (SERIES,)),
        (gene("Attention", heads=2, key_dimension=4), (SERIES,)),
        (gene("TransformerEncoder", heads=2, key_dimension=4), (SERIES,)),
        (gene("SequenceReduce"), (SERIES,)),
        (gene("FlattenSteps", channels=3), (SERIES,)),
    ]
    return [(f"{type(one).__name__}-{number}", one, shapes) for number, (one, shapes) in enumerate(cases)]


class Chosen(GeneConformance):
    chosen: Gene

    def make(self) -> Gene:
        return self.chosen

    def space(self) -> Space | None:
        """The premade space of the gene as it is, without ``genes=``."""
        return premade().get(type(self.chosen).__name__)


@functools.cache
def premade() -> dict[str, Space]:
    """A premade space for the name of every gene that stands in one."""
    found: dict[str, Space] = {}
    for space in (
        spaces.image((8, 8, 3), classes=3),
        spaces.timeseries((8, 3), classes=3),
        spaces.timeseries((8, 3), horizon=2),
        spaces.tabular(4, classes=3),
        spaces.text(classes=3, length=8, tokens=30),
    ):
        found = {line: space for line in space.describe().splitlines() if line in Gene.registry} | found
    return found


class TestLayers(Chosen):
    samples = 1

    @pytest.fixture(autouse=True, params=layers(), ids=lambda case: case[0])
    def choose(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        _, self.chosen, shapes = request.param
        monkeypatch.setattr(type(self), "shapes", shapes)


class TestTokenEmbedding(Chosen):
    shapes = ((6,),)

    @pytest.fixture(autouse=True)
    def choose(self) -> None:
        self.chosen = gene("TokenEmbedding", tokens=20, units=4)

    def inputs(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return rng.integers(0, 3, (4, *shape)).astype(np.int32)


@functools.cache
def several_inputs() -> Space:
    return spaces.joint(
        {
            "picture": spaces.image((4, 3, 2), classes=3),
            "table": spaces.tabular({"age": "numeric", "job": "text"}, classes=3),
            "text": spaces.text(classes=3, length=6, tokens=20),
            "series": spaces.timeseries((5, 2), classes=3),
        }
    )


#: Numbers that each of these genes takes off the front of a row.
INPUTS = {"ImageInput": 24, "TableInput": 3, "TextInput": 6, "SeriesInput": 15}


class TestInputs(Chosen):
    """Genes that take one of several inputs, alone and with another one's numbers behind its own."""

    @pytest.fixture(autouse=True, params=sorted(INPUTS))
    def choose(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        genes = several_inputs().default().genes
        (self.chosen,) = (one for one in genes if type(one).__name__ == request.param)
        monkeypatch.setattr(type(self), "shapes", ((INPUTS[request.param],), (INPUTS[request.param] + 4,)))

    def space(self) -> Space | None:
        return several_inputs()

    def inputs(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return rng.integers(0, 3, (4, *shape)).astype(np.float32)


class TestSettings(Chosen):
    builds = False

    @pytest.fixture(autouse=True, params=sorted(SETTINGS))
    def choose(self, request: pytest.FixtureRequest) -> None:
        self.chosen = gene(request.param)


class TestColumns(Chosen):
    """Genes that stand first in networks on tables."""

    @pytest.fixture(autouse=True, params=["ColumnAttention", "ColumnEmbedding", "PeriodicEmbedding"])
    def choose(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        space = spaces.tabular(4, classes=3)
        layout = space.default().genes[0].values["layout"]
        fields: dict[str, dict[str, Any]] = {
            "ColumnAttention": {"width": 8, "heads": 2},
            "ColumnEmbedding": {"bins": 4, "embedding": 0},
            "PeriodicEmbedding": {"embedding": 0},
        }
        self.chosen = gene(request.param, layout=layout, **fields[request.param])
        monkeypatch.setattr(type(self), "shapes", (space.gene_shape,))


class TestVector(Chosen):
    builds = False

    @pytest.fixture(autouse=True)
    def choose(self) -> None:
        from genomes import Choice, Float

        self.chosen = spaces.vector({"rate": Float(0.0, 1.0), "kind": Choice(["a", "b"])}).default().genes[0]


def test_every_gene_is_here() -> None:
    covered = {type(one).__name__ for _, one, _ in layers()}
    covered |= {
        "TokenEmbedding",
        "ColumnAttention",
        "ColumnEmbedding",
        "PeriodicEmbedding",
        "Vector",
        *INPUTS,
    } | SETTINGS
    covered |= {"Backbone", "HubBackbone"}  # whole networks, which take seconds to build: test_backbone
    covered |= {"Hyperparameters"}  # belongs to a function: test_spaces_conformance
    own = {kind for kind in Gene.registry.values() if kind.__module__.startswith("genomes.")}
    leaves = {kind.__name__ for kind in own if own.isdisjoint(kind.__subclasses__())}  # the others are bases
    missing = {name for name in leaves if not name.startswith(("Vector_", "Hyperparameters"))} - covered
    assert not missing

"""Genomes in one short line and as blocks."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from genomes import Choice, Float, Genome, Int, notebook, spaces
from genomes.genes import Activation, Conv, Dense, Dropout, GlobalPool, Parallel, Residual
from genomes.spaces.vector import vector


class Elements(HTMLParser):
    """Elements in their order; it complains where one is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_summary_names_genes_by_their_first_number_and_counts_neighbours() -> None:
    genome = Genome([Conv(filters=32), Conv(filters=32, kernel=5), Dropout(rate=0.25), GlobalPool(), Dense(units=10)])
    assert genome.summary() == "2 x Conv 32, Dropout 0.25, GlobalPool average, Dense 10"


def test_a_summary_shows_what_is_inside_of_blocks() -> None:
    branches = [[Conv(filters=8)], [Conv(filters=16), Activation()]]
    genome = Genome([Residual(body=[Dense(units=4)]), Parallel(branches=branches)])
    assert "Residual[Dense 4]" in genome.summary() and "[Conv 8 | Conv 16, Activation relu]" in genome.summary()


def test_a_genome_of_values_shows_them_by_name() -> None:
    space = vector({"rate": Float(0.0, 1.0, default=0.123456), "kind": Choice(["a", "b"]), "width": Int(1, 9)})
    assert space.default().summary() == "rate=0.123, kind=a, width=1"


@pytest.mark.parametrize("space", [spaces.image((8, 8, 1), classes=3), spaces.tabular(4, classes=2)])
def test_every_gene_is_a_block_and_every_block_closed(space: spaces.base.Space) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        genome = space.sample(rng)
        text = genome._repr_html_()
        assert Elements(text).seen.count("strong") == len(genome)
        assert len(genome.summary()) < len(str(genome)) and "\n" not in genome.summary()
        names = [type(gene).__name__ for _, gene in genome.walk()]
        assert re.findall("<strong>([A-Za-z0-9]+)</strong>", text) == names
        training = genome.training
        assert training is not None and all(f"{name} " in text for name in training.values)


def test_nothing_that_is_shown_is_markup() -> None:
    space = vector({"<b>": Choice(["<script>alert(1)</script>", "b&c"])})
    shown = [
        space.default()._repr_html_(),
        space._repr_html_(),
        notebook.facts("<i>", {"<b>": "<script>"}),
        notebook.table("<i>", ["<b>"], [["<script>"]], "<script>"),
    ]
    for text in shown:
        assert not {"script", "b", "i"} & set(Elements(text).seen) and "&lt;" in text


def test_values_are_readable() -> None:
    found = [notebook.readable(value) for value in (None, 0.123456, 1234567, True, "x", float("nan"))]
    assert found == ["–", "0.1235", "1,234,567", "True", "x", "nan"]

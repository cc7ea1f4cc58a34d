"""Stored genomes and spaces are read by the names of their classes, whatever was imported first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_any_module_fills_the_registries() -> None:
    code = (
        "from genomes.spaces.base import Space; from genomes.gene import Gene;"
        "print({'ImageSpace', 'TabularSpace', 'TextSpace', 'TimeSeriesSpace', 'VectorSpace', 'HypermodelSpace'}"
        " <= set(Space.registry), {'XceptionBlock', 'ColumnEmbedding', 'TokenEmbedding'} <= set(Gene.registry))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "True True"

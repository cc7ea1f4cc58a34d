"""Premade spaces. Each is one import line and one entry below."""

from genomes.spaces.hypermodel import from_hypermodel
from genomes.spaces.image import image
from genomes.spaces.joint import joint
from genomes.spaces.tabular import tabular
from genomes.spaces.text import text
from genomes.spaces.timeseries import timeseries
from genomes.spaces.vector import vector

__all__: list[str] = ["from_hypermodel", "image", "joint", "tabular", "text", "timeseries", "vector"]

"""Genomes: what an architecture is, how it varies, and how it becomes a Keras model."""

from genomes import spaces
from genomes.costs import Cost
from genomes.domains import Boolean, Choice, Domain, Fixed, Float, Int
from genomes.edit_distance import distance
from genomes.errors import GenomeError
from genomes.gene import Gene
from genomes.genome import Genome
from genomes.slots import Branches, Genes
from genomes.spaces.base import Space

__all__ = [
    "Boolean",
    "Branches",
    "Choice",
    "Cost",
    "Domain",
    "Fixed",
    "Float",
    "Gene",
    "Genes",
    "Genome",
    "GenomeError",
    "Int",
    "Space",
    "distance",
    "spaces",
]

"""Premade spaces. Each is one import line and one entry below."""

from genomes.spaces.image import image
from genomes.spaces.vector import vector

__all__: list[str] = ["image", "vector"]

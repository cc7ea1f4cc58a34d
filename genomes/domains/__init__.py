"""Domains: the values that a field of a gene may take.

The names are KerasTuner's. Values are plain Python numbers, strings and booleans.
"""

from genomes.domains.categorical import Boolean, Choice, Fixed
from genomes.domains.domain import Domain, Value
from genomes.domains.numeric import Float, Int
from genomes.domains.stored import domain_from_json

__all__ = ["Boolean", "Choice", "Domain", "Fixed", "Float", "Int", "Value", "domain_from_json"]

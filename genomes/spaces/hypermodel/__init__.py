"""A KerasTuner ``build(hp)`` as a space."""

from genomes.spaces.hypermodel.reading import from_hypermodel
from genomes.spaces.hypermodel.space import HypermodelSpace

__all__ = ["HypermodelSpace", "from_hypermodel"]

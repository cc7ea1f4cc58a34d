"""A KerasTuner ``build(hp)`` as a space."""

from genomes.spaces.hypermodel.space import HypermodelSpace, from_hypermodel

__all__ = ["HypermodelSpace", "from_hypermodel"]

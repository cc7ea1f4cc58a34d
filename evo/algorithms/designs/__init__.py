"""Initial designs: what is trained before anything is known."""

from evo.algorithms.designs.initial_design import DesignPolicy, InitialDesign
from evo.algorithms.designs.policies import CostBlind, WithinTime

__all__ = ["CostBlind", "DesignPolicy", "InitialDesign", "WithinTime"]

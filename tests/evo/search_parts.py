"""The parts of the search that tests of its rules look at: everything that may move is imported here, once.

What ``evo`` and ``evo.algorithms`` export is imported from there.
"""

from __future__ import annotations

from evo import Budget
from evo.algorithms.breeding import children
from evo.algorithms.designs import CostBlind, DesignPolicy, InitialDesign, WithinTime
from evo.algorithms.designs.initial_design import spread
from evo.algorithms.designs.policies import POOL
from evo.algorithms.designs.reduction import reduced
from evo.algorithms.genetic_algorithm import survivors_of
from evo.algorithms.new_phenotypes import NewPhenotypes
from evo.algorithms.pace import seconds_spent
from evo.algorithms.phenotypes import Keys, Phenotype, phenotypes
from evo.algorithms.promotion import promotable
from evo.algorithms.ranking import best_first, best_first_at
from evo.algorithms.surrogates.belief import Belief
from evo.algorithms.surrogates.features import Features
from evo.algorithms.surrogates.observations import Observation, gaussianized, observations
from evo.algorithms.surrogates.surrogate import last_choice
from evo.algorithms.toolbox import Operators
from evo.algorithms.toolbox.candidate import worst_if_nan
from evo.algorithms.toolbox.default_operators import survive, tournament
from evo.campaign.planner import Planner, Wait, leading_outcomes
from evo.campaign.retention import kept_states
from evo.campaign.time_left import TimeLeft
from evo.core.objectives import Objectives
from evo.core.randomness import Purpose, generator
from evo.errors import SettingsError, SpaceExhaustedError

__all__ = [
    "POOL",
    "Belief",
    "Budget",
    "CostBlind",
    "DesignPolicy",
    "Features",
    "InitialDesign",
    "Keys",
    "NewPhenotypes",
    "Objectives",
    "Observation",
    "Operators",
    "Phenotype",
    "Planner",
    "Purpose",
    "SettingsError",
    "SpaceExhaustedError",
    "TimeLeft",
    "Wait",
    "WithinTime",
    "best_first",
    "best_first_at",
    "children",
    "gaussianized",
    "generator",
    "kept_states",
    "last_choice",
    "leading_outcomes",
    "observations",
    "phenotypes",
    "promotable",
    "reduced",
    "seconds_spent",
    "spread",
    "survive",
    "survivors_of",
    "tournament",
    "worst_if_nan",
]

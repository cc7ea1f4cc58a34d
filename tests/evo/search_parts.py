"""The parts of the search that tests of its rules look at: everything that may move is imported here, once.

What ``evo`` and ``evo.algorithms`` export is imported from there.
"""

from __future__ import annotations

from evo import Budget
from evo.algorithms.belief import Belief
from evo.algorithms.breeding import exhausted, fresh, vary
from evo.algorithms.evolution import survivors_of
from evo.algorithms.halving import order_at
from evo.algorithms.initial import POOL, drawn, initial_design, spread
from evo.algorithms.ladder import promotable
from evo.algorithms.pace import spent
from evo.algorithms.phenotypes import Features, Keys, Phenotype, phenotypes
from evo.algorithms.population import best_first
from evo.algorithms.random_search import next_initial, whole
from evo.algorithms.reduction import reduced
from evo.algorithms.targets import Observation, gaussianized, observations, thresholds
from evo.algorithms.timed_design import timed_design
from evo.algorithms.toolbox import survive, tournament, worst_if_nan
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
    "Features",
    "Keys",
    "Objectives",
    "Observation",
    "Phenotype",
    "Planner",
    "Purpose",
    "SettingsError",
    "SpaceExhaustedError",
    "TimeLeft",
    "Wait",
    "best_first",
    "drawn",
    "exhausted",
    "fresh",
    "gaussianized",
    "generator",
    "initial_design",
    "kept_states",
    "leading_outcomes",
    "next_initial",
    "observations",
    "order_at",
    "phenotypes",
    "promotable",
    "reduced",
    "spent",
    "spread",
    "survive",
    "survivors_of",
    "thresholds",
    "timed_design",
    "tournament",
    "vary",
    "whole",
    "worst_if_nan",
]

"""Algorithms: callables over the history of trials that say what to train next."""

from evo.algorithms.ask_tell import AskTell
from evo.algorithms.evolution import NSGA2, AgingEvolution, GeneticAlgorithm
from evo.algorithms.finish import FinalTraining
from evo.algorithms.halving import Hyperband, SuccessiveHalving
from evo.algorithms.hypervolume import hypervolume, hypervolume_over_time
from evo.algorithms.ladder import Ladder
from evo.algorithms.pace import Pace
from evo.algorithms.population import pareto, survivors
from evo.algorithms.problem import Algorithm, Problem, Step
from evo.algorithms.random_search import RandomSearch
from evo.algorithms.screened import ScreenedEvolution
from evo.algorithms.toolbox import Candidate, deap_random, make_toolbox

__all__ = [
    "NSGA2",
    "AgingEvolution",
    "Algorithm",
    "AskTell",
    "Candidate",
    "FinalTraining",
    "GeneticAlgorithm",
    "Hyperband",
    "Ladder",
    "Pace",
    "Problem",
    "RandomSearch",
    "ScreenedEvolution",
    "Step",
    "SuccessiveHalving",
    "deap_random",
    "hypervolume",
    "hypervolume_over_time",
    "make_toolbox",
    "pareto",
    "survivors",
]

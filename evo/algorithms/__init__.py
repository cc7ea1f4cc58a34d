"""Algorithms: callables from the history of trials to what is trained next.

One algorithm per file. What they share: :mod:`~evo.algorithms.toolbox` (DEAP's operators and their random numbers),
:mod:`~evo.algorithms.new_phenotypes` and :mod:`~evo.algorithms.breeding` (where new genomes come from),
:mod:`~evo.algorithms.ladder`, :mod:`~evo.algorithms.promotion` and :mod:`~evo.algorithms.ranking` (who is continued),
:mod:`~evo.algorithms.designs` (the first trials), :mod:`~evo.algorithms.surrogates` (predictions of scores),
:mod:`~evo.algorithms.pace` and :mod:`~evo.algorithms.affordability` (predictions of time).
"""

from evo.algorithms.aging_evolution import AgingEvolution
from evo.algorithms.algorithm import Algorithm, Step
from evo.algorithms.ask_tell import AskTell
from evo.algorithms.bayesian_optimization import BayesianOptimization
from evo.algorithms.final_training import FinalTraining
from evo.algorithms.genetic_algorithm import GeneticAlgorithm
from evo.algorithms.hyperband import Hyperband
from evo.algorithms.hypervolume import hypervolume, hypervolume_over_time
from evo.algorithms.ladder import Ladder
from evo.algorithms.local_search import LocalSearch
from evo.algorithms.map_elites import MapElites
from evo.algorithms.nsga2 import NSGA2
from evo.algorithms.pace import Pace
from evo.algorithms.population import pareto, survivors
from evo.algorithms.problem import Problem
from evo.algorithms.random_search import RandomSearch
from evo.algorithms.screened_evolution import ScreenedEvolution
from evo.algorithms.successive_halving import SuccessiveHalving
from evo.algorithms.toolbox import Candidate, deap_random, make_toolbox

__all__ = [
    "NSGA2",
    "AgingEvolution",
    "Algorithm",
    "AskTell",
    "BayesianOptimization",
    "Candidate",
    "FinalTraining",
    "GeneticAlgorithm",
    "Hyperband",
    "Ladder",
    "LocalSearch",
    "MapElites",
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

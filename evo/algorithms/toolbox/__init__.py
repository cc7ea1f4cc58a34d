"""The DEAP toolbox of a campaign: every operator under DEAP's own name.

``toolbox.individual() mate(a, b) mutate(a) select(individuals, k)
survive(individuals, k) clone(a)`` keep DEAP's signatures, so that any of
DEAP's operators, or the user's, can be registered in their place::

    def my_mutate(individual):
        individual.genome = ...          # genomes are immutable: put another one in
        return (individual,)

    campaign.toolbox.register("mutate", my_mutate)

DEAP draws from the global ``random`` and ``numpy.random``. Algorithms therefore call operators through
:class:`Operators`, which lends both the streams of a proposal for the time of a call.
"""

from evo.algorithms.toolbox.candidate import Candidate, Fitness
from evo.algorithms.toolbox.default_operators import make_toolbox
from evo.algorithms.toolbox.global_random import GlobalRandom, deap_random
from evo.algorithms.toolbox.operators import Operators

__all__ = ["Candidate", "Fitness", "GlobalRandom", "Operators", "deap_random", "make_toolbox"]

"""How genomes of a grammar come to be and vary: pure functions of (grammar, genomes, rng)."""

from genomes.variation.crossover import crossover
from genomes.variation.mutation import mutate
from genomes.variation.repair import repair
from genomes.variation.sampling import sample_genome

__all__ = ["crossover", "mutate", "repair", "sample_genome"]

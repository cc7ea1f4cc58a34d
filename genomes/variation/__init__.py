"""How genomes vary: pure functions of parents and a generator."""

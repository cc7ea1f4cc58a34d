"""The commands of the ``evo`` program, one module each; :mod:`evo.cli` parses the arguments."""

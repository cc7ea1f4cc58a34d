"""Readers of everything that may come from a stranger, fed with changed input; see ``python -m benchmarks fuzz``."""

"""Benchmarks: how evo compares with others, on tables and on real training.

``python -m benchmarks`` lists the commands.
"""

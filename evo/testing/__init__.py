"""Conformance suites: what evo relies on in an algorithm, a gene, a space or an executor, as tests to inherit.

Subclass a suite in a test module of your own, say how the thing is made, and pytest collects
the checks::

    from evo.testing import AlgorithmConformance

    class TestMine(AlgorithmConformance):
        def make(self):
            return MyAlgorithm(...)

Every check names the promise that it is about. The idea is that of ``optuna.testing``.

Needs pytest, which evo itself does not depend on: ``pip install pytest``. It is imported with the
first suite: workers that do the calls of :mod:`evo.testing.calls` need no pytest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evo.testing.algorithm import AlgorithmConformance
    from evo.testing.executor import ExecutorConformance
    from evo.testing.gene import GeneConformance
    from evo.testing.space import SpaceConformance

__all__ = ["AlgorithmConformance", "ExecutorConformance", "GeneConformance", "SpaceConformance"]

_MODULES = {
    "AlgorithmConformance": "evo.testing.algorithm",
    "ExecutorConformance": "evo.testing.executor",
    "GeneConformance": "evo.testing.gene",
    "SpaceConformance": "evo.testing.space",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import pytest
    except ImportError as error:
        raise ImportError("evo.testing needs pytest: pip install pytest") from error
    # Before the module is imported: a failed assertion then shows the values that it compared.
    pytest.register_assert_rewrite(_MODULES[name], "evo.testing.simulated_search")
    return getattr(importlib.import_module(_MODULES[name]), name)

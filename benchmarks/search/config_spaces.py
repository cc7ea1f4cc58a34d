"""Tables as ConfigSpace describes them, for packages that take its spaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.tables import Table
from genomes.domains import Choice, Float, Int, Value


def config_space(table: Table, seed: int) -> Any:
    """The table's space as a ``ConfigSpace.ConfigurationSpace``."""
    import ConfigSpace

    space = ConfigSpace.ConfigurationSpace(seed=seed)
    for name, domain in table.space.domains.items():
        if isinstance(domain, Int):
            space.add(ConfigSpace.UniformIntegerHyperparameter(name, domain.low, domain.high, log=domain.log))
        elif isinstance(domain, Float):
            space.add(ConfigSpace.UniformFloatHyperparameter(name, domain.low, domain.high, log=domain.log))
        else:
            assert isinstance(domain, Choice)
            space.add(ConfigSpace.CategoricalHyperparameter(name, list(domain.values)))
    return space


def plain_values(table: Table, config: Mapping[str, Any]) -> dict[str, Value]:
    """The values of a configuration as Python's own numbers and texts."""
    return {name: _plain(config[name]) for name in table.space.domains}


def _plain(value: Any) -> Value:
    return value.item() if isinstance(value, np.generic) else value

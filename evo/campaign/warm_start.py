"""Warm starts: genomes that an algorithm trains first."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from evo.campaign.stored_result import load_result
from evo.core.errors import SettingsError, TrialError
from genomes.errors import GenomeError
from genomes.genome import Genome
from genomes.spaces.base import Space


def warmly_started(algorithm: Any, start_from: Sequence[Genome] | str | os.PathLike[str], space: Space) -> Any:
    """The algorithm, with further genomes at the end of its initial design.

    Args:
        algorithm: one of evo's algorithms; any callable if there is nothing to start from.
        start_from: genomes, or the directory of a campaign, whose population is taken.
        space: which they have to be in.

    Raises:
        SettingsError: something that is no genome of the space, a directory without a campaign, or an algorithm
            that takes no genomes.
    """
    if isinstance(start_from, (str, os.PathLike)):
        genomes = _population_of(start_from)
    else:
        genomes = tuple(start_from)
    if not genomes:
        return algorithm
    for index, genome in enumerate(genomes):
        if not isinstance(genome, Genome):
            raise SettingsError(f"start_from[{index}]: expected a Genome, got {type(genome).__name__}")
        try:
            space.validate(genome)
        except GenomeError as error:
            raise SettingsError(f"start_from[{index}]: is not in the space: {error}") from None
    if not dataclasses.is_dataclass(algorithm) or not hasattr(algorithm, "initial"):
        raise SettingsError("start_from: an algorithm of your own takes its first genomes itself")
    return dataclasses.replace(algorithm, initial=(*algorithm.initial, *genomes))  # type: ignore[type-var]


def _population_of(directory: str | os.PathLike[str]) -> tuple[Genome, ...]:
    try:
        return tuple(individual.genome for individual in load_result(directory).population)
    except (SettingsError, TrialError) as error:
        raise SettingsError(f"start_from: {error}") from None

"""Models beside the nets of a campaign: trees on tables, linear models on texts and time series."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evo.campaign import linear, trees
from evo.core.errors import EnsembleError
from evo.ensemble import EnsembleWarning, LibraryModel
from evo.prepared_data import PreparedData
from genomes.spaces.base import Space

_Fit = Callable[[Space, PreparedData, int, float | None], list[LibraryModel]]
_FITTED: Mapping[str, _Fit] = {"trees": trees.grown_trees, "linear": linear.fitted_linear}


def wanted(space: Space, given: Mapping[str, Any]) -> dict[str, bool]:
    """The kinds of models that stand beside the nets, and whether each was asked for by name.

    Args:
        space: of the campaign.
        given: for each kind (``trees``, ``linear``) True, False or ``auto``; ``auto`` where one is missing.

    Raises:
        SettingsError: a wrong value.
    """
    asked = {"trees": trees.are_wanted, "linear": linear.are_wanted}
    values = {kind: given.get(kind, "auto") for kind in asked}
    return {kind: values[kind] is True for kind, are_wanted in asked.items() if are_wanted(values[kind], space)}


def in_words(space: Space, kinds: Sequence[str]) -> list[str]:
    """A line for each kind."""
    said = {"trees": trees.kinds_in_words, "linear": lambda: linear.in_words(space)}
    return [said[kind]() for kind in kinds]


@dataclass(eq=False)
class Companions:
    """The models beside the nets; each kind is fitted once, when it is first needed.

    Args:
        space: of the campaign.
        data: of the campaign.
        seed: of the campaign.
    """

    space: Space
    data: PreparedData
    seed: int

    def __post_init__(self) -> None:
        self._found: dict[str, list[LibraryModel]] = {}

    @property
    def found(self) -> list[LibraryModel]:
        """Those that were fitted so far, as candidates."""
        return [model for models in self._found.values() for model in models]

    def fit(self, kinds: Mapping[str, bool], seconds: float | None = None) -> list[LibraryModel]:
        """The models of some kinds, fitted if need be.

        A kind that cannot be fitted is left out with a warning, unless it was asked for by name.

        Args:
            kinds: see :func:`wanted`.
            seconds: about how long it may take in all; None for no limit.

        Raises:
            EnsembleError: one that was asked for cannot be fitted.
        """
        began = time.monotonic()
        for kind, asked in kinds.items():
            if kind in self._found:
                continue
            self._found[kind] = []  # not to be tried again
            left = None if seconds is None else max(0.0, seconds - (time.monotonic() - began))
            try:
                self._found[kind] = _FITTED[kind](self.space, self.data, self.seed, left)
            except EnsembleError as error:
                if asked:
                    del self._found[kind]
                    raise
                warnings.warn(f"an ensemble without {kind}: {error}", EnsembleWarning, stacklevel=5)
        return [model for kind in kinds for model in self._found[kind]]

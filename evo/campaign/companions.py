"""Models beside the nets of a campaign: trees on tables, linear models on texts and time series."""

from __future__ import annotations

import contextlib
import functools
import io
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo.campaign import linear, trees
from evo.core.budget import Budget
from evo.core.errors import EnsembleError, RepairWarning, SettingsError
from evo.ensemble import EnsembleWarning, LibraryModel
from evo.ensemble.kinds import KINDS as MEMBER_KINDS
from evo.prepared_data import PreparedData
from evo.storage import CampaignDirectory, CompanionFiles, StoredCompanion, locked
from genomes.spaces.base import Space

#: What fits models of a kind.
FITTED: Mapping[str, Callable[..., list[LibraryModel]]] = {"trees": trees.grown_trees, "linear": linear.fitted_linear}


def wanted(space: Space, given: Mapping[str, Any]) -> dict[str, bool]:
    """The kinds of models that stand beside the nets, and whether each was asked for by name.

    Args:
        space: of the campaign.
        given: for each kind (``trees``, ``linear``) True, False or ``auto``; ``auto`` where one is missing.

    Raises:
        SettingsError: a wrong value.
    """
    found = {}
    for kind, suit in (("trees", trees.suit), ("linear", linear.suit)):
        value = given.get(kind, "auto")
        if not isinstance(value, (bool, np.bool_)) and value != "auto":
            raise SettingsError(f"{kind}: expected True, False or 'auto', got {value!r}")
        if suit(space) if value == "auto" else value:
            found[kind] = value is True
    return found


def in_words(space: Space, kinds: Sequence[str]) -> list[str]:
    """A line for each kind."""
    said = {"trees": trees.kinds_in_words, "linear": lambda: linear.in_words(space)}
    return [said[kind]() for kind in kinds]


class FittingStopped(Exception):
    """A stop was asked for between two models; those that are there are kept, and the rest is left for the resume."""


@dataclass(frozen=True)
class Plan:
    """What is fitted when a campaign runs, before its search.

    Attributes:
        kinds: see :func:`wanted`.
        share: of the budget's minutes, at most; no limit where the budget has none.
    """

    kinds: Mapping[str, bool]
    share: float


class Companions:
    """The models beside the nets; each is fitted once, when it is first needed, and kept in the campaign's directory.

    Args:
        space: of the campaign.
        data: of the campaign; None where it is not at hand: then there are those that are kept, and no more.
        seed: of the campaign.
        directory: of the campaign.

    Attributes:
        plan: what is fitted when the campaign runs; None for nothing.
    """

    plan: Plan | None = None

    def __init__(self, space: Space, data: PreparedData | None, seed: int, directory: Path) -> None:
        self.space, self.data, self.seed, self.directory = space, data, seed, directory
        self._files = CompanionFiles(directory, _warn)
        self._found: dict[str, list[LibraryModel]] = {}

    @property
    def found(self) -> list[LibraryModel]:
        """Those that were fitted so far, as candidates."""
        kept = self._kept()
        return [model for kind in FITTED for model in self._found.get(kind, kept.get(kind, []))]

    def _kept(self) -> dict[str, list[LibraryModel]]:
        """Those that the directory holds, by kind."""
        kinds: dict[str, list[LibraryModel]] = {}
        for one in self._files.read():
            model = LibraryModel(
                one.number,
                one.predictions,
                one.scores,
                one.parameters,
                load=functools.partial(self._loaded, one.number, one.kind),
                kind=one.kind,
                data=None if self.data is None else self.data.fingerprint,
            )
            kinds.setdefault(one.kind, []).append(model)
        return kinds

    def _loaded(self, number: int, kind: str) -> Any:
        return MEMBER_KINDS[kind].load(io.BytesIO(self._files.model(number)))

    def fit(
        self,
        kinds: Mapping[str, bool],
        seconds: float | None = None,
        stopping: Callable[[], bool] | None = None,
    ) -> list[LibraryModel]:
        """The models of some kinds, fitted if need be.

        A kind that cannot be fitted is left out with a warning, unless it was asked for by name.

        Args:
            kinds: see :func:`wanted`.
            seconds: about how long it may take in all; None for no limit.
            stopping: asked after each model; where the campaign runs, whose directory this process holds then. None
                elsewhere: then models are kept if nobody holds the directory.

        Raises:
            EnsembleError: one that was asked for cannot be fitted.
            FittingStopped: a stop was asked for.
        """
        began = time.monotonic()
        missing = [kind for kind in kinds if kind not in self._found]
        kept = self._kept() if missing else {}
        for kind in list(missing):
            if self.data is None and kinds[kind] and not kept.get(kind):
                raise EnsembleError(f"{kind}: the campaign keeps none, and the data that they need is not at hand")
            if self.data is None or self._files.finished(kind) is not None:
                self._found[kind] = kept.get(kind, [])
                missing.remove(kind)
        with contextlib.nullcontext(True) if stopping is not None or not missing else locked(self.directory) as ours:
            for kind in missing:
                left = None if seconds is None else max(0.0, seconds - (time.monotonic() - began))
                self._fit(kind, kinds[kind], kept.get(kind, []), left, ours, stopping or (lambda: False))
        return [model for kind in kinds for model in self._found[kind]]

    def fit_planned(self, stored: CampaignDirectory, budget: Budget, stopping: threading.Event) -> None:
        """Fit what is planned and not there yet, in the time of the budget; the directory is open for writing.

        Where fitting took longer than it should have, half of what the search was to have is left to it.

        Raises:
            SettingsError: a kind was asked for by name, and cannot be fitted.
        """
        if self.plan is None:
            return
        began, seconds = stored.minutes, None
        if budget.minutes is not None:
            seconds = 60 * max(0.0, self.plan.share * budget.minutes - began)
        try:
            self.fit(self.plan.kinds, seconds, stopping.is_set)
        except FittingStopped:
            pass
        except EnsembleError as error:
            raise SettingsError(str(error)) from error
        stored.note(companions={"models": len(self.found), "seconds": round(60 * (stored.minutes - began), 1)})
        if budget.minutes is not None and stored.minutes > began:
            latest = budget.minutes * (1 + self.plan.share) / 2
            stored.count_seconds(-60 * max(0.0, min(stored.minutes - latest, stored.minutes - began)))

    def _fit(
        self,
        kind: str,
        asked: bool,
        kept: list[LibraryModel],
        seconds: float | None,
        ours: bool,
        stopping: Callable[[], bool],
    ) -> None:
        """Fit the models of a kind that are not kept yet."""

        def keep(model: LibraryModel) -> None:
            if ours:
                self._files.write(_stored(model))
            if stopping():
                raise FittingStopped

        known = {model.number: model for model in kept}
        try:
            self._found[kind] = FITTED[kind](self.space, self.data, self.seed, seconds, known, keep)
        except EnsembleError as error:
            if asked:
                raise
            warnings.warn(f"an ensemble without {kind}: {error}", EnsembleWarning, stacklevel=6)
            self._found[kind] = []  # not to be tried again
        if ours:
            self._files.finish(kind, {"models": len(self._found[kind])})


def _stored(model: LibraryModel) -> StoredCompanion:
    content = io.BytesIO()
    assert model.load is not None
    model.load().save(content)
    return StoredCompanion(
        model.number, model.kind, model.scores, model.parameters, model.predictions, content.getvalue()
    )


def _warn(message: str) -> None:
    warnings.warn(message, RepairWarning, stacklevel=6)

"""Asked of a worker before the first trial: whether it can do the campaign's trials at all.

What a worker cannot import, a device that is not there and a metric that no trial gives would fail every candidate;
they are no candidate's fault, and end the campaign before anything is recorded.
"""

from __future__ import annotations

import concurrent.futures
from concurrent.futures import Future
from typing import Any

from evo.campaign.setup import CampaignSetup
from evo.core.errors import EvoError, InfrastructureError
from evo.training.shipped import Abilities, abilities
from evo.workers.failures import WorkerDiedError, WorkerStartError

#: Seconds between two looks at whether the campaign is to stop.
_TICK = 0.5
#: How often a worker is asked that dies of the question.
_ATTEMPTS = 3


def preflight(setup: CampaignSetup) -> dict[str, str] | None:
    """Ask a worker, once per session.

    Args:
        setup: the campaign.

    Returns:
        Precision and strategy as the worker tells them; None where nothing is asked: an ``evaluate`` of the user's own
        does the trials, or the campaign was stopped while it waited for the answer.

    Raises:
        SettingsError: precision, strategy or objective cannot be had.
        InfrastructureError: workers cannot start or import what the trials need.
    """
    if setup.evaluate is not None:
        return None
    if setup.executor.told is None:
        found = _answer(setup)
        if found is None:
            return None
        if found.metrics is not None and not setup.settings.callbacks.needs_fit:
            logged = [*found.metrics, *(f"val_{name}" for name in found.metrics)]
            setup.settings.objectives.check_names(
                [*logged, *setup.settings.training.measured, *setup.scoring.computable(logged)]
            )
        setup.executor.told = {"precision": found.precision, "strategy": found.strategy}
    return setup.executor.told


def _answer(setup: CampaignSetup) -> Abilities | None:
    training, space = setup.settings.training, setup.space
    for attempt in range(1, _ATTEMPTS + 1):
        executor = setup.executor.started()
        try:
            future: Future[Any] = executor.submit(
                abilities, training, space.to_json(), space.definitions, setup.settings.callbacks
            )
            while not future.done():
                if setup.stopping.is_set():
                    future.cancel()
                    return None
                concurrent.futures.wait([future], _TICK)
            if isinstance(future.exception(), (KeyboardInterrupt, SystemExit)):
                raise InfrastructureError(f"workers cannot do trials: {future.exception()!r} before the first trial")
            found: Abilities = future.result()
            return found
        except EvoError as error:
            mortal = isinstance(error, WorkerDiedError) and not isinstance(error, WorkerStartError)
            if not mortal:
                raise
            if attempt == _ATTEMPTS:
                raise InfrastructureError(f"workers die before the first trial: {error}") from error
        except Exception as error:
            raise InfrastructureError(
                f"workers cannot do trials: {type(error).__name__}: {' '.join(str(error).split())[:500]}"
            ) from error
    raise AssertionError("unreachable")

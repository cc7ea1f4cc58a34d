"""Using Keras in the driver without its messages."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator

from evo.ensemble import EnsembleWarning
from evo.workers.entry import quiet_imports


@contextlib.contextmanager
def quiet_backend() -> Iterator[None]:
    """Import Keras and its backend in silence; inside, what an ensemble keeps as a note is not warned of as well."""

    with quiet_imports():
        import keras  # noqa: F401
    # Many small models in one process are what is meant here: Keras would warn of retracing.
    logger = logging.getLogger("tensorflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # An ensemble keeps its warnings as notes, which are shown with it.
            warnings.simplefilter("ignore", EnsembleWarning)
            yield
    finally:
        logger.setLevel(before)

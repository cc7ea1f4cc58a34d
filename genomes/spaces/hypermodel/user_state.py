"""The state of the user's program around what builds and trains models in its process: as it was before."""

from __future__ import annotations

import contextlib
import copy
import random
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from genomes.process_state import process_put_back
from genomes.replacement import replaced

#: Where Keras keeps its state; ``keras.utils.clear_session`` replaces both.
_TRACKERS = ("GLOBAL_STATE_TRACKER", "GLOBAL_SETTINGS_TRACKER")
#: What Keras counts in its global state: names of layers, and the seeds that it makes up.
_COUNTED = ("object_name_uids", "global_seed_generator")
#: Variables that were made within a stateless scope and wait for their values: each program gives them to its own.
_WAITING = ("uninitialized_variables",)


@contextlib.contextmanager
def state_put_back() -> Iterator[None]:
    """Inside, Keras counts names and seeds from the beginning; behind it, all of the program's state is as before.

    That is: Keras' counters, seeds, policies and scopes, ``keras.config``, the generators of ``random``,
    ``numpy.random``, TensorFlow and torch, and what a process has one of (:mod:`genomes.process_state`). Not put back
    are variables of the user's own.
    """
    import keras
    from keras.src.backend.common import global_state

    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    settings = keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format()
    trackers = {name: _uncounted(getattr(global_state, name)) for name in _TRACKERS if hasattr(global_state, name)}
    with process_put_back(), replaced(global_state, trackers), _tensorflow_put_back(), _torch_put_back():
        try:
            yield
        finally:
            keras.config.set_floatx(settings[0])
            keras.config.set_epsilon(settings[1])
            keras.config.set_image_data_format(settings[2])
            random.setstate(python_state)
            np.random.set_state(numpy_state)  # noqa: NPY002


def _uncounted(tracker: Any) -> Any:
    fresh = threading.local()
    kept = {key: value for key, value in vars(tracker).items() if key not in (*_COUNTED, *_WAITING)}
    # Lists are copied: what is appended to one inside is not the user's.
    vars(fresh).update(
        {key: copy.copy(value) if type(value) in (list, dict, set) else value for key, value in kept.items()}
    )
    return fresh


@contextlib.contextmanager
def _tensorflow_put_back() -> Iterator[None]:
    """The global seed, what was drawn from it, and whether operations are deterministic."""
    if "tensorflow" not in sys.modules:
        yield
        return
    from tensorflow.python.eager import context
    from tensorflow.python.framework import config

    found = context.context()
    seeds = {name: copy.copy(getattr(found, name, None)) for name in ("_seed", "_rng")}
    deterministic = config.is_op_determinism_enabled()
    try:
        with replaced(found, seeds):
            yield
    finally:
        if not deterministic and config.is_op_determinism_enabled():
            config.disable_op_determinism()


@contextlib.contextmanager
def _torch_put_back() -> Iterator[None]:
    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_rng_state()
    try:
        yield
    finally:
        if torch is not None:
            torch.set_rng_state(before)

"""The state of the user's program around a call of the user's own ``build``: as it was before."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

#: Where Keras keeps its state; ``keras.utils.clear_session`` replaces both.
_TRACKERS = ("GLOBAL_STATE_TRACKER", "GLOBAL_SETTINGS_TRACKER")
#: What Keras counts in its global state: names of layers, and the seeds that it makes up.
_COUNTED = ("object_name_uids", "global_seed_generator")


@contextlib.contextmanager
def state_put_back() -> Iterator[None]:
    """Inside, Keras counts names and seeds from the beginning; behind it, all of the program's state is as before.

    That is: Keras' counters, policies and scopes, ``keras.config``, and the generators of ``random`` and
    ``numpy.random``. Not put back are variables of the user's own.
    """
    import keras
    from keras.src.backend.common import global_state

    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    settings = keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format()
    kept: dict[str, Any] = {name: getattr(global_state, name) for name in _TRACKERS if hasattr(global_state, name)}
    for name, tracker in kept.items():
        fresh = threading.local()
        vars(fresh).update({key: value for key, value in vars(tracker).items() if key not in _COUNTED})
        setattr(global_state, name, fresh)
    try:
        yield
    finally:
        for name, tracker in kept.items():
            setattr(global_state, name, tracker)
        keras.config.set_floatx(settings[0])
        keras.config.set_epsilon(settings[1])
        keras.config.set_image_data_format(settings[2])
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002

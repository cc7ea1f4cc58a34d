"""What belongs to the user's program in a process, as values that can be compared."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import random
import signal
import socket
import sys
import threading
import warnings
from typing import Any

import keras
import matplotlib as mpl
import numpy as np
import pandas as pd
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework import config as framework_config


def users_globals() -> dict[str, Any]:
    """Everything that an entry point of evo must leave as it was; by name."""
    from keras.src.backend.common import global_state

    loggers = [
        logging.getLogger(name) for name in ("", "tensorflow", "absl", "keras", "matplotlib", "evo", "py.warnings")
    ]
    found = context.context()
    return {
        "keras": {
            "policy": keras.config.dtype_policy().name,
            "floatx": keras.config.floatx(),
            "epsilon": keras.config.epsilon(),
            "image data format": keras.config.image_data_format(),
            "backend": keras.config.backend(),
            "distribution": keras.distribution.distribution(),
            "logging": keras.config.is_interactive_logging_enabled(),
            "tracebacks": keras.config.is_traceback_filtering_enabled(),
            "registered": sorted(keras.saving.get_custom_objects()),
            "state": id(global_state.GLOBAL_STATE_TRACKER),
            "names": dict(vars(global_state.GLOBAL_STATE_TRACKER).get("object_name_uids") or {}),
            "seed": global_state.get_global_attribute("global_random_seed"),
            "drawn": _drawn(global_state.get_global_attribute("global_seed_generator")),
        },
        "random": random.getstate(),
        "numpy": [str(part) for part in np.random.get_state()],  # noqa: NPY002
        "numpy settings": (np.geterr(), np.get_printoptions()),
        "tensorflow": {
            "seed": found._seed,
            "drawn": None if found._rng is None else found._rng.getstate(),
            "threads": (
                tf.config.threading.get_intra_op_parallelism_threads(),
                tf.config.threading.get_inter_op_parallelism_threads(),
            ),
            "graph optimizer": tf.config.optimizer.get_experimental_options(),
            "xla": tf.config.optimizer.get_jit(),
            "eager": (tf.config.functions_run_eagerly(), tf.executing_eagerly()),
            "deterministic": framework_config.is_op_determinism_enabled(),
            "soft placement": tf.config.get_soft_device_placement(),
            "strategy": tf.distribute.has_strategy(),
        },
        "logging": [(logger.level, list(logger.handlers), list(logger.filters)) for logger in loggers],
        "logging disabled": logging.root.manager.disable,
        "warnings": list(warnings.filters),
        "environment": dict(os.environ),
        "signals": {int(number): signal.getsignal(number) for number in signal.valid_signals()},
        "blocked signals": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "process": (os.getcwd(), _umask(), sys.getrecursionlimit(), socket.getdefaulttimeout()),
        "python": (list(sys.path), list(sys.argv), sys.stdout, sys.stderr, sys.excepthook, threading.excepthook),
        "main": sys.modules["__main__"],
        "garbage": (gc.isenabled(), gc.get_threshold()),
        "start method": multiprocessing.get_start_method(allow_none=True),
        "plots": (mpl.get_backend(), dict(mpl.rcParams)),
        "tables": pd.get_option("display.max_rows"),
    }


def differences(before: Any, after: Any, place: str = "") -> list[str]:
    """Places at which two of them differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = [*before, *(name for name in after if name not in before)]
        return [line for name in names for line in differences(before.get(name), after.get(name), f"{place}/{name}")]
    return [] if before == after else [f"{place}: {str(before)[:200]} became {str(after)[:200]}"]


def _drawn(generator: Any) -> list[int] | None:
    return None if generator is None else np.asarray(generator.state).tolist()


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask

"""What belongs to the user's program in a process, as values that can be compared."""

from __future__ import annotations

import decimal
import faulthandler
import gc
import locale
import logging
import multiprocessing
import os
import random
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from typing import Any

import absl.logging
import keras
import matplotlib as mpl
import numpy as np
import pandas as pd
import sklearn
import tensorflow as tf
import threadpoolctl
from matplotlib import pyplot
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
        "tables": {
            name: str(pd.get_option(name)) for name in ("display.max_rows", "display.precision", "io.excel.xlsx.reader")
        },
        "figures": (list(pyplot.get_fignums()), pyplot.isinteractive()),
        "scikit-learn": sklearn.get_config(),
        "absl": (absl.logging.get_verbosity(), absl.logging.get_absl_handler().python_handler.stream),
        "warnings are shown": (warnings.showwarning, warnings.formatwarning),
        "numbers and texts": (locale.setlocale(locale.LC_ALL), decimal.getcontext().prec, time.tzname),
        "interpreter": (sys.getswitchinterval(), sys.displayhook, sys.unraisablehook, faulthandler.is_enabled()),
        "places": (tempfile.gettempdir(), sys.dont_write_bytecode, sys.flags.optimize),
        "machine": (sorted(os.sched_getaffinity(0)), os.nice(0), _limits()),
        "threads of libraries": {
            pool["filepath"]: pool["num_threads"]
            for pool in threadpoolctl.threadpool_info()
            if pool["user_api"] == "blas"
        },
        "patched": [vars(kind).get(name) for kind, name in _PATCHED],
    }


#: What evo replaces for a while, in Keras and elsewhere.
_PATCHED = [
    *((keras.Layer, name) for name in ("__call__", "__init__", "add_weight")),
    *((keras.Variable, name) for name in ("__init__", "_initialize_with_initializer", "assign")),
    *((keras.Model, name) for name in ("fit", "compile", "evaluate", "predict")),
    *((keras.optimizers.Optimizer, name) for name in ("apply", "build", "finalize_variable_values")),
]


def _limits() -> list[tuple[int, int]]:
    names = ("RLIMIT_AS", "RLIMIT_DATA", "RLIMIT_NOFILE", "RLIMIT_CORE", "RLIMIT_STACK")
    return [resource.getrlimit(getattr(resource, name)) for name in names]


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

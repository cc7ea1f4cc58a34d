"""Imported once by the fork server, before any worker: what every worker needs, and nothing computed."""

from __future__ import annotations

import gc
import warnings

from evo.workers.entry import die_with_parent, quiet_imports
from evo.workers.process_group import adopt_orphans
from evo.workers.starting import keras_backend

die_with_parent()
# What workers leave behind is reaped here, and the fork server wonders whose child that was.
adopt_orphans()
warnings.filterwarnings("ignore", message="forkserver: waitpid returned unexpected pid")
if keras_backend() == "tensorflow":
    with quiet_imports():
        import h5py  # noqa: F401
        import keras  # noqa: F401
        import tensorflow  # noqa: F401

        import evo.training.backends.tensorflow.engine
        import evo.training.trial  # noqa: F401
        import genomes.spaces  # noqa: F401

# What is imported stays: collecting garbage there would only copy its memory pages into every worker.
gc.collect()
gc.freeze()

"""Settings of all tests: one thread, quiet backends, the same examples in every run."""

from __future__ import annotations

import os
import tempfile

# Before anything imports a backend: results of training depend on the number of threads.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# What this user has run (evo.commands.known_jobs) is not for tests to say.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="evo-tests-")

from hypothesis import HealthCheck, settings

# Derandomised, without a deadline and without a database: no test depends on a machine's speed
# or on what an earlier run found. `--hypothesis-profile=thorough` looks further.
settings.register_profile(
    "deterministic",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "thorough", parent=settings.get_profile("deterministic"), derandomize=False, max_examples=1000
)
settings.load_profile("deterministic")

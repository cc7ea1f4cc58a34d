"""What a process has one of, and any code may change: put back behind what was not written here."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator

import numpy as np

from genomes.replacement import replaced

#: Blocks of :func:`new_garbage_alone` that are open.
_alone = 0


@contextlib.contextmanager
def process_put_back() -> Iterator[None]:
    """Behind the ``with`` block, as before it: environment, current folder, ``sys.path``, standard streams, mask of
    signals of this thread, how NumPy treats floating-point errors, and how processes are started by default.
    """
    environment, folder, path = dict(os.environ), _current_folder(), list(sys.path)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ()) if hasattr(signal, "pthread_sigmask") else None
    streams = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}
    with replaced(sys, streams), np.errstate(), start_method_put_back():
        try:
            yield
        finally:
            for name in [name for name in os.environ if name not in environment]:
                del os.environ[name]
            os.environ.update({name: value for name, value in environment.items() if os.environ.get(name) != value})
            if folder is not None and _current_folder() != folder:
                with contextlib.suppress(OSError):  # it is gone
                    os.chdir(folder)
            sys.path[:] = path
            if mask is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextlib.contextmanager
def start_method_put_back() -> Iterator[None]:
    """Behind the ``with`` block, the default way to start processes is as before it, also if it was not chosen yet.

    Whatever asks for the default, as joblib does, chooses it: ``multiprocessing.set_start_method`` is an error then.
    """
    before = multiprocessing.get_start_method(allow_none=True)
    try:
        yield
    finally:
        if multiprocessing.get_start_method(allow_none=True) != before:
            multiprocessing.set_start_method(before, force=True)


@contextlib.contextmanager
def new_garbage_alone() -> Iterator[None]:
    """Inside, a full collection looks at objects alone that were made inside; what was there before is not freed.

    With Keras and its backend loaded a collection takes .3 seconds and more otherwise. Nothing changes where the
    program has frozen its objects itself.
    """
    global _alone
    # Asked once, by the outermost block: frozen objects are counted one by one.
    ours = not _alone and not gc.get_freeze_count()
    if ours:
        gc.freeze()
    _alone += 1
    try:
        yield
    finally:
        _alone -= 1
        if ours:
            gc.unfreeze()


def _current_folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None

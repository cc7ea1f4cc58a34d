"""A call on its way to a worker process, as bytes: what cannot be sent, or not be received, is told by name.

A process pool that unpickles a call itself dies of a module that cannot be imported there, and all that its caller
hears is that it died.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from multiprocessing.reduction import ForkingPickler
from typing import Any

from evo.core.errors import InfrastructureError
from evo.workers.process_group import mark_again


def pack_call(call: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
    """A call as bytes.

    Raises:
        InfrastructureError: something of it cannot be pickled: a lambda, a class of a function's inside.
    """
    try:
        return bytes(ForkingPickler.dumps((call, args, dict(kwargs))))
    except Exception as error:
        raise InfrastructureError(
            f"workers are other processes, and what they need cannot be sent to them: {_told(error)}. Define functions "
            "and classes at the top level of a module, or give executor=evo.workers.Serial()"
        ) from error


def do_packed_call(packed: bytes) -> Any:
    """Do a call that :func:`pack_call` packed, in a worker.

    Raises:
        InfrastructureError: the worker cannot import something of it.
    """
    mark_again()
    try:
        call, args, kwargs = pickle.loads(packed)
    except (Exception, SystemExit) as error:
        # Not `from error`: what cannot be unpickled here may be an error that cannot be pickled.
        raise InfrastructureError(
            f"a worker process cannot import what it needs: {_told(error)}. A module of your own must be importable "
            "from the folder or the package in which the program was started"
        ) from None
    return call(*args, **kwargs)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"

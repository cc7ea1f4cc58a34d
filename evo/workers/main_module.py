"""The driver's main module in a worker: imported only where it is needed, and only up to the campaign.

:mod:`multiprocessing` runs the driver's script again in every new process, so
that scripts without ``if __name__ == "__main__":`` would start campaigns in
their workers, without end. Here a worker leaves the script alone, unless genes
or functions that it needs are defined there; then it runs the script up to the
first campaign, and no further.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import multiprocessing.spawn
import os
import sys
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from genomes.process_state import start_method_put_back

_leave_out = threading.local()
_importing = False
_get_preparation_data = multiprocessing.spawn.get_preparation_data


class _EndOfMain(BaseException):
    """Ends the import of a main module that would start a campaign next; no ``except Exception`` catches it."""


def _preparation_data(name: str) -> dict[str, Any]:
    if not getattr(_leave_out, "main", False):
        return _get_preparation_data(name)
    with start_method_put_back():  # the child is told the default, which asking for it would choose
        data = _get_preparation_data(name)
    data.pop("init_main_from_path", None)
    data.pop("init_main_from_name", None)
    return data


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Processes that this thread starts inside the ``with`` block do not import the main module."""
    multiprocessing.spawn.get_preparation_data = _preparation_data
    _leave_out.main = True
    try:
        yield
    finally:
        _leave_out.main = False


def main_needed(call: Callable[..., Any]) -> tuple[str, str] | None:
    """How a worker finds the main module, where it needs it.

    Args:
        call: the function that the worker is to call.

    Returns:
        ``("path", FILE)`` or ``("name", MODULE)``; None where nothing of it is needed, or it has no source.
    """
    own = getattr(call, "__module__", None) == "__main__"
    for module, name in (("genomes.gene", "Gene"), ("genomes.spaces.base", "Space")):
        if module in sys.modules:
            registry = getattr(sys.modules[module], name).registry
            own = own or any(kind.__module__ == "__main__" for kind in registry.values())
    if not own:
        return None
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name and not spec.name.endswith("__main__"):
        return "name", spec.name
    path = getattr(main, "__file__", None)
    return None if path is None or not os.path.isfile(path) else ("path", os.path.abspath(path))


def import_main(kind: str, where: str) -> None:
    """In a worker: run the driver's main module up to its end, or to the first campaign that it makes.

    What it prints is dropped; an error in it is left to whoever misses what it should have defined.
    """
    global _importing
    module = types.ModuleType("__mp_main__")
    if kind == "name":
        spec = importlib.util.find_spec(where)
        if spec is None or spec.loader is None or spec.origin is None:
            return
        module.__spec__, module.__package__ = spec, spec.parent
        where = spec.origin
    module.__file__ = where
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    _importing = True
    try:
        code = compile(Path(where).read_bytes(), where, "exec")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(_EndOfMain, Exception):
            exec(code, module.__dict__)
    finally:
        _importing = False


def end_of_main() -> None:
    """Called where a campaign begins: ends the import of the main module in a worker; does nothing elsewhere."""
    if _importing:
        raise _EndOfMain

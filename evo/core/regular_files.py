"""Files that may come from somebody else, opened as what they should be: no link, no pipe, no device."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO

#: Most bytes of a file that is read whole, where its reader names no other bound.
_MOST_BYTES = 2**28


def open_regular(path: str | os.PathLike[str]) -> IO[bytes]:
    """A file opened for reading that is one. A pipe, which another process may never write to, is not waited for.

    Raises:
        OSError: it is a link, a pipe, a device or a folder, or cannot be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(Path(path), flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return os.fdopen(descriptor, "rb")


def bytes_of(path: str | os.PathLike[str], most: int = _MOST_BYTES) -> bytes:
    """The bytes of a small file, by :func:`open_regular`.

    Args:
        path: the file.
        most: bytes beyond which it is not read.

    Raises:
        OSError: as :func:`open_regular`, or it is larger.
    """
    with open_regular(path) as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most / 2**20:,.0f} MB", str(path))
    return found

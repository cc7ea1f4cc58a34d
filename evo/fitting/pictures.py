"""Pictures in folders: one folder per class, files of any size and kind, as one array."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
#: Longest side that pictures are given by default, in pixels.
LONGEST_SIDE = 64


def picture_files(folder: Path) -> list[Path]:
    """The pictures in a folder and the folders in it, in order of their names.

    Raises:
        DataError: there are none.
    """
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file() and p.name[0] != ".")
    if not found:
        raise DataError(f"data: {folder} holds no pictures ({', '.join(SUFFIXES)})")
    return found


def labelled_pictures(folder: Path) -> tuple[np.ndarray, np.ndarray, str]:
    """Pictures of a folder that has one folder per class.

    Returns:
        The pictures, uint8 (rows, height, width, channels); the names of their folders (rows,); and one line that says
        how they were made alike.

    Raises:
        DataError: fewer than two folders with pictures, or a file that is no picture.
    """
    files = [path for path in picture_files(folder) if path.parent != folder]
    labels = np.array([path.relative_to(folder).parts[0] for path in files])
    if len(set(labels.tolist())) < 2:
        raise DataError(f"data: {folder} needs a folder of pictures for each class, two or more; give such a folder")
    sizes = [_size(path) for path in files]
    width, height = (int(np.median([size[axis] for size in sizes])) for axis in (0, 1))
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    channels = 3 if any(size[2] for size in sizes) else 1
    line = (
        f"pictures: {len(files)}, each scaled to {width} x {height} pixels (the median size, the longer side at most "
        f"{LONGEST_SIDE}), in {'colour' if channels == 3 else 'grey'}; what is transparent becomes white"
    )
    return read_pictures(files, (height, width, channels)), labels, line


def read_pictures(files: Sequence[Path], shape: tuple[int, ...]) -> np.ndarray:
    """Pictures scaled to one shape: uint8 (rows, height, width, channels).

    Raises:
        DataError: a file that is no picture.
    """
    height, width, channels = shape
    found = np.empty((len(files), height, width, channels), np.uint8)
    for row, path in enumerate(files):
        with _opened(path) as picture:
            try:
                flat = _on_white(picture).convert("RGB" if channels == 3 else "L")
                found[row] = np.asarray(flat.resize((width, height), 2)).reshape(height, width, channels)
            except Exception as error:  # of whatever part of Pillow reads it
                raise DataError(f"data: {path} cannot be read as a picture: {error}") from None
    return found


def _opened(path: Path) -> Any:
    from PIL import Image

    try:
        return Image.open(path)
    except Exception as error:  # SyntaxError, struct.error, a picture that is larger than Pillow takes
        raise DataError(f"data: {path} cannot be read as a picture: {error}") from None


def _size(path: Path) -> tuple[int, int, bool]:
    """Width, height, and whether it has colours."""
    with _opened(path) as picture:
        coloured = picture.mode not in ("1", "L", "LA", "I", "F", "I;16")
        return picture.width, picture.height, coloured


def _on_white(picture: Any) -> Any:
    from PIL import Image

    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        below = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(below, layer).convert("RGB")
    return picture.point(lambda value: value / 256).convert("L") if picture.mode.startswith("I") else picture

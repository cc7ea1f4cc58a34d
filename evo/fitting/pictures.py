"""Pictures in folders: one folder per class, files of any size and kind, as one array."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import DataError
from genomes.targets.labels import in_words

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
#: What folders are called that hold a split, each with a folder per class.
_ROLES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
#: Cameras store how they were held in place of turning the picture: the number of the entry, and what stands for
#: a quarter turn.
_ORIENTATION, _ON_ITS_SIDE = 274, (5, 6, 7, 8)
#: How files of pictures begin, where they stand in a table: PNG, JPEG, GIF, TIFF, and WebP after its length. A bitmap
#: begins as the name of a car does.
_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")
_WEBP = re.compile(rb"RIFF....WEBP", re.DOTALL)
#: A picture: its file, that file's bytes, or one of Pillow's.
Source = Any
_GREY = ("1", "L", "LA", "I", "F", "I;16")
#: Longest side that pictures are given by default, in pixels.
LONGEST_SIDE = 64


def picture_files(folder: Path) -> list[Path]:
    """The pictures in a folder and the folders in it, in order of their names.

    Raises:
        DataError: there are none.
    """
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        # What programs keep for themselves: .git, .ipynb_checkpoints, what a Mac packs beside the files.
        and not any(part[0] == "." or part == "__MACOSX" for part in path.relative_to(folder).parts)
    )
    if not found:
        raise DataError(f"data: {folder} holds no pictures ({', '.join(SUFFIXES)})")
    return found


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures of folders that are their classes.

    Attributes:
        pictures: uint8 (rows, height, width, channels).
        labels: the names of their folders, (rows,).
        validation: numbers of the rows to judge by, where there is a folder of such; else None.
        lines: how they were made alike, and what was left aside.
    """

    pictures: np.ndarray
    labels: np.ndarray
    validation: np.ndarray | None
    lines: tuple[str, ...]


def labelled_pictures(folder: Path) -> LabelledPictures:
    """Pictures of a folder that has one folder per class, or folders ``train`` and ``validation`` or ``test`` of such.

    Of the latter the training and validation pictures are taken; those to test by are left aside.

    Raises:
        DataError: fewer than two folders with pictures, or a file that is no picture.
    """
    parts = _parts(folder)
    files, labels = labelled_files(parts["train"])
    judged, lines = None, []
    if "validation" in parts:
        more, called = labelled_files(parts["validation"])
        judged = np.arange(len(files), len(files) + len(more))
        files, labels = [*files, *more], np.concatenate([labels, called])
        lines.append(f"pictures in {parts['validation'].name} are judged by")
    if "test" in parts:
        lines.append(f"pictures in {parts['test'].name} are left aside, to evaluate by")
    try:
        pictures, line = alike(files)
    except DataError:  # then every file is read once more, to leave out what is broken
        sound = np.array([is_picture(path) for path in files])
        broken = [path.relative_to(folder).as_posix() for path, kept in zip(files, sound, strict=True) if not kept]
        lines.append(f"left out: {in_words(broken, 3)}: cannot be read as pictures")
        files, labels = [path for path, kept in zip(files, sound, strict=True) if kept], labels[sound]
        judged = None if judged is None else np.flatnonzero((np.cumsum(sound) - 1)[sound] >= sound[: judged[0]].sum())
        if len(set(labels.tolist())) < 2:
            raise DataError(
                f"data: {folder}: {in_words(broken, 3)} cannot be read as pictures; two classes are needed"
            ) from None
        pictures, line = alike(files)
    return LabelledPictures(pictures, labels, judged, (line, *lines))


def alike(files: Sequence[Source]) -> tuple[np.ndarray, str]:
    """Pictures of any sizes scaled to their median size, and one line that says so.

    Raises:
        DataError: a file that is no picture.
    """
    sizes = [_size(path) for path in files]
    width, height = (int(np.median([size[axis] for size in sizes])) for axis in (0, 1))
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    channels = 3 if any(size[2] for size in sizes) else 1
    line = (
        f"pictures: {len(files)}, each scaled to {width} x {height} pixels (the median size, the longer side at most "
        f"{LONGEST_SIDE}), in {'colour' if channels == 3 else 'grey'}; what is transparent becomes white"
    )
    return read_pictures(files, (height, width, channels)), line


def is_picture(path: Source) -> bool:
    """Whether a file can be read as a picture, to its end."""
    try:
        with _opened(path) as picture:
            picture.load()
    except Exception:  # of whatever part of Pillow reads it
        return False
    return True


def pictures_in(values: Any, place: Path | None, name: str) -> list[Source] | None:
    """The pictures that a column holds, or names by their paths; None where values are neither.

    Pictures are those of Pillow, files' bytes, and what Hugging Face makes of either, ``{"bytes": ..., "path": ...}``.

    Args:
        values: one per row.
        place: the folder of the file in which they stand, from which they may be told, too.
        name: what errors call the column.

    Raises:
        DataError: some are files, others are not.
    """
    first = next(iter(values), None) if isinstance(values, (list, tuple)) or hasattr(values, "dtype") else None
    if first is None or np.ndim(values[:1] if isinstance(values, np.ndarray) else ()) > 1:
        return None
    if _held(first) is not None:
        held = [_held(value) for value in values]
        if any(source is None for source in held):
            raise DataError(f"{name}: row {held.index(None)} holds no picture, but others do")
        return held
    if not isinstance(first, (str, os.PathLike)):
        return None
    array = np.asarray(values)
    if not all(isinstance(value, (str, os.PathLike)) and Path(value).suffix.lower() in SUFFIXES for value in array):
        return None
    found: list[Any] = [Path(value) for value in array]
    if place is not None:
        found = [path if path.is_file() else place / path for path in found]
    there = [path.is_file() for path in found]
    if not any(there):
        return None
    if not all(there):
        raise DataError(f"{name}: there is no file {array[there.index(False)]}, but {sum(there)} of {len(there)} are")
    return found


def _held(value: Any) -> Source | None:
    """A picture that is a value itself; None for anything else."""
    if isinstance(value, Mapping) and set(value) == {"bytes", "path"}:
        return value["bytes"] if value["bytes"] is not None else Path(value["path"])
    picture = hasattr(value, "getexif") and hasattr(value, "convert")
    encoded = isinstance(value, bytes) and (value.startswith(_STARTS) or _WEBP.match(value) is not None)
    return value if picture or encoded else None


def labelled_files(folder: Path) -> tuple[list[Path], np.ndarray]:
    """Pictures of a folder that has one folder per class, and the names of their folders, (rows,).

    Raises:
        DataError: fewer than two folders with pictures.
    """
    files = [path for path in picture_files(folder) if path.parent != folder]
    labels = np.array([path.relative_to(folder).parts[0] for path in files])
    if len(set(labels.tolist())) < 2:
        raise DataError(f"data: {folder} needs a folder of pictures for each class, two or more; give such a folder")
    return files, labels


def _parts(folder: Path) -> dict[str, Path]:
    """Folders of a split by what they are for; the folder itself, to train on, where its folders are classes."""
    found: dict[str, Path] = {}
    for inner in sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."):
        role = next((role for role, names in _ROLES.items() if inner.name.lower() in names), None)
        if role is None or role in found or not any(path.is_dir() for path in inner.iterdir()):
            return {"train": folder}
        found[role] = inner
    return found if len(found) > 1 and "train" in found else {"train": folder}


def read_pictures(files: Sequence[Source], shape: tuple[int, ...]) -> np.ndarray:
    """Pictures scaled to one shape: uint8 (rows, height, width, channels).

    Raises:
        DataError: a file that is no picture.
    """
    from PIL import ImageOps

    height, width, channels = shape
    found = np.empty((len(files), height, width, channels), np.uint8)
    for row, path in enumerate(files):
        with _opened(path) as picture:
            try:
                flat = _on_white(ImageOps.exif_transpose(picture)).convert("RGB" if channels == 3 else "L")
                found[row] = np.asarray(flat.resize((width, height), 2)).reshape(height, width, channels)
            except Exception as error:  # of whatever part of Pillow reads it
                raise _unreadable(path, error) from None
    return found


def _opened(path: Source) -> Any:
    from PIL import Image

    if hasattr(path, "getexif"):
        return path.copy()  # a user's own, which is not closed
    try:
        return Image.open(io.BytesIO(path) if isinstance(path, bytes) else path)
    except Exception as error:  # SyntaxError, struct.error, a picture that is larger than Pillow takes
        raise _unreadable(path, error) from None


def _unreadable(path: Source, error: Exception) -> DataError:
    name = path if isinstance(path, Path) else "a picture among the rows"
    return DataError(f"data: {name} cannot be read as a picture: {error}")


def _size(path: Source) -> tuple[int, int, bool]:
    """Width and height as it is looked at, and whether it has colours."""
    with _opened(path) as picture:
        try:
            on_its_side = picture.getexif().get(_ORIENTATION, 1) in _ON_ITS_SIDE  # a PNG is read to its end for it
        except Exception as error:  # of whatever part of Pillow reads it
            raise _unreadable(path, error) from None
        size = (picture.height, picture.width) if on_its_side else (picture.width, picture.height)
        return *size, picture.mode not in _GREY


def _on_white(picture: Any) -> Any:
    from PIL import Image

    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        below = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(below, layer).convert("RGB")
    if picture.mode not in ("I", "F") and not picture.mode.startswith("I;16"):
        return picture
    most = picture.getextrema()[1]
    scale = 255.0 if picture.mode == "F" and most <= 1 else 1.0
    if picture.mode not in ("I", "F") or most > 255:
        scale = 1 / 256
    return picture.point(lambda value: value * scale).convert("L")

"""Where benchmark data comes from: scikit-learn, ``keras.datasets``, a data folder, any NPZ or CSV file.

Every source gives a :class:`Source`: all rows that may be trained on, and a
test set, fixed once and for all. Nothing here depends on a run's seed.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Inputs = np.ndarray | Mapping[str, np.ndarray]

#: Environment variable that names the data folder.
DATA_VARIABLE = "EVO_DATA"
#: Share of rows that become the test set where a data set has no official one.
TEST_SHARE = 0.2


class TaskError(ValueError):
    """A benchmark task cannot be loaded as asked; the message says what was expected."""


@dataclass(frozen=True)
class Source:
    """A data set with its test rows set apart.

    Attributes:
        kind: ``image``, ``tabular``, ``text`` or ``timeseries``.
        target: ``binary``, ``multiclass`` or ``regression``.
        outputs: number of classes; 1 for regression.
        x: rows to train on: float32 images (rows, height, width, channels) in [0, 1]; float32
            tables (rows, columns), NaN where a value is missing; columns by name where some are
            categories (strings, "" where missing); strings; float32 series
            (rows, steps, channels), NaN after a series' end.
        y: int64 (rows,) classes from 0, or float64 (rows,) numbers.
        x_test: like ``x``.
        y_test: like ``y``.
    """

    kind: str
    target: str
    outputs: int
    x: Inputs
    y: np.ndarray
    x_test: Inputs
    y_test: np.ndarray


def rows(x: Inputs) -> int:
    """Number of rows of inputs."""
    return len(next(iter(x.values()))) if isinstance(x, Mapping) else len(x)


def take(x: Inputs, index: np.ndarray) -> Inputs:
    """Some rows of inputs."""
    return {name: column[index] for name, column in x.items()} if isinstance(x, Mapping) else x[index]


def data_folder(given: str | Path | None) -> Path | None:
    """The data folder: ``given``, else the environment variable ``EVO_DATA``, else None.

    Raises:
        TaskError: it is no folder.
    """
    named = given if given is not None else os.environ.get(DATA_VARIABLE)
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        origin = "--data" if given is not None else DATA_VARIABLE
        raise TaskError(f"{origin}: expected a folder, got {str(named)!r}")
    return folder


def _needed(folder: Path | None, path: str, name: str) -> Path:
    if folder is None:
        raise TaskError(f"task {name}: needs a folder with {path}; give --data DIR or set {DATA_VARIABLE}")
    if not (folder / path).is_file():
        raise TaskError(f"task {name}: expected the file {path} in the data folder")
    return folder / path


def split_rows(y: np.ndarray, share: float, seed: int, classes: bool) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the rest and of the part, stratified where the targets are classes."""
    from sklearn.model_selection import train_test_split

    index = np.arange(len(y))
    labels = y if classes and np.bincount(y).min(initial=2, where=np.bincount(y) > 0) >= 2 else None
    rest, part = train_test_split(index, test_size=share, random_state=seed, stratify=labels)
    return np.sort(rest), np.sort(part)


def with_test_rows(kind: str, target: str, outputs: int, x: Inputs, y: np.ndarray) -> Source:
    """A source whose test rows are a fixed, stratified fifth."""
    rest, test = split_rows(y, TEST_SHARE, 0, target != "regression")
    return Source(kind, target, outputs, take(x, rest), y[rest], take(x, test), y[test])


# -- scikit-learn ------------------------------------------------------------------------


def _digits(folder: Path | None) -> Source:
    from sklearn.datasets import load_digits

    data = load_digits()
    x = (data.images / 16.0).astype(np.float32)[..., np.newaxis]
    return with_test_rows("image", "multiclass", 10, x, data.target.astype(np.int64))


def _wine(folder: Path | None) -> Source:
    from sklearn.datasets import load_wine

    data = load_wine()
    x, y = data.data.astype(np.float32), data.target.astype(np.int64)
    return with_test_rows("tabular", "multiclass", 3, x, y)


def _breast_cancer(folder: Path | None) -> Source:
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    x, y = data.data.astype(np.float32), data.target.astype(np.int64)
    return with_test_rows("tabular", "binary", 2, x, y)


def _diabetes(folder: Path | None) -> Source:
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    x, y = data.data.astype(np.float32), data.target.astype(np.float64)
    return with_test_rows("tabular", "regression", 1, x, y)


# -- images ----------------------------------------------------------------------------


def _images(x_train: Any, y_train: Any, x_test: Any, y_test: Any) -> Source:
    def scaled(x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, dtype=np.float32) / np.float32(255)
        return x[..., np.newaxis] if x.ndim == 3 else x

    y, tests = (np.asarray(labels).reshape(-1).astype(np.int64) for labels in (y_train, y_test))
    return Source("image", "multiclass", int(y.max()) + 1, scaled(x_train), y, scaled(x_test), tests)


def _idx(path: Path) -> np.ndarray:
    """The array in a gzipped IDX file: two zero bytes, type, number of axes, the axes, the bytes."""
    raw = gzip.decompress(path.read_bytes())
    axes = raw[3]
    shape = np.frombuffer(raw, ">i4", axes, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape)


def _fashion_mnist(folder: Path | None) -> Source:
    local = None if folder is None else folder / "keras-home" / "datasets" / "fashion-mnist"
    if local is not None and local.is_dir():
        names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
        return _images(*(_idx(local / f"{name}-ubyte.gz") for name in names))
    import keras

    (x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
    return _images(x_train, y_train, x_test, y_test)


def _mnist(folder: Path | None) -> Source:
    if folder is not None and (folder / "images" / "mnist.npz").is_file():
        with np.load(folder / "images" / "mnist.npz", allow_pickle=False) as data:
            return _images(data["x_train"], data["y_train"], data["x_test"], data["y_test"])
    import keras

    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    return _images(x_train, y_train, x_test, y_test)


def _cifar10(folder: Path | None) -> Source:
    import keras

    (x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
    return _images(x_train, y_train, x_test, y_test)


# -- tables ----------------------------------------------------------------------------


def _is_number(column: pd.Series) -> bool:
    return bool(column.dtype.kind in "biuf")


def columns(frame: pd.DataFrame, missing: tuple[str, ...] = ("", "?")) -> Inputs:
    """A frame's columns as inputs: one float32 array if all are numbers, else a dict of arrays."""
    if all(_is_number(frame[name]) for name in frame):
        return frame.to_numpy(np.float32)
    found: dict[str, np.ndarray] = {}
    for name in frame:
        if _is_number(frame[name]):
            found[str(name)] = frame[name].to_numpy(np.float32)
        else:
            text = frame[name].fillna("").astype(str).str.strip()
            found[str(name)] = text.where(~text.isin(missing), "").to_numpy().astype(np.str_)
    return found


def _california_housing(folder: Path | None) -> Source:
    import pandas as pd

    path = None if folder is None else folder / "tabular" / "california_housing.csv"
    if path is not None and path.is_file():
        frame = pd.read_csv(path)
        y = frame.pop("median_house_value").to_numpy(np.float64) / 1e5
        return with_test_rows("tabular", "regression", 1, columns(frame), y)
    import keras

    (x_train, y_train), (x_test, y_test) = keras.datasets.california_housing.load_data()
    x = np.concatenate([x_train, x_test]).astype(np.float32)
    y = np.concatenate([y_train, y_test]).astype(np.float64) / 1e5
    return with_test_rows("tabular", "regression", 1, x, y)


def _letter(folder: Path | None) -> Source:
    import pandas as pd

    frame = pd.read_csv(_needed(folder, "tabular/letter_recognition.csv", "letter"))
    y = np.unique(frame.pop("letter").to_numpy().astype(np.str_), return_inverse=True)[1].astype(np.int64)
    return with_test_rows("tabular", "multiclass", 26, columns(frame), y)


def _official(frame: pd.DataFrame, kind: str, target: str, outputs: int, x: Inputs, y: np.ndarray) -> Source:
    """A source whose test rows are named by the column ``split``."""
    test = (frame["split"] == "test").to_numpy()
    rest, part = np.flatnonzero(~test), np.flatnonzero(test)
    return Source(kind, target, outputs, take(x, rest), y[rest], take(x, part), y[part])


def _adult(folder: Path | None) -> Source:
    import pandas as pd

    frame = pd.read_csv(_needed(folder, "tabular/adult.csv.gz", "adult"), keep_default_na=False)
    y = frame["income"].str.strip().str.startswith(">").to_numpy().astype(np.int64)
    return _official(frame, "tabular", "binary", 2, columns(frame.drop(columns=["income", "split"])), y)


def _sms_spam(folder: Path | None) -> Source:
    import pandas as pd

    frame = pd.read_csv(_needed(folder, "text/sms_spam.csv", "sms-spam"), keep_default_na=False)
    text = frame["text"].to_numpy().astype(np.str_)
    return _official(frame, "text", "binary", 2, text, frame["label"].to_numpy().astype(np.int64))


def _ended(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Series with NaN after their end."""
    x = np.array(x, dtype=np.float32)
    x[np.arange(x.shape[1])[np.newaxis, :] >= lengths[:, np.newaxis]] = np.nan
    return x


def _japanese_vowels(folder: Path | None) -> Source:
    path = _needed(folder, "timeseries/JapaneseVowels.npz", "japanese-vowels")
    with np.load(path, allow_pickle=False) as data:
        y, y_test = data["y_train"].astype(np.int64), data["y_test"].astype(np.int64)
        first = min(y.min(), y_test.min())
        x, x_test = _ended(data["x_train"], data["len_train"]), _ended(data["x_test"], data["len_test"])
        classes = int(y.max() - first) + 1
        return Source("timeseries", "multiclass", classes, x, y - first, x_test, y_test - first)


# -- any file --------------------------------------------------------------------------


def _classes_or_numbers(y: np.ndarray, y_test: np.ndarray) -> tuple[str, int, np.ndarray, np.ndarray]:
    """Floats that are no whole numbers make a regression; everything else classes, numbered in order."""
    both = np.concatenate([y, y_test])
    if both.dtype.kind == "f" and (both != np.round(both)).any():
        return "regression", 1, y.astype(np.float64), y_test.astype(np.float64)
    names, index = np.unique(both, return_inverse=True)
    if len(names) < 2:
        raise TaskError("y: expected at least two classes, or numbers that are not all whole")
    index = index.astype(np.int64)
    return "binary" if len(names) == 2 else "multiclass", len(names), index[: len(y)], index[len(y) :]


def _npz(path: Path) -> Source:
    with np.load(path, allow_pickle=False) as data:
        wanted = ("x_train", "y_train", "x_test", "y_test")
        if missing := [name for name in wanted if name not in data]:
            raise TaskError(f"{path.name}: expected the arrays {', '.join(wanted)}; {missing} missing")
        x, y, x_test, y_test = (data[name] for name in wanted)
    y, y_test = y.reshape(len(y), -1), y_test.reshape(len(y_test), -1)
    if y.shape[1] != 1 or len(x) != len(y) or len(x_test) != len(y_test):
        raise TaskError(f"{path.name}: expected one target per row and as many targets as inputs")
    target, outputs, labels, tests = _classes_or_numbers(y[:, 0], y_test[:, 0])
    if x.dtype.kind in "US":
        kind = "text"
        x, x_test = (part.astype(np.str_).reshape(-1) for part in (x, x_test))
    elif x.ndim == 4 or (x.ndim == 3 and x.dtype == np.uint8):
        kind, factor = "image", np.float32(1 / 255 if x.dtype == np.uint8 else 1)
        x, x_test = (part.astype(np.float32) * factor for part in (x, x_test))
        x, x_test = (part[..., np.newaxis] if part.ndim == 3 else part for part in (x, x_test))
    elif x.ndim in (2, 3):
        kind = "tabular" if x.ndim == 2 else "timeseries"
        x, x_test = (part.astype(np.float32) for part in (x, x_test))
    else:
        raise TaskError(f"{path.name}: x_train of shape {x.shape} is no image, series, table or text")
    return Source(kind, target, outputs, x, labels, x_test, tests)


def _csv(path: Path, target_column: str | None) -> Source:
    import pandas as pd

    frame = pd.read_csv(path)
    if target_column not in frame:
        names = ", ".join(map(str, frame.columns[:20]))
        raise TaskError(f"{path.name}: --target must name a column ({names}), got {target_column!r}")
    y = frame.pop(target_column)
    if y.isna().any():
        raise TaskError(f"{path.name}: the target {target_column!r} has {int(y.isna().sum())} missing values")
    raw = y.to_numpy() if _is_number(y) else y.astype(str).to_numpy().astype(np.str_)
    target, outputs, numbers, _ = _classes_or_numbers(raw, raw[:0])
    return with_test_rows("tabular", target, outputs, columns(frame), numbers)


#: Every named task.
NAMED: dict[str, Callable[[Path | None], Source]] = {
    "digits": _digits,
    "wine": _wine,
    "breast-cancer": _breast_cancer,
    "diabetes": _diabetes,
    "fashion-mnist": _fashion_mnist,
    "mnist": _mnist,
    "cifar10": _cifar10,
    "california-housing": _california_housing,
    "adult": _adult,
    "letter": _letter,
    "sms-spam": _sms_spam,
    "japanese-vowels": _japanese_vowels,
}


def read(name: str, data_dir: str | Path | None = None, target: str | None = None) -> Source:
    """The source of a named task, or of ``PATH.npz`` or ``PATH.csv``.

    Raises:
        TaskError: an unknown name, a file that is not there or not as expected.
    """
    if name in NAMED:
        return NAMED[name](data_folder(data_dir))
    path = Path(name)
    if path.suffix not in (".npz", ".csv"):
        raise TaskError(f"--task: expected one of {', '.join(NAMED)}, or PATH.npz, or PATH.csv; got {name!r}")
    if not path.is_file():
        raise TaskError(f"--task: there is no file {path.name!r} at the path given")
    return _npz(path) if path.suffix == ".npz" else _csv(path, target)

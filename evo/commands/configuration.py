"""What ``evo run`` is told: a TOML file with data, space, budget and settings of a campaign."""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo.core.budget import Budget
from evo.core.checks import known_names, share
from evo.core.errors import DataError, SettingsError
from evo.core.events import Callback, CampaignInfo
from evo.core.history import History
from genomes.targets import Target

if TYPE_CHECKING:
    import numpy as np

    from evo.data import Data
    from genomes.spaces.base import Space

#: File in a campaign's directory that says what a command began it with.
JOB_FILE = "job.json"
FORMAT = 1

_SECTIONS = ("imports", "data", "space", "campaign", "budget", "algorithm", "ensemble")
_DATA = ("file", "sklearn", "x", "y", "target", "drop", "test", "test_seed", "validation", "seed",
         "x_validation", "y_validation", "x_test", "y_test")  # fmt: skip
_ENSEMBLE = ("size", "method", "max_members", "max_parameters", "max_latency", "pooling", "temperature", "loss")
#: Arguments of a campaign that a file cannot give, or that have a section of their own.
_NOT_IN_FILE = (
    "budget", "algorithm", "executor", "callbacks", "training", "limits", "evaluate", "break_lock", "start_from",
)


@dataclass
class JobData:
    """Data of a job.

    Attributes:
        data: what the campaign trains and validates on.
        x_test: inputs kept aside; None if none were.
        y_test: their targets.
    """

    data: Data
    x_test: Any = None
    y_test: Any = None


@dataclass
class Job:
    """A campaign as a command line asks for it.

    Attributes:
        config: the content of the TOML file, with absolute paths.
        source: where it came from, for messages.
    """

    config: dict[str, Any]
    source: str

    def __post_init__(self) -> None:
        _known(self.config, _SECTIONS, "")
        for name in ("data", "space", "campaign", "budget", "algorithm", "ensemble"):
            section = self.config.setdefault(name, {})
            if not isinstance(section, dict):
                raise SettingsError(f"[{name}]: expected a table, got {section!r}")
        _known(self.config["data"], _DATA, "data")
        _known(self.config["ensemble"], _ENSEMBLE, "ensemble")
        _known(self.config["budget"], [f.name for f in fields(Budget)], "budget")
        imports = self.config.get("imports", [])
        if not isinstance(imports, list) or not all(isinstance(name, str) for name in imports):
            raise SettingsError(f"imports: expected a list of module names, got {imports!r}")
        if not self.config["budget"]:
            raise SettingsError(f"{self.source}: [budget] is missing: give epochs, trials or minutes")
        if "directory" in self.config["campaign"] and not isinstance(self.config["campaign"]["directory"], str):
            raise SettingsError(f"[campaign] directory: expected a path, got {self.config['campaign']['directory']!r}")
        given = [name for name in ("file", "sklearn") if name in self.config["data"]]
        if len(given) != 1:
            raise SettingsError(
                f"{self.source}: [data] needs one of file = \"....npz\" or \"....csv\", or sklearn = \"digits\"; "
                f"got {' and '.join(given) or 'none'}"
            )

    # -- reading -----------------------------------------------------------------------
    @classmethod
    def read(cls, path: str | Path) -> Job:
        """Read a TOML file; paths in it are relative to it.

        Raises:
            SettingsError: no such file, not TOML, or something in it that is not known.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
            config = tomllib.loads(text)
        except OSError as error:
            raise SettingsError(f"config: {path} cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"config: {path} is not valid TOML: {error}") from None
        data = config.get("data")
        if isinstance(data, dict) and isinstance(data.get("file"), str):
            data["file"] = str((path.parent / data["file"]).resolve())
        if str(path.parent.resolve()) not in sys.path:
            sys.path.insert(0, str(path.parent.resolve()))
        return cls(config, str(path))

    @classmethod
    def of_directory(cls, directory: str | Path) -> Job | None:
        """The job that a campaign in this directory was begun with; None if it was begun from Python.

        Raises:
            SettingsError: the file is damaged.
        """
        path = Path(directory) / JOB_FILE
        if not path.is_file():
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["format"] > FORMAT:
                raise SettingsError(f"{path} was written by a newer version of evo")
            for folder in found.get("path", []):
                if folder not in sys.path:
                    sys.path.insert(0, folder)
            return cls(found["config"], found["source"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"{path} is damaged ({error}): give the data by --config CONFIG.toml") from None

    def write(self, directory: str | Path) -> None:
        """Note the job in a campaign's directory, so that ``evo resume DIR`` needs nothing else."""
        path = Path(directory) / JOB_FILE
        folder = [] if self.source.startswith("evo ") else [str(Path(self.source).resolve().parent)]
        content = {"format": FORMAT, "source": self.source, "path": folder, "config": self.config}
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)

    # -- parts -------------------------------------------------------------------------
    def load_imports(self) -> None:
        """Import the modules that define genes of the user's own.

        Raises:
            SettingsError: one cannot be imported.
        """
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        for name in self.config.get("imports", []):
            try:
                importlib.import_module(name)
            except ImportError as error:
                raise SettingsError(f"imports: {name!r} cannot be imported: {error}") from None

    @property
    def directory(self) -> Path | None:
        """The campaign's directory, where the file names one."""
        found = self.config["campaign"].get("directory")
        return None if found is None else Path(found)

    @property
    def own_space(self) -> bool:
        """Whether the space is made by a function of the user's own."""
        return ":" in str(self.config["space"].get("kind"))

    def budget(self, **changes: Any) -> Budget:
        """The budget; ``changes`` that are not None replace limits."""
        limits = {**self.config["budget"], **{name: value for name, value in changes.items() if value is not None}}
        return Budget(**limits)

    def load(self) -> tuple[Space, JobData]:
        """The space and the data.

        Raises:
            SettingsError, DataError: what is named does not exist or does not fit.
        """
        self.load_imports()
        x, y, further = _load(self.config["data"], self.config["space"].get("kind"))
        split = _split(x, y, further, self.config["data"])
        return _space(self.config["space"], split.data), split

    def campaign_arguments(self) -> dict[str, Any]:
        """Keyword arguments of :class:`evo.Campaign` that the file gives.

        Raises:
            SettingsError: an unknown setting or algorithm.
        """
        from evo.campaign.arguments import campaign_names

        known = ["directory", *(name for name in campaign_names() if name not in _NOT_IN_FILE)]
        given = dict(self.config["campaign"])
        _known(given, known, "campaign")
        given.pop("directory", None)
        if self.config["algorithm"]:
            given["algorithm"] = _algorithm(self.config["algorithm"])
        return given

    @property
    def ensemble(self) -> dict[str, Any]:
        """Arguments of :meth:`evo.Result.ensemble`."""
        return dict(self.config["ensemble"])


class JobNote(Callback):
    """Notes the job in the campaign's directory once that exists."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def on_begin(self, info: CampaignInfo, history: History) -> None:
        self.job.write(info.directory)


# -- checks ----------------------------------------------------------------------------
def _known(given: Iterable[str], known: Iterable[str], section: str) -> None:
    known_names(given, known, f"[{section}] " if section else "")


def _share(section: Mapping[str, Any], name: str, default: float) -> float:
    return share(section.get(name, default), f"[data] {name}", whole=False)


# -- data ------------------------------------------------------------------------------
def _load(section: Mapping[str, Any], kind: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Inputs, targets, and the arrays of given splits by name."""
    if "sklearn" in section:
        return *_from_sklearn(section["sklearn"], kind), {}
    path = Path(str(section["file"]))
    if not path.is_file():
        raise DataError(f"[data] file: {path} does not exist")
    if path.suffix == ".npz":
        return _from_npz(path, section)
    if path.suffix in (".csv", ".tsv"):
        return *_from_table(path, section), {}
    raise DataError(f"[data] file: expected an .npz, .csv or .tsv file, got {path.name}")


def _from_sklearn(name: Any, kind: Any) -> tuple[Any, Any]:
    import numpy as np
    from sklearn import datasets

    loaders = {
        "digits": datasets.load_digits, "iris": datasets.load_iris, "wine": datasets.load_wine,
        "breast_cancer": datasets.load_breast_cancer, "diabetes": datasets.load_diabetes,
    }  # fmt: skip
    if name not in loaders:
        raise DataError(f"[data] sklearn: expected one of {', '.join(loaders)}, got {name!r}")
    found = loaders[name]()
    if name == "digits" and kind == "image":
        return np.asarray(found.images, dtype=np.float32)[..., None], np.asarray(found.target)
    return np.asarray(found.data, dtype=np.float32), np.asarray(found.target)


def _from_npz(path: Path, section: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            names = set(file.files)
            wanted = {part: str(section.get(part, part)) for part in ("x", "y")}
            if "x" not in section and "x" not in names and "x_train" in names:
                wanted = {"x": "x_train", "y": str(section.get("y", "y_train"))}
            wanted |= {part: str(section[part]) for part in ("x_validation", "y_validation", "x_test", "y_test")
                       if part in section}  # fmt: skip
            missing = [name for name in wanted.values() if name not in names]
            if missing:
                raise DataError(
                    f"[data] {path.name} holds no array {missing[0]!r}; it holds {', '.join(sorted(names)) or 'none'}"
                )
            arrays = {part: file[name] for part, name in wanted.items()}
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"[data] file: {path} cannot be read: {error}") from None
    return arrays.pop("x"), arrays.pop("y"), arrays


def _from_table(path: Path, section: Mapping[str, Any]) -> tuple[Any, Any]:
    import numpy as np
    import pandas

    try:
        table = pandas.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")
    except (OSError, ValueError) as error:
        raise DataError(f"[data] file: {path} cannot be read: {error}") from None
    target = section.get("target")
    if target is None:
        raise DataError(f"[data] target: name the column to predict; {path.name} has {', '.join(table.columns)}")
    drop = section.get("drop", [])
    for name in [target, *drop]:
        if name not in table.columns:
            raise DataError(f"[data] {path.name} has no column {name!r}; it has {', '.join(table.columns)}")
    y = table[target].to_numpy()
    if table[target].isna().any():
        raise DataError(f"[data] target: {int(table[target].isna().sum())} rows of {target!r} are empty")
    if y.dtype.kind not in "biuf":
        # Words become numbers in alphabetical order.
        y = np.unique(y.astype(str), return_inverse=True)[1]
    return table.drop(columns=[target, *drop]), y


def _split(x: Any, y: Any, further: Mapping[str, Any], section: Mapping[str, Any]) -> JobData:
    """Keep the test rows aside, then let :class:`evo.Data` split off the validation rows."""
    from evo.data import Data

    x_test, y_test = further.get("x_test"), further.get("y_test")
    test = _share(section, "test", 0.0)
    if test and x_test is not None:
        raise SettingsError("[data] test: a share of the rows and x_test exclude each other")
    if test:
        train, kept = test_split(y, test, int(section.get("test_seed", 0)))
        x_test, y_test = _rows(x, kept), y[kept]
        x, y = _rows(x, train), y[train]
    seed = int(section.get("seed", 0))
    if "x_validation" in further:
        data = Data(x, y, validation=(further["x_validation"], further["y_validation"]), seed=seed)
    else:
        data = Data(x, y, validation=section.get("validation", 0.2), seed=seed)
    return JobData(data, x_test, y_test)


def test_split(y: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted row numbers for training and for the test, by class where the targets are classes.

    Args:
        y: targets, one per row.
        share: share of the rows kept for the test.
        seed: seed of the split.
    """
    import numpy as np
    from sklearn.model_selection import train_test_split

    classes, counts = np.unique(y, return_counts=True)
    are_classes = y.ndim == 1 and y.dtype.kind in "biuUSO" and len(classes) < len(y) / 5 and counts.min() > 1
    stratify = y if are_classes else None
    try:
        train, kept = train_test_split(np.arange(len(y)), test_size=share, random_state=seed, stratify=stratify)
    except ValueError as error:
        raise DataError(f"[data] test: {error}") from None
    return np.sort(train), np.sort(kept)


def _rows(x: Any, rows: np.ndarray) -> Any:
    return x.iloc[rows] if hasattr(x, "iloc") else x[rows]


# -- space and algorithm -----------------------------------------------------------------
def _space(section: Mapping[str, Any], data: Data) -> Space:
    """The space that the section names, with what it can learn from the data filled in."""
    import numpy as np

    from genomes import spaces
    from genomes.errors import GenomeError

    given = dict(section)
    kind = given.pop("kind", None)
    premade = sorted(set(spaces.__all__) - {"vector", "from_hypermodel"})
    if isinstance(kind, str) and ":" in kind:
        module, _, name = kind.partition(":")
        try:
            make = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise SettingsError(f"[space] kind: {kind!r} cannot be imported: {error}") from None
    elif kind in premade:
        make = getattr(spaces, kind)
    else:
        raise SettingsError(f"[space] kind: expected one of {', '.join(premade)}, or module:function; got {kind!r}")
    known = inspect.signature(make).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        _known(given, known, "space")
    if "input_shape" in known and "input_shape" not in given and hasattr(data.x_train, "shape"):
        given["input_shape"] = tuple(int(length) for length in data.x_train.shape[1:])
    if "input_shape" in given:
        given["input_shape"] = tuple(given["input_shape"])
    if "columns" in known and "columns" not in given:
        given["columns"] = data.x_train
    if "classes" in known and not {"classes", "outputs", "labels"} & given.keys():
        labels = np.asarray(data.y_train), np.asarray(data.y_validation)
        given |= Target.arguments_for(*labels, given.get("task"))
    try:
        return make(**given)
    except (GenomeError, TypeError) as error:
        raise SettingsError(f"[space] {error}") from None


def _algorithm(section: Mapping[str, Any]) -> Any:
    """The algorithm that the section names, with its settings."""
    from evo import algorithms

    given = dict(section)
    name = given.pop("name", None)
    known = {
        key: kind for key in algorithms.__all__
        if isinstance(kind := getattr(algorithms, key), type) and issubclass(kind, algorithms.Algorithm)
        and kind is not algorithms.Algorithm
    }  # fmt: skip
    if name not in known:
        raise SettingsError(f"[algorithm] name: expected one of {', '.join(sorted(known))}, got {name!r}")
    _known(given, inspect.signature(known[name]).parameters, "algorithm")
    return known[name](**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()})

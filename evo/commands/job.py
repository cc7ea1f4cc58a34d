"""Job: what ``evo run`` is told, a TOML file with data, space, budget and settings of a campaign."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from evo.campaign.arguments import campaign_names
from evo.commands.job_data import JobData, load_data
from evo.commands.job_space import make_algorithm, make_space
from evo.commands.known_jobs import is_known, remember
from evo.core.budget import Budget
from evo.core.checks import known_names, local_path
from evo.core.errors import SettingsError
from evo.core.events import Callback, CampaignInfo
from evo.core.history import History
from evo.core.json_text import parsed
from evo.core.regular_files import bytes_of
from genomes.spaces.base import Space

#: File in a campaign's directory that says what a command began it with.
_JOB_FILE = "job.json"
FORMAT = 1

_SECTIONS = ("imports", "data", "space", "campaign", "budget", "algorithm", "ensemble")
_DATA = (
    "file",
    "sklearn",
    "x",
    "y",
    "target",
    "drop",
    "separator",
    "decimal",
    "encoding",
    "test",
    "test_seed",
    "validation",
    "folds",
    "groups",
    "time",
    "class_weight",
    "seed",
    "x_validation",
    "y_validation",
    "x_test",
    "y_test",
)
_ENSEMBLE = (
    "size",
    "trees",
    "linear",
    "method",
    "max_members",
    "max_parameters",
    "max_latency",
    "pooling",
    "temperature",
    "loss",
)
#: Arguments of a campaign that a file cannot give, or that have a section of their own.
_NOT_IN_FILE = (
    "budget",
    "algorithm",
    "executor",
    "callbacks",
    "training",
    "limits",
    "evaluate",
    "break_lock",
    "start_from",
)


@dataclass
class Job:
    """A campaign as a command line asks for it.

    Attributes:
        config: the content of the TOML file, with absolute paths.
        source: where it came from, for messages.
        trusted: whether this user wrote it, so that the modules it names may be imported.
    """

    config: dict[str, Any]
    source: str
    trusted: bool = True

    def __post_init__(self) -> None:
        known_names(self.config, _SECTIONS)
        for name in ("data", "space", "campaign", "budget", "algorithm", "ensemble"):
            section = self.config.setdefault(name, {})
            if not isinstance(section, dict):
                raise SettingsError(f"[{name}]: expected a table, got {section!r}")
        known_names(self.config["data"], _DATA, "[data] ")
        known_names(self.config["ensemble"], _ENSEMBLE, "[ensemble] ")
        known_names(self.config["budget"], [f.name for f in fields(Budget)], "[budget] ")
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
                f'{self.source}: [data] needs one of file = "....csv" or "....npz", or sklearn = "digits"; '
                f"got {' and '.join(given) or 'none'}"
            )

    # -- reading -----------------------------------------------------------------------
    @classmethod
    def read(cls, path: str | Path) -> Job:
        """Read a TOML file; paths in it are relative to it.

        Raises:
            SettingsError: no such file, not TOML, or something in it that is not known.
        """
        path = local_path(path, "config")
        try:
            text = path.read_text(encoding="utf-8")
            config = tomllib.loads(text)
        except OSError as error:
            raise SettingsError(f"config: {path} cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"config: {path} is not valid TOML: {error}") from None
        data = config.get("data")
        if isinstance(data, dict) and isinstance(data.get("file"), str):
            local_path(data["file"], "[data] file")
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
        path = Path(directory) / _JOB_FILE
        if not os.path.lexists(path):
            return None
        try:
            content = bytes_of(path)
            found = parsed(content)
            if found["format"] > FORMAT:
                raise SettingsError(f"{path} was written by a newer version of evo")
            job = cls(found["config"], str(found["source"]), trusted=is_known(content))
            if job.trusted and job.needs_code:
                sys.path[:0] = [folder for folder in found.get("path", []) if folder not in sys.path]
            return job
        except SettingsError:
            raise
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise SettingsError(f"{path} is damaged ({error}): give the data by --config CONFIG.toml") from None

    def write(self, directory: str | Path) -> None:
        """Note the job in a campaign's directory, so that ``evo resume DIR`` needs nothing else."""
        path = Path(directory) / _JOB_FILE
        folder = [] if self.source.startswith("evo ") else [str(Path(self.source).resolve().parent)]
        content = {"format": FORMAT, "source": self.source, "path": folder, "config": self.config}
        text = (json.dumps(content, indent=1) + "\n").encode()
        partial = path.with_suffix(".partial")
        partial.write_bytes(text)
        partial.replace(path)
        if self.trusted:
            remember(text)

    # -- parts -------------------------------------------------------------------------
    @property
    def needs_code(self) -> bool:
        """Whether modules of the user's own have to be imported."""
        return bool(self.config.get("imports")) or self.own_space

    def load_imports(self) -> None:
        """Import the modules that define genes of the user's own.

        Raises:
            SettingsError: one cannot be imported; or the job was not written by this user, so that nothing is.
        """
        if not self.needs_code:
            return
        if not self.trusted:
            named = ", ".join(map(str, [*self.config.get("imports", []), self.config["space"].get("kind", "")]))
            raise SettingsError(
                f"imports: {_JOB_FILE} asks to import {named!r:.200}, and was not written by you on this machine: a "
                "directory from somebody else runs no code. If it is yours, give its file: --config CONFIG.toml"
            )
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
        found = load_data(self.config["data"], self.config["space"].get("kind"))
        return make_space(self.config["space"], found), found

    def campaign_arguments(self) -> dict[str, Any]:
        """Keyword arguments of :class:`evo.Campaign` that the file gives.

        Raises:
            SettingsError: an unknown setting or algorithm.
        """

        known = ["directory", *(name for name in campaign_names() if name not in _NOT_IN_FILE)]
        given = dict(self.config["campaign"])
        known_names(given, known, "[campaign] ")
        given.pop("directory", None)
        if self.config["algorithm"]:
            given["algorithm"] = make_algorithm(self.config["algorithm"])
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

"""An ensemble as one file: a zip archive of JSON and Keras' own ``.keras`` files.

``ensemble.json`` says what there is (format, task, pooling, weights, members with the SHA-256 of their
files; the whole target where the task's name does not say all); ``members/N.keras`` holds a net, ``members/N.trees`` a
tree model (see :mod:`evo.ensemble.trees`), ``members/N.linear`` a linear one (:mod:`evo.ensemble.linear`).
Nothing in it is executed: nets are read in Keras' safe mode, the others are arrays.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evo.core.errors import EnsembleError
from evo.core.json_text import parsed
from evo.ensemble import reproducible
from evo.ensemble.arguments import as_target
from evo.ensemble.keras_archive import check_array_archive, check_keras_archive, check_keras_size, entries
from evo.ensemble.kinds import KINDS
from evo.ensemble.member import Member
from evo.ensemble.stacking import Stacker
from genomes.errors import GenomeError
from genomes.genome import Genome
from genomes.spaces.base import Space
from genomes.targets import Target

FORMAT = "evo.ensemble"
VERSION = 1
_MANIFEST = "ensemble.json"


@dataclass(frozen=True, eq=False)
class ArchivedEnsemble:
    """Everything that an archive holds of an ensemble.

    Attributes:
        members: the models; their weights are those below.
        weights: one per member, summing to 1.
        target: what is predicted.
        pooling: ``arithmetic``, ``geometric``, ``median`` or ``stacked``.
        temperature: applied after pooling; 1 for none.
        stacker: the linear model of ``stacked``, else None.
        space: the members' space, or None.
        report: how it was chosen.
        diversity: of the members on the validation data, or None.
    """

    members: Sequence[Member]
    weights: Sequence[float]
    target: Target
    pooling: str
    temperature: float
    stacker: Stacker | None
    space: Any
    report: Mapping[str, Any]
    diversity: dict[str, Any] | None


def write(ensemble: ArchivedEnsemble, path: Path) -> None:
    """Write the ensemble aside, then move it into place.

    Raises:
        EnsembleError: it cannot be written, or a member cannot be loaded.
    """
    described: list[dict[str, Any]] = []
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive:
            for position, (member, weight) in enumerate(zip(ensemble.members, ensemble.weights, strict=True)):
                suffix = "keras" if member.kind == "net" else member.kind
                name = f"members/{position}.{suffix}"
                local = Path(folder) / f"{position}.{suffix}"
                member.model().save(local)
                content = local.read_bytes()
                if member.kind == "net":
                    content = reproducible.keras_archive(content)
                reproducible.add(archive, name, content)
                described.append(
                    {
                        "file": name,
                        "sha256": hashlib.sha256(content).hexdigest(),
                        "number": member.number,
                        "kind": member.kind,
                        "weight": weight,
                        "scores": {k: float(v) for k, v in member.scores.items()},
                        "parameters": member.parameters,
                        "genome": _genome_json(member.genome),
                    }
                )
            manifest = {
                "format": FORMAT,
                "version": VERSION,
                **_target_json(ensemble.target),
                "pooling": ensemble.pooling,
                "temperature": ensemble.temperature,
                "stacker": None if ensemble.stacker is None else ensemble.stacker.to_json(),
                "space": None if ensemble.space is None else ensemble.space.to_json(),
                "members": described,
                "report": ensemble.report,
                "diversity": ensemble.diversity,
            }
            reproducible.add(archive, _MANIFEST, json.dumps(manifest, indent=1))
        with open(aside, "rb") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise EnsembleError(f"path: {path} cannot be written: {error}") from error
    finally:
        aside.unlink(missing_ok=True)


def read(path: Path, custom_objects: Mapping[str, Callable[..., Any]] | None = None) -> ArchivedEnsemble:
    """Read an ensemble with all its members.

    Args:
        path: the archive.
        custom_objects: classes of the user's own layers by name, where they are not registered with Keras.

    Raises:
        EnsembleError: no such file, a damaged one, one of a newer format, or of a task that is not known here.
    """
    if not path.is_file():
        raise EnsembleError(f"path: there is no file {path}")
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            entries(archive, path.stat().st_size)
            manifest = parsed(archive.read(_MANIFEST))
            if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
                raise EnsembleError(f"path: {path} is no ensemble, its format is {str(manifest.get('format'))[:80]!r}")
            if type(manifest["version"]) is not int or not manifest["version"] >= 1:
                raise EnsembleError(f"path: {path} names no version of its format")
            if manifest["version"] > VERSION:
                raise EnsembleError(
                    f"path: {path} has format version {manifest['version']}, this evo reads up to {VERSION}; update evo"
                )
            members = []
            for position, stored in enumerate(manifest["members"]):
                suffix = "keras" if stored["kind"] == "net" else stored["kind"]
                if stored["kind"] not in ("net", *KINDS) or stored["file"] != f"members/{position}.{suffix}":
                    raise EnsembleError(f"path: {path} is damaged: member {position} is not where members are")
                content = archive.read(stored["file"])
                if hashlib.sha256(content).hexdigest() != stored["sha256"]:
                    raise EnsembleError(f"path: {path} is damaged: {stored['file']} is not what was saved")
                if suffix == "keras":
                    check_keras_archive(content, custom_objects)
                    check_keras_size(content, custom_objects)
                else:
                    check_array_archive(content)
                local = Path(folder) / f"{position}.{suffix}"
                local.write_bytes(content)
                members.append(
                    Member(
                        _load(local, stored, custom_objects),
                        _number(stored["number"]),
                        0.0,
                        _genome(stored["genome"]),
                        {str(name): float(value) for name, value in stored["scores"].items()},
                        stored["kind"],
                        _number(stored["parameters"], optional=True),
                    )
                )
            stacker = manifest["stacker"]
            return ArchivedEnsemble(
                members=tuple(members),
                weights=tuple(float(stored["weight"]) for stored in manifest["members"]),
                target=_target(manifest),
                pooling=str(manifest["pooling"]),
                temperature=float(manifest["temperature"]),
                stacker=None if stacker is None else Stacker.from_json(stacker),
                space=_space(manifest["space"]),
                report=dict(manifest["report"]),
                diversity=None if manifest["diversity"] is None else dict(manifest["diversity"]),
            )
    except EnsembleError:
        raise
    except Exception as error:
        # a damaged archive raises nearly anything: BadZipFile, zlib.error, NotImplementedError, RuntimeError, ...
        raise EnsembleError(f"path: {path} is damaged or no ensemble: {type(error).__name__}: {error}") from error


def _number(stored: Any, optional: bool = False) -> Any:
    """A whole number of the manifest.

    Raises:
        ValueError: it is none.
    """
    if stored is None and optional:
        return None
    if type(stored) is not int:
        raise ValueError(f"expected a whole number, got {stored!r:.80}")
    return stored


def _load(path: Path, stored: Mapping[str, Any], custom_objects: Mapping[str, Callable[..., Any]] | None) -> Any:
    if stored["kind"] in KINDS:
        return KINDS[stored["kind"]].load(path)
    import keras

    try:
        return keras.saving.load_model(path, custom_objects=custom_objects, compile=False, safe_mode=True)
    except Exception as error:
        raise EnsembleError(
            f"member {stored['number']}: its Keras model cannot be read (are the classes of its own layers "
            f"imported?): {type(error).__name__}: {error}"
        ) from error


def _target_json(target: Target) -> dict[str, Any]:
    """The task's name, and the whole target where the name does not say all."""
    return {"task": target.task} if target.is_named_fully else {"task": target.task, "target": target.to_json()}


def _target(manifest: Mapping[str, Any]) -> Target:
    if "target" not in manifest:
        return as_target(manifest["task"])
    try:
        return Target.from_json(manifest["target"])
    except GenomeError as error:
        raise EnsembleError(str(error)) from error


def _genome_json(genome: Any) -> Any:
    if genome is None or isinstance(genome, Mapping):
        return genome
    return genome.to_json()


def _genome(stored: Any) -> Any:
    """The genome, or its JSON where it holds genes that this process does not know."""
    if stored is None:
        return None
    try:
        return Genome.from_json(stored)
    except GenomeError:
        return stored


def _space(stored: Any) -> Any:
    """The space, or None where it knows genes that this process does not know."""
    if stored is None:
        return None
    try:
        return Space.from_json(stored)
    except GenomeError:
        return None

"""What a ``.keras`` file from somebody else may hold before Keras is asked to read it.

Keras' safe mode refuses lambdas; what else a configuration can reach has changed from release to release (modules
imported by name before 3.9, downloads and files read by a vocabulary until 3.12). So it is looked through here: layers
of Keras itself, and classes that this process has registered, by whoever imports them.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from evo.core.errors import EnsembleError
from evo.core.hdf5 import UnsafeFileError, open_arrays
from evo.core.json_text import parsed
from genomes.spaces.hypermodel.user_state import state_put_back

#: Entries of an archive.
_MOST_ENTRIES = 10_000
#: Modules of Keras that a model's configuration names; no others hold what models are made of.
_MODULES = (
    "activations", "constraints", "dtype_policies", "initializers", "layers", "losses", "metrics", "models",
    "ops", "optimizers", "quantizers", "random", "regularizers",
)  # fmt: skip
#: Classes that Keras makes of a configuration without a look-up.
_PLAIN = ("__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__")
#: Keras' own layers that run what their configuration holds or points to: Python, a pickle, a SavedModel.
_CODE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
#: Arguments of layers that are read as the name of a file if they are a text.
_FILES = ("vocabulary", "idf_weights")


def entries(archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """The entries of an archive of ``size`` bytes, all stored as they are and under names that stay inside.

    Raises:
        EnsembleError: compressed, encrypted or repeated entries, more bytes than the file has, or a path out.
    """
    found = archive.infolist()
    if len(found) > _MOST_ENTRIES:
        raise EnsembleError(f"an archive of {len(found)} entries")
    names = {entry.filename for entry in found}
    if len(names) != len(found):
        raise EnsembleError("an archive that holds a name twice")
    for entry in found:
        parts = entry.filename.replace("\\", "/").split("/")
        if ".." in parts or entry.filename.startswith(("/", "\\")) or ":" in parts[0] or "\0" in entry.filename:
            raise EnsembleError(f"an archive with a path out of it: {entry.filename[:80]!r}")
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise EnsembleError(f"an archive with a compressed or encrypted entry: {entry.filename[:80]!r}")
    if sum(entry.file_size for entry in found) > size:
        raise EnsembleError("an archive that declares more than it holds")
    return found


def check_array_archive(content: bytes) -> None:
    """Raise unless the archive of a model of arrays can be unpacked safely; its types are checked by who loads it.

    Raises:
        EnsembleError: see :func:`entries`; or no archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries(archive, len(content))
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise EnsembleError(f"no model of arrays: {error}") from None


def check_keras_archive(content: bytes, custom_objects: Mapping[str, Any] | None) -> None:
    """Raise unless a ``.keras`` file holds a configuration of known classes, plain arrays, and files for them.

    Args:
        content: the file.
        custom_objects: classes of the user's own by name.

    Raises:
        EnsembleError: it does not; says what was found.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in entries(archive, len(content)):
                name = entry.filename
                if name == "config.json":
                    check_config(parsed(archive.read(name)), custom_objects)
                elif name.endswith(".h5"):
                    with open_arrays(archive.read(name)):
                        pass
                elif name != "metadata.json" and not name.startswith("assets/"):
                    raise EnsembleError(f"a Keras model with an entry {name[:80]!r}")
    except (UnsafeFileError, ValueError, OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        if isinstance(error, EnsembleError):
            raise
        raise EnsembleError(f"no Keras model: {error}") from None


def check_keras_size(content: bytes, custom_objects: Mapping[str, Any] | None) -> None:
    """Raise if a ``.keras`` file declares many more weights than it holds, before memory is taken for them.

    Inside of a stateless scope Keras makes variables that have a shape and no values yet. A model that cannot be made
    there, since a layer of the user's own wants values at once, is not judged.

    Args:
        content: the file, which :func:`check_keras_archive` has looked at.
        custom_objects: classes of the user's own by name.

    Raises:
        EnsembleError: it does.
    """
    import keras

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        config = archive.read("config.json").decode()
    with state_put_back(), keras.StatelessScope(initialize_variables=False):
        try:
            model = keras.models.model_from_json(config, custom_objects=custom_objects)
        except Exception:
            return
        declared = sum(math.prod(variable.shape) for variable in model.variables)
    # A stored weight has a byte at least.
    if declared > len(content):
        raise EnsembleError(f"a Keras model of {declared:,} weights in a file of {len(content):,} bytes")


def check_config(config: Any, custom_objects: Mapping[str, Any] | None) -> None:
    """Raise unless every class and function that a configuration names is Keras' own or registered here.

    Raises:
        EnsembleError: one is not; names it.
    """
    for item in _objects(config):
        for argument in _FILES:
            if isinstance(item.get(argument), str):
                raise EnsembleError(f"a layer whose {argument} is a file: {item[argument][:80]!r}")
        if "class_name" in item:
            _check_class(item, custom_objects or {})


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _check_class(item: dict[str, Any], custom_objects: Mapping[str, Any]) -> None:
    import keras

    kind, module = item["class_name"], item.get("module")
    name = item.get("config") if kind == "function" else kind
    registered = item.get("registered_name")
    if not isinstance(name, str) or not isinstance(module, (str, type(None))):
        raise EnsembleError("a configuration whose classes have no names")
    if kind in _PLAIN:
        return
    # By which name Keras looks a class or function up among those that are registered.
    known = name if kind == "function" or registered is None else registered
    if isinstance(known, str) and (known in custom_objects or keras.saving.get_registered_object(known) is not None):
        return
    parts = (module or "").split(".")
    inside = parts[1:] if parts[:2] != ["keras", "src"] else parts[2:]
    own = parts[0] == "keras" and (not inside or inside[0] in _MODULES)
    # Activations, losses and the like go by their names alone.
    named = kind == "function" and module == "builtins"
    if name in _CODE or name.startswith("_") or not (own or named):
        raise EnsembleError(
            f"a class that is neither Keras' nor registered here: {name[:80]!r} of {str(module)[:80]!r}. If it is your "
            "own, import the module that defines it first, or pass custom_objects"
        )

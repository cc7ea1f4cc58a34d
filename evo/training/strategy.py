"""Where a trial runs: CPU, GPU, several of them, TPU, or a strategy of the user's own."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from evo.core.errors import SettingsError

STRATEGIES = ("auto", "cpu", "gpu", "mirrored", "tpu")
#: Environment variable with the number of a worker among those of its machine: which GPU is its own.
WORKER_SLOT = "EVO_WORKER_SLOT"


@dataclass(frozen=True)
class Placement:
    """Where a trial runs.

    Attributes:
        kind: ``cpu``, ``gpu`` or ``tpu``.
        reason: why, in words.
        strategy: a ``tf.distribute.Strategy``, or None for one device.
        device: the backend's name of the device where there is no strategy, e.g. ``/GPU:1`` or (JAX) ``gpu:1``.
        replicas: devices that share a batch.
        compute_capability: of the weakest GPU, e.g. (8, 0); None where there is none or it does not tell.
    """

    kind: str
    reason: str
    strategy: Any = None
    device: str | None = None
    replicas: int = 1
    compute_capability: tuple[int, int] | None = None

    def scope(self) -> AbstractContextManager[Any]:
        """The context in which models and optimizers are made."""
        if self.strategy is not None:
            scope: AbstractContextManager[Any] = (
                self.strategy.scope() if hasattr(self.strategy, "scope") else _distributed(self.strategy)
            )
            return scope
        if self.device is not None:
            import keras

            device: AbstractContextManager[Any] = keras.device(self.device)
            return device
        return contextlib.nullcontext()

    def of_one_device(self) -> Placement:
        """The first of several devices alone."""
        device = f"/{self.kind.upper()}:0"
        return dataclasses.replace(self, reason=f"{self.reason}; one device", strategy=None, device=device, replicas=1)


@contextlib.contextmanager
def _distributed(distribution: Any) -> Iterator[None]:
    """What is made inside the ``with`` block is laid out by a ``keras.distribution``."""
    import keras

    before = keras.distribution.distribution()
    keras.distribution.set_distribution(distribution)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def _own_device(devices: int) -> int:
    """Index of this worker's device among several: its number among the workers of its machine, modulo the devices."""
    given = os.environ.get(WORKER_SLOT, "")
    return int(given) % devices if given.isdigit() else 0


def place(strategy: Any, final: bool = False) -> Placement:
    """The placement that a strategy setting means on this machine, with the TensorFlow backend.

    Args:
        strategy: ``auto``: a TPU if one resolves; one GPU, each worker another one, or all of them by
            ``MirroredStrategy`` for a final training; else the CPU. ``cpu``, ``gpu`` (one, each worker
            another one), ``mirrored`` (all GPUs, or all logical CPU devices), ``tpu``, or a
            ``tf.distribute.Strategy``.
        final: whether it is a final training.

    Raises:
        SettingsError: an unknown strategy, or one that the machine cannot do.
    """
    if not isinstance(strategy, str):
        return _given(strategy)
    if strategy == "cpu":
        return Placement("cpu", "as asked for", device="/CPU:0")
    if strategy == "gpu":
        gpus = _gpus()
        if not gpus:
            raise SettingsError("strategy: 'gpu' was asked for, TensorFlow sees no GPU")
        device = f"/GPU:{_own_device(len(gpus))}"
        return Placement("gpu", "as asked for", device=device, compute_capability=_capability())
    if strategy == "mirrored":
        return _mirrored("as asked for")
    if strategy == "tpu":
        found, problem = _tpu()
        if found is None:
            raise SettingsError(f"strategy: 'tpu' was asked for, but {problem}")
        return Placement("tpu", "as asked for", found, None, int(found.num_replicas_in_sync))
    if strategy == "auto":
        return _best_at_hand(final)
    raise SettingsError(f"strategy: expected one of {', '.join(STRATEGIES)} or a strategy, got {strategy!r}")


def _given(strategy: Any) -> Placement:
    """The placement of a ``tf.distribute.Strategy`` that the user made."""
    replicas = getattr(strategy, "num_replicas_in_sync", None)
    if replicas is None:
        raise SettingsError(
            f"strategy: expected one of {', '.join(STRATEGIES)} or a tf.distribute.Strategy, got {strategy!r}"
        )
    kind = "tpu" if "TPU" in type(strategy).__name__ else "gpu" if _gpus() else "cpu"
    return Placement(kind, "the strategy that was given", strategy, None, int(replicas), _capability())


def _best_at_hand(final: bool) -> Placement:
    """A TPU where one resolves, else one GPU or all of them, else the CPU."""
    found, problem = _tpu() if _may_have_tpu() else (None, "no TPU is announced in the environment")
    if found is not None:
        return Placement("tpu", "a TPU resolves", found, None, int(found.num_replicas_in_sync))
    gpus = _gpus()
    if len(gpus) > 1 and final:
        return _mirrored(f"a final training on {len(gpus)} GPUs")
    if gpus:
        reason = f"{len(gpus)} GPU{'s' if len(gpus) > 1 else ''}; {problem}"
        device = f"/GPU:{_own_device(len(gpus))}"
        return Placement("gpu", reason, device=device, compute_capability=_capability())
    return Placement("cpu", f"no GPU; {problem}")


def place_elsewhere(backend: str, strategy: str, final: bool = False) -> Placement:
    """The placement on the JAX or torch backend, which have no ``tf.distribute``.

    Args:
        backend: ``jax`` or ``torch``.
        strategy: as for :func:`place`. JAX: ``mirrored``, and ``auto`` for a final training on several
            devices, is ``keras.distribution.DataParallel``. torch: one device.
        final: whether it is a final training.

    Raises:
        SettingsError: an unknown strategy, or one that the backend or machine cannot do.
    """
    if strategy not in STRATEGIES:
        raise SettingsError(f"strategy: expected one of {', '.join(STRATEGIES)}, got {strategy!r}")
    if backend == "torch":
        import torch

        kind = "gpu" if torch.cuda.is_available() else "cpu"
        if strategy in ("mirrored", "tpu") or (strategy == "gpu" and kind != "gpu"):
            raise SettingsError(f"strategy: {strategy!r} is not supported on the torch backend of this machine")
        capability = torch.cuda.get_device_capability() if kind == "gpu" else None
        return Placement(kind, f"the torch backend's device is {kind}", compute_capability=capability)
    import jax
    import keras

    devices = jax.devices()
    kind = devices[0].platform
    kind = "gpu" if kind in ("gpu", "cuda", "rocm") else kind
    if strategy in ("cpu", "gpu", "tpu") and strategy != kind:
        raise SettingsError(f"strategy: {strategy!r} was asked for, JAX computes on {kind}; set JAX_PLATFORMS")
    if strategy == "mirrored" or (strategy == "auto" and final and len(devices) > 1):
        distribution = keras.distribution.DataParallel(devices=keras.distribution.list_devices())
        return Placement(kind, f"{len(devices)} JAX devices", distribution, None, len(devices))
    capability = _jax_capability(devices[0]) if kind == "gpu" else None
    own = f"gpu:{_own_device(len(devices))}" if kind == "gpu" and len(devices) > 1 else None
    return Placement(kind, f"JAX computes on {kind}", None, own, compute_capability=capability)


def _jax_capability(device: object) -> tuple[int, int] | None:
    text = str(getattr(device, "compute_capability", ""))
    major, _, minor = text.partition(".")
    return (int(major), int(minor or 0)) if major.isdigit() else None


def _mirrored(reason: str) -> Placement:
    import tensorflow as tf

    gpus = tf.config.list_logical_devices("GPU")
    devices = [device.name for device in gpus or tf.config.list_logical_devices("CPU")]
    # NCCL works on GPUs only.
    operations = None if gpus else tf.distribute.ReductionToOneDevice()
    strategy = tf.distribute.MirroredStrategy(devices, cross_device_ops=operations)
    kind = "gpu" if gpus else "cpu"
    return Placement(kind, reason, strategy, None, int(strategy.num_replicas_in_sync), _capability())


@functools.cache
def _tpu() -> tuple[Any, str]:
    """A connected ``TPUStrategy``, or None and one line that says why not; asked once per process."""
    import tensorflow as tf

    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver), ""
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        return None, f"no TPU resolves ({type(error).__name__}: {text})"


def _may_have_tpu() -> bool:
    """Whether a TPU is announced: resolving one that is not there can wait for the network."""
    names = ("TPU_NAME", "KUBE_GOOGLE_CLOUD_TPU_ENDPOINTS", "TPU_WORKER_ID", "TPU_ACCELERATOR_TYPE", "COLAB_TPU_ADDR")
    return any(os.environ.get(name) for name in names) or os.path.exists("/dev/accel0")


def _gpus() -> list[Any]:
    import tensorflow as tf

    return list(tf.config.list_physical_devices("GPU"))


def _capability() -> tuple[int, int] | None:
    import tensorflow as tf

    found = []
    for gpu in _gpus():
        capability = tf.config.experimental.get_device_details(gpu).get("compute_capability")
        if capability is None:
            return None
        found.append((int(capability[0]), int(capability[1])))
    return min(found, default=None)

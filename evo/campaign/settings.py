"""Settings of a campaign: checked before anything is touched, and their JSON form."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evo import algorithms
from evo.core.checks import share, whole_number
from evo.core.errors import EvoError, SettingsError, StorageError
from evo.core.objectives import Objectives
from evo.training.shipped_callbacks import ShippedCallbacks
from evo.training.task import TrainingSettings
from genomes.errors import GenomeError
from genomes.genome import Genome

#: Settings that may differ from session to session: another machine may need others for the same result.
FREE = ("strategy", "seconds", "memory")
#: Why the final trainings are no algorithm.
NO_SEARCH = (
    "algorithm: FinalTraining proposes nothing before something was trained: every campaign ends with it by itself, "
    "see final_share; expected another one of evo.algorithms"
)
_PACKAGES = ("evo-keras", "tensorflow", "keras", "deap", "numpy", "h5py", "scikit-learn")


@dataclass(frozen=True)
class CampaignSettings:
    """Everything that decides what a campaign does, besides space, data and budget.

    Attributes:
        seed: the campaign's seed.
        objectives: what is maximised.
        algorithm: proposes; warm starts are in it.
        epochs: full length of a training.
        population: size of the population, and outcomes between two checkpoints of it.
        concurrency: trials under way at once.
        deterministic: ordered look-ahead; otherwise free-running.
        final_share: share of the budget kept for the final trainings, from 0 to below 1.
        ensemble_share: share of the parents drawn by what they add to an ensemble, from 0 to 1.
        keep_weights: how many trials' weights are kept, besides those in use.
        training: how every trial is trained.
        callbacks: Keras callbacks that every trial gets copies of.

    Raises:
        SettingsError: a wrong value; the message names it.
    """

    seed: int
    objectives: Objectives
    algorithm: Any
    epochs: int
    population: int
    concurrency: int
    deterministic: bool
    final_share: float
    ensemble_share: float
    keep_weights: int
    training: TrainingSettings
    callbacks: ShippedCallbacks = field(default_factory=ShippedCallbacks)

    def __post_init__(self) -> None:
        whole_number(self.seed, "seed", 0)
        for name in ("population", "concurrency", "keep_weights"):
            whole_number(getattr(self, name), name, 1)
        share(self.final_share, "final_share", whole=False)
        share(self.ensemble_share, "ensemble_share")
        if self.algorithm is algorithms.FinalTraining or isinstance(self.algorithm, algorithms.FinalTraining):
            raise SettingsError(NO_SEARCH)
        if isinstance(self.algorithm, type) and issubclass(self.algorithm, algorithms.Algorithm):
            name = self.algorithm.__name__
            raise SettingsError(f"algorithm: expected one of evo.algorithms, made: {name}(), got the class {name}")
        if not callable(self.algorithm) and not hasattr(self.algorithm, "bind"):
            raise SettingsError(
                f"algorithm: expected one of evo.algorithms or a callable (history, rng), got {self.algorithm!r}"
            )

    def to_json(self) -> dict[str, Any]:
        """The settings as a JSON object, as they are stored and compared."""
        training = dataclasses.asdict(dataclasses.replace(self.training, strategy=_named(self.training.strategy)))
        # What is measured follows from the objectives; of latency alone it is stored as well, as format 1 has it.
        training["latency"] = "latency" in training.pop("measured")
        if training["best_epoch"] is None:
            del training["best_epoch"]
        return {
            "seed": self.seed,
            "objectives": list(self.objectives.written),
            "algorithm": algorithm_json(self.algorithm),
            "epochs": self.epochs,
            "population": self.population,
            "concurrency": self.concurrency,
            "deterministic": self.deterministic,
            "final_share": float(self.final_share),
            # Not written where it is off: campaigns from before it existed stay the same.
            **({"ensemble_share": float(self.ensemble_share)} if self.ensemble_share else {}),
            "keep_weights": self.keep_weights,
            **({"keras_callbacks": self.callbacks.to_json()} if self.callbacks else {}),
            **{name: training[name] for name in FREE},
            "training": {name: value for name, value in training.items() if name not in (*FREE, "deterministic")},
        }


def algorithm_json(algorithm: Any) -> dict[str, Any]:
    """Name and settings of an algorithm; a plain callable is known by its module and name."""
    if hasattr(algorithm, "to_json"):
        found: dict[str, Any] = algorithm.to_json()
        return found
    name = getattr(algorithm, "__qualname__", type(algorithm).__qualname__)
    return {"algorithm": f"{getattr(algorithm, '__module__', '')}:{name}"}


def algorithm_from_json(json: Mapping[str, Any]) -> Any:
    """One of evo's algorithms, as :func:`algorithm_json` wrote it.

    Raises:
        SettingsError: it is none of evo's, so that the user must give it again.
    """
    arguments = dict(json)
    name = str(arguments.pop("algorithm", ""))
    kind = getattr(algorithms, name, None) if name in algorithms.__all__ else None
    if kind is algorithms.FinalTraining:
        raise SettingsError(NO_SEARCH)
    if kind is None or not isinstance(kind, type):
        raise SettingsError(f"algorithm: the campaign ran {name!r}; give it again as algorithm=...")
    try:
        arguments["initial"] = tuple(Genome.from_json(genome) for genome in arguments.get("initial", ()))
        built = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()})
    except (TypeError, GenomeError) as error:
        raise SettingsError(f"algorithm: {name} cannot be made from what is stored: {error}") from None
    return built


@contextlib.contextmanager
def plausible_settings(directory: str | os.PathLike[str]) -> Iterator[None]:
    """While stored settings are read: what no campaign can have written is told as what it is.

    A checksum says that ``campaign.json`` is whole, not who made it: any value may stand in place of any other.

    Args:
        directory: the campaign's directory, for the message.

    Raises:
        StorageError: a setting is missing, or of another type.
    """
    try:
        yield
    except (EvoError, GenomeError):
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise StorageError(
            f"directory: {directory} holds settings that no campaign writes ({type(error).__name__}: "
            f"{str(error)[:200]}); restore its campaign.json and sessions/ from a backup"
        ) from None


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    import importlib.metadata  # only who starts a campaign waits for it

    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _named(strategy: Any) -> str:
    return strategy if isinstance(strategy, str) else type(strategy).__name__

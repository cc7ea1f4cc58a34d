"""Settings of a campaign: checked before anything is touched, and their JSON form."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evo.core.errors import SettingsError
from evo.core.objectives import Objectives
from evo.training.task import TrainingSettings
from genomes.errors import GenomeError
from genomes.genome import Genome

#: Settings that another machine may have otherwise without another result being asked for.
FREE = ("strategy", "seconds", "memory")
_PACKAGES = ("evo-keras", "tensorflow", "keras", "deap", "numpy", "h5py", "scikit-learn")


@dataclass(frozen=True)
class CampaignSettings:
    """Everything that decides what a campaign does, besides space, data and budget; see :class:`evo.Campaign`."""

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

    def __post_init__(self) -> None:
        _whole("seed", self.seed, 0)
        _whole("epochs", self.epochs, 1)
        _whole("population", self.population, 1)
        _whole("concurrency", self.concurrency, 1)
        _whole("keep_weights", self.keep_weights, 1)
        share = self.final_share
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share < 1:
            raise SettingsError(f"final_share: expected a share, 0 to below 1, got {share!r}")
        share = self.ensemble_share
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise SettingsError(f"ensemble_share: expected a share, 0 to 1, got {share!r}")
        if not isinstance(self.deterministic, bool):
            raise SettingsError(f"deterministic: expected True or False, got {self.deterministic!r}")
        if not callable(self.algorithm) and not hasattr(self.algorithm, "bind"):
            raise SettingsError(
                f"algorithm: expected one of evo.algorithms or a callable (history, rng), got {self.algorithm!r}"
            )
        training = self.training
        _whole("threads", training.threads, 1)
        for name in ("seconds", "memory", "parameters", "flops"):
            value = getattr(training, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0):
                raise SettingsError(f"{name}: expected a positive number or None, got {value!r}")
        from evo.training.precision import PRECISIONS
        from evo.training.strategy import STRATEGIES

        if training.precision not in PRECISIONS:
            raise SettingsError(f"precision: expected one of {', '.join(PRECISIONS)}, got {training.precision!r}")
        if isinstance(training.strategy, str) and training.strategy not in STRATEGIES:
            raise SettingsError(
                f"strategy: expected one of {', '.join(STRATEGIES)} or a tf.distribute.Strategy, "
                f"got {training.strategy!r}"
            )

    def to_json(self) -> dict[str, Any]:
        """The settings as a JSON object, as they are stored and compared."""
        training = dataclasses.asdict(dataclasses.replace(self.training, strategy=_named(self.training.strategy)))
        return {
            "seed": self.seed,
            "objectives": list(self.objectives.names),
            "algorithm": algorithm_json(self.algorithm),
            "epochs": self.epochs,
            "population": self.population,
            "concurrency": self.concurrency,
            "deterministic": self.deterministic,
            "final_share": float(self.final_share),
            # Not written where it is off: campaigns from before it existed stay the same.
            **({"ensemble_share": float(self.ensemble_share)} if self.ensemble_share else {}),
            "keep_weights": self.keep_weights,
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
    import evo.algorithms as algorithms

    arguments = dict(json)
    name = str(arguments.pop("algorithm", ""))
    kind = getattr(algorithms, name, None) if name in algorithms.__all__ else None
    if kind is None or not isinstance(kind, type):
        raise SettingsError(f"algorithm: the campaign ran {name!r}; give it again as algorithm=...")
    try:
        arguments["initial"] = tuple(Genome.from_json(genome) for genome in arguments.get("initial", ()))
        built = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()})
    except (TypeError, GenomeError) as error:
        raise SettingsError(f"algorithm: {name} cannot be made from what is stored: {error}") from None
    return built


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


def _whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SettingsError(f"{name}: expected a whole number of {least} or more, got {value!r}")

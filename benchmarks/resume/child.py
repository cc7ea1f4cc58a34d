"""The campaign that is killed: a program of its own, begun or resumed by the same command."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any


def simulated(directory: str, arguments: argparse.Namespace) -> Any:
    """A campaign over a plane, with simulated evaluations."""
    import evo
    from benchmarks.resume.evaluator import data, evaluate
    from genomes import Float
    from genomes.spaces import vector

    space = vector({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
    x, y = data()
    return evo.Campaign(
        space,
        evo.Data(x, y, validation=0.2, seed=0),
        directory,
        budget=evo.Budget(trials=arguments.trials),
        seed=arguments.seed,
        workers=arguments.workers,
        verbose=False,
        concurrency=arguments.concurrency,
        evaluate=evaluate,
        executor=evo.workers.LocalProcesses(arguments.workers, preload=False),
        **options(arguments),
    )


def training(directory: str, arguments: argparse.Namespace) -> Any:
    """A campaign that trains small nets on scikit-learn's digits."""
    from sklearn.datasets import load_digits

    import evo
    from genomes.spaces import image

    digits = load_digits()
    x, y = digits.images[:600, ..., None].astype("float32") / 16, digits.target[:600]
    space = image(input_shape=(8, 8, 1), classes=10)
    return evo.Campaign(
        space,
        evo.Data(x, y, validation=0.25, seed=0),
        directory,
        budget=evo.Budget(epochs=arguments.trials),
        seed=arguments.seed,
        workers=arguments.workers,
        verbose=False,
        concurrency=arguments.concurrency,
        **options(arguments),
    )


def chosen(result: Any) -> str:
    """The ensemble of a simulated campaign, which has predictions but no models: members and weights, as JSON."""
    import numpy as np

    import evo
    from benchmarks.resume.evaluator import data
    from evo.ensemble import build

    x, y = data()
    kept = evo.Data(x, y, validation=0.2, seed=0).y_validation
    selection = build(result.candidates(), kept, "multiclass", 3, rng=np.random.default_rng(0))
    members = [candidate.number for candidate in selection.candidates]
    return json.dumps({"members": members, "weights": [float(weight) for weight in selection.weights]})


def options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Further settings, given as JSON."""
    return dict(json.loads(arguments.options))


def main() -> int:
    """Run the campaign to its end; print how long opening, running and the ensemble took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--options", default="{}")
    parser.add_argument("--ensemble", action="store_true")
    parser.add_argument("--file-size-limit", type=int, default=None)
    arguments = parser.parse_args()
    if arguments.file_size_limit is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (arguments.file_size_limit, resource.RLIM_INFINITY))
    from evo.errors import EvoError

    begun = time.perf_counter()
    try:
        campaign = (training if arguments.training else simulated)(arguments.directory, arguments)
        print("ready", flush=True)
        result = campaign.run()
        if arguments.ensemble:
            path = Path(arguments.directory) / "campaign.ensemble"
            if arguments.training:
                result.ensemble(size=3).save(path)
            else:
                path.write_text(chosen(result))
    except EvoError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 3
    print(f"finished after {time.perf_counter() - begun:.3f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

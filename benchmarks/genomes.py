"""Genomes: validity, speed of breeding, and exactness of costs, per premade space.

Per space: ``--genomes`` genomes, a third sampled, a third mutated, a third crossed over,
and how many of them are valid; milliseconds of processor time for breeding 100 offspring of
parents with 20 genes, with validity, key, parameters and FLOPs, as the median of ``--rounds``;
and, of ``--models`` random ones that are built, how many have exactly the predicted
number of parameters. Nothing is trained.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe

#: Genes of the parents, and offspring per round, of the figure that issue 3 asks for.
GENES, OFFSPRING, PARENTS = 20, 100, 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--genomes", type=int, default=3000, help="genomes checked per space (default %(default)s)")
    parser.add_argument("--models", type=int, default=10, help="models built per space (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of breeding (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, help="JSON file to write the figures to")


def premade() -> dict[str, Any]:
    """The spaces that are measured."""
    from genomes import spaces

    columns = {f"column {n}": np.arange(8.0) for n in range(20)}
    return {
        "image": spaces.image((32, 32, 3), classes=10),
        "tabular": spaces.tabular(columns, classes=2),
        "text": spaces.text(classes=2, raw=False),
        "timeseries": spaces.timeseries((64, 3), classes=5),
    }


def bred(space: Any, count: int, rng: np.random.Generator) -> list[Any]:
    """A third sampled, a third mutated, a third crossed over, each from what came before."""
    found: list[Any] = [space.default(), space.smallest()]
    while len(found) < count + 2:
        pool = found[-200:]
        kind = len(found) % 3
        parents = [pool[int(rng.integers(len(pool)))] for _ in range(2)]
        if kind == 0:
            found.append(space.sample(rng))
        elif kind == 1:
            found.append(space.mutate(parents[0], rng))
        else:
            found.extend(space.crossover(*parents, rng))
    return found[2 : count + 2]


def parents_of_20_genes(space: Any, rng: np.random.Generator) -> list[Any]:
    """Genomes of exactly 20 genes, by mutation from the default on."""
    found: list[Any] = []
    genome = space.default()
    for _ in range(200_000):
        if len(found) == PARENTS:
            break
        child = space.mutate(genome, rng)
        if abs(len(child) - GENES) <= abs(len(genome) - GENES):
            genome = child
        if len(genome) == GENES and genome not in found:
            found.append(genome)
    return found


def breed(space: Any, parents: list[Any], rng: np.random.Generator) -> None:
    """100 offspring, seven of ten mutated, the others crossed over; each validated, keyed and costed."""
    offspring: list[Any] = []
    while len(offspring) < OFFSPRING:
        first, second = (parents[int(rng.integers(len(parents)))] for _ in range(2))
        if rng.random() < 0.7:
            offspring.append(space.mutate(first, rng))
        else:
            offspring.extend(space.crossover(first, second, rng))
    for genome in offspring[:OFFSPRING]:
        space.validate(genome)
        if not genome.key or space.cost(genome).parameters < 0:
            raise AssertionError("unreachable")


def is_valid(space: Any, genome: Any) -> bool:
    """Whether the space accepts the genome."""
    from genomes import GenomeError

    try:
        space.validate(genome)
    except GenomeError:
        return False
    return True


def measure(space: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    """The figures of one space."""
    rng = np.random.default_rng(arguments.seed)
    genomes = bred(space, arguments.genomes, rng)
    figures: dict[str, Any] = {
        "genomes": len(genomes),
        "valid": sum(is_valid(space, genome) for genome in genomes),
        "different": len({genome.key for genome in genomes}),
    }
    parents = parents_of_20_genes(space, rng)
    if len(parents) == PARENTS:
        times = []
        for _ in range(arguments.rounds):
            began = time.process_time()
            breed(space, parents, rng)
            times.append((time.process_time() - began) * 1e3)
        figures["breeding_ms"] = round(statistics.median(times), 1)
    began = time.process_time()
    for genome in genomes[:100]:
        space.features(genome)
    figures["features_ms"] = round((time.process_time() - began) * 1e3, 1)
    exact = 0
    chosen = rng.permutation(len(genomes))[: arguments.models]
    if len(chosen):
        import keras

        state = preprocessing(space)
        for index in chosen:
            model = space.build(genomes[index], state, seed=0)
            exact += model.count_params() == space.cost(genomes[index]).parameters
            keras.backend.clear_session()
    figures["models"], figures["exact_parameters"] = len(chosen), exact
    return figures


def preprocessing(space: Any) -> dict[str, np.ndarray]:
    """What the space's preprocessing learns from a few made-up rows."""
    rng = np.random.default_rng(0)
    kind = type(space).__name__
    if kind == "ImageSpace":
        x: Any = rng.uniform(size=(8, *space.input_shape))
    elif kind == "TabularSpace":
        x = {f"column {n}": rng.normal(size=8) for n in range(20)}
    elif kind == "TextSpace":
        x = [rng.integers(1, 50, 20) for _ in range(8)]
    else:
        x = rng.normal(size=(8, *space.input_shape))
    y = np.arange(8) % 2
    state: dict[str, np.ndarray] = space.adapt(space.prepare(x), space.target.prepare(y))
    return state


def run(arguments: argparse.Namespace) -> int:
    """Measure every space and print a table; 1 if a genome is invalid or a count is wrong."""
    results = {}
    header = f"{'space':<12}{'valid':>14}{'different':>11}{'breeding':>11}{'features':>11}{'exact':>9}"
    print(header + "\n" + "-" * len(header))
    for name, space in premade().items():
        found = results[name] = measure(space, arguments)
        print(
            f"{name:<12}{found['valid']:>6} /{found['genomes']:>6}{found['different']:>11}"
            f"{found.get('breeding_ms', '-'):>8} ms{found['features_ms']:>8} ms"
            f"{found['exact_parameters']:>4} /{found['models']:>3}",
            flush=True,
        )
    print(f"breeding: {OFFSPRING} offspring of parents with {GENES} genes; features: of 100 genomes; processor time")
    if arguments.output is not None:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        record = {"machine": describe(), "seed": arguments.seed, "results": results}
        arguments.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    wrong = any(
        found["valid"] < found["genomes"] or found["exact_parameters"] < found["models"] for found in results.values()
    )
    return int(wrong)

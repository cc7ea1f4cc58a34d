"""Campaigns whose every proposal is written down: what they search, how outcomes are simulated, how they are spelt."""

from __future__ import annotations

import hashlib
import heapq
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from evo import History, Outcome, Proposal, Status, Trial
from evo.algorithms import (
    NSGA2,
    AgingEvolution,
    Algorithm,
    BayesianOptimization,
    FinalTraining,
    GeneticAlgorithm,
    Hyperband,
    LocalSearch,
    MapElites,
    Pace,
    Problem,
    RandomSearch,
    ScreenedEvolution,
    SuccessiveHalving,
)
from genomes import Boolean, Choice, Cost, Fixed, Float, Genome, Int, Space, spaces
from tests.evo.search_parts import Budget, Objectives, Planner, TimeLeft, Wait

EPOCHS = 27
SEED = 11
TRIALS = Budget(trials=60)
TWO = ("val_accuracy", "-parameters")


def finite_table() -> Space:
    """288 combinations, without costs."""
    return spaces.vector(
        {
            "kind": Choice(["a", "b", "c"]),
            "width": Int(1, 8, default=3),
            "deep": Boolean(),
            "batch": Choice([16, 32, 64, 128, 256, 512]),
            "task": Fixed("x"),
        }
    )


def small_table() -> Space:
    """24 combinations: used up before the budget is."""
    return spaces.vector({"kind": Choice(["a", "b", "c"]), "width": Int(1, 8)})


def endless_table() -> Space:
    """Real numbers, with costs."""

    def cost(values: dict) -> Cost:
        width = int(values["width"]) * (2 if values["deep"] else 1)
        return Cost(parameters=10 * width, flops=20_000 * width)

    return spaces.vector(
        {
            "rate": Float(1e-4, 1e-1, log=True, default=1e-2),
            "momentum": Float(0.0, 0.99),
            "width": Int(1, 64, log=True, default=16),
            "deep": Boolean(),
            "kind": Choice(["a", "b", "c"]),
        },
        cost=cost,
    )


def image() -> Space:
    return spaces.image(input_shape=(12, 12, 1), classes=3)


@dataclass(frozen=True)
class Golden:
    """One campaign.

    Attributes:
        name: of its file.
        algorithm: what is replayed.
        space: what it searches.
        budget: what ends it.
        objectives: what it maximises.
        final_share: share of the budget for final trainings.
        deterministic: ordered look-ahead, or what has arrived.
        limit: most proposals.
        rate: floating-point operations of an epoch in a second.
    """

    name: str
    algorithm: Algorithm
    space: Space
    budget: Budget = TRIALS
    objectives: tuple[str, ...] = ("val_accuracy",)
    final_share: float = 0.0
    deterministic: bool = True
    limit: int = 60
    rate: float = 1e6


def goldens() -> Iterator[Golden]:
    """Every algorithm on tables, the evolutionary ones on images, and every way to end."""
    finite, endless, images = finite_table(), endless_table(), image()
    for name, algorithm in {
        "random": RandomSearch(),
        "genetic_and": GeneticAlgorithm(size=10),
        "genetic_or": GeneticAlgorithm(size=10, crossover=0.4, variation="or"),
        "aging": AgingEvolution(population=12, sample=4, crossover=0.3),
        "halving": SuccessiveHalving(),
        "hyperband": Hyperband(),
        "local_search": LocalSearch(starts=5, patience=6),
        "bayesian": BayesianOptimization(candidates=40),
        "map_elites": MapElites(design=6),
        "screened": ScreenedEvolution(),
        "screened_inherit": ScreenedEvolution(inherit=True, design=12, offspring=40),
    }.items():
        for place, space in {"finite": finite, "endless": endless, "image": images}.items():
            if place != "image" or name not in ("random", "halving", "hyperband"):
                yield Golden(f"{name}_{place}", algorithm, space)
    for place, space in {"endless": endless, "image": images}.items():
        yield Golden(f"nsga2_{place}", NSGA2(size=8), space, objectives=TWO)
        yield Golden(f"nsga2_or_{place}", NSGA2(size=10, crossover=0.4, variation="or"), space, objectives=TWO)
        yield Golden(f"screened_objectives_{place}", ScreenedEvolution(design=12, offspring=40), space, objectives=TWO)
        yield Golden(
            f"screened_minutes_{place}",
            ScreenedEvolution(design=12, offspring=50),
            space,
            Budget(minutes=0.4),
            final_share=0.25,
            limit=100,
        )
        yield Golden(
            f"finish_{place}",
            ScreenedEvolution(design=10, offspring=20),
            space,
            Budget(epochs=300),
            final_share=0.5,
            limit=200,
        )
        yield Golden(
            f"free_running_{place}",
            ScreenedEvolution(design=10, offspring=10),
            space,
            Budget(epochs=150),
            final_share=0.25,
            deterministic=False,
            limit=200,
        )
    settings = ScreenedEvolution(
        design=8,
        pool=5,
        offspring=30,
        crossover=0.6,
        second=0.5,
        random=0.3,
        beta=0.1,
        aging=True,
        rungs=(2, 9, 27),
        promote=3.0,
        rows=12,
    )
    yield Golden("screened_settings_endless", settings, endless)
    yield Golden("screened_unscreened_endless", ScreenedEvolution(design=10, screening=False, random=0.2), endless)
    yield Golden("screened_one_rung_finite", ScreenedEvolution(design=10, eta=0), finite)
    given = endless.genome(rate=0.003, width=40, kind="c")  # type: ignore[attr-defined]
    yield Golden("screened_initial_endless", ScreenedEvolution(design=6, offspring=40, initial=(given,)), endless)
    yield Golden(
        "finish_objectives_endless",
        ScreenedEvolution(design=10, offspring=20),
        endless,
        Budget(epochs=300),
        objectives=TWO,
        final_share=0.4,
        limit=200,
    )
    yield Golden("random_used_up", RandomSearch(initial=(small_table().default(),)), small_table())
    yield Golden("screened_used_up", ScreenedEvolution(design=6), small_table(), final_share=0.25, limit=100)
    yield Golden(
        "screened_slow_machine",
        ScreenedEvolution(offspring=30),
        images,
        Budget(minutes=1.5),
        final_share=0.25,
        rate=1e5,
        limit=100,
    )


def _share(*parts: object) -> float:
    """A number in [0, 1) that is a pure function of the parts."""
    return int(hashlib.sha256(repr(parts).encode()).hexdigest()[:8], 16) / 2**32


def outcome(space: Space, proposal: Proposal, rate: float) -> Outcome:
    """What a training comes to: a pure function of genome and epochs; some fail, diverge, or score NaN."""
    genome, cost = proposal.genome, space.cost(proposal.genome)
    parameters = cost.parameters or round(1000 * float(space.features(genome).sum()))
    seconds = {"build": 0.5, "train": proposal.epochs * (0.05 + cost.flops / rate), "save": 0.125}
    luck = _share(genome.key, proposal.last_epoch, proposal.replicate)
    if luck < 0.04:
        return Outcome(Status.FAILED, message="out of memory")
    if luck < 0.07:
        return Outcome(Status.DIVERGED, epochs=1, message="the loss is not finite", seconds=seconds)
    if luck < 0.09:
        return Outcome(Status.TIMED_OUT, message="too slow")
    features = space.features(genome)
    middle = [_share("centre", index) for index in range(len(features))]
    apart = sum(abs(float(value) - m) for value, m in zip(features, middle, strict=True)) / len(features)
    score = round(1 - apart - 0.3 / (1 + proposal.last_epoch) + 0.02 * _share(luck), 6)
    return Outcome(
        Status.COMPLETED,
        {"val_accuracy": math.nan if luck < 0.11 else score, "val_loss": round(1 - score, 2)},
        epochs=proposal.epochs,
        parameters=parameters,
        flops=cost.flops,
        seconds=seconds,
    )


def replay(golden: Golden, workers: int = 2, concurrency: int = 4) -> tuple[History, str]:
    """The campaign on a virtual clock, in which the quick overtake the slow; and why it ended."""
    objectives, minutes = Objectives(golden.objectives), golden.budget.minutes
    problem = Problem(golden.space, EPOCHS, objectives, seconds=None if minutes is None else 60 * minutes * workers)
    planner = Planner(
        search=golden.algorithm.bind(problem),
        finish=FinalTraining(size=4).bind(problem),
        budget=golden.budget,
        seed=SEED,
        concurrency=concurrency,
        final_share=golden.final_share,
        deterministic=golden.deterministic,
        time=None if minutes is None else TimeLeft(Pace(golden.space), minutes, workers, golden.final_share),
    )
    history, now = History((), objectives), 0.0
    free = [0.0] * workers
    running: list[tuple[float, int]] = []
    while True:
        found = planner.next(history, now)
        if isinstance(found, Proposal):
            if len(history) >= golden.limit:
                return history, "limit"
            history.append(Trial(len(history), found))
            took = sum(outcome(golden.space, found, golden.rate).seconds.values())
            end = max(now, heapq.heappop(free)) + took / 60
            heapq.heappush(free, end)
            heapq.heappush(running, (end, len(history) - 1))
            continue
        if not running:
            assert found is not Wait.OUTCOMES
            return history, found.value
        now, number = heapq.heappop(running)
        result = outcome(golden.space, history[number].proposal, golden.rate)
        if math.isnan(result.scores.get("val_accuracy", 0.0)) and number % 2:
            result = replace(result, scores={})
        history.tell(number, result)


def spelt(golden: Golden, history: History, end: str) -> str:
    """The history as text, one line per proposal."""
    budget = " ".join(f"{name}={value}" for name, value in golden.budget.to_json().items() if value is not None)
    mode = "ordered" if golden.deterministic else "free-running"
    head = [
        f"# {golden.algorithm.to_json() | {'initial': len(golden.algorithm.initial)}}",
        f"# {budget}; maximises {' '.join(golden.objectives)}; final share {golden.final_share}; {mode}",
        "# number origin epochs rung [continues] [parents] [inherits] [final] [replicate] | JSON key | genome",
    ]
    return "\n".join([*head, *(_line(trial) for trial in history), f"# end: {end}", ""])


def _line(trial: Trial) -> str:
    proposal = trial.proposal
    words = [f"{trial.number:3d}", proposal.origin, f"{proposal.first_epoch}-{proposal.last_epoch}"]
    words.append(f"rung={proposal.rung}")
    words += [] if proposal.continues is None else [f"continues={proposal.continues}"]
    words += [f"parents={_numbers(proposal.parents)}"] if proposal.parents else []
    words += [] if proposal.inherits is None else [f"inherits={proposal.inherits}"]
    words += ["final"] if proposal.final else []
    words += [f"replicate={proposal.replicate}"] if proposal.replicate else []
    return f"{' '.join(words)} | {_digest(proposal.genome)} {proposal.genome.key[:8]} | {proposal.genome}"


def _numbers(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _digest(genome: Genome) -> str:
    """Of the whole JSON: every digit of its numbers, and the innovation numbers."""
    return hashlib.sha256(json.dumps(genome.to_json(), sort_keys=True).encode()).hexdigest()[:8]

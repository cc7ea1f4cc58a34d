"""What breaks a promise fails the check that is named after it: the suites have teeth."""

from __future__ import annotations

import itertools
import multiprocessing
import random
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evo import Proposal
from evo.algorithms import Algorithm, Problem, RandomSearch, Step
from evo.testing import AlgorithmConformance, ExecutorConformance, GeneConformance, SpaceConformance
from evo.workers import Serial
from genomes import Choice, Cost, Float, Gene, Genome, Int, Space, spaces


def fails(check: Callable[..., None], *args: Any, match: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception), match=match):
        check(*args)


# -- algorithms ------------------------------------------------------------------------------------
class AlgorithmSuite(AlgorithmConformance):
    def __init__(self, algorithm: Algorithm) -> None:
        self.algorithm = algorithm

    def make(self) -> Algorithm:
        return self.algorithm

    def spaces(self) -> dict[str, Space]:
        return {"endless": spaces.vector({"kind": Choice(["a", "b", "c"]), "rate": Float(0.0, 1.0)})}


def proposed(problem: Problem, genome: Genome, **values: Any) -> Proposal:
    return Proposal(genome, **({"last_epoch": problem.epochs, "final": True} | values))


@dataclass(frozen=True)
class Counting(RandomSearch):
    """Keeps a count between calls."""

    def bind(self, problem: Problem) -> Step:
        count = itertools.count(2)
        return lambda history, rng: proposed(problem, problem.space.sample(rng), last_epoch=next(count) % 8 + 1)


@dataclass(frozen=True)
class Global(RandomSearch):
    """Draws from the global random state."""

    def bind(self, problem: Problem) -> Step:
        return lambda history, rng: proposed(
            problem, problem.space.sample(np.random.default_rng(random.getrandbits(32)))
        )


@dataclass(frozen=True)
class Hashing(RandomSearch):
    """Depends on how strings hash."""

    def bind(self, problem: Problem) -> Step:
        return lambda history, rng: proposed(
            problem, problem.space.sample(np.random.default_rng(hash(f"trial {len(history)}") % 2**32))
        )


@dataclass(frozen=True)
class Repeating(RandomSearch):
    """Proposes one genome again and again."""

    def bind(self, problem: Problem) -> Step:
        return lambda history, rng: proposed(problem, problem.space.default())


@dataclass(frozen=True)
class Waiting(RandomSearch):
    """Waits for nothing."""

    def bind(self, problem: Problem) -> Step:
        return lambda history, rng: None if len(history) == 5 else proposed(problem, problem.space.sample(rng))


@dataclass(frozen=True)
class Climbing(RandomSearch):
    """Continues whatever came before, whether it completed or not, to an epoch further on."""

    def bind(self, problem: Problem) -> Step:
        def propose(history: Any, rng: np.random.Generator) -> Proposal:
            if len(history) % 2 == 0:
                return proposed(problem, problem.space.sample(rng), last_epoch=3, final=False)
            last = history[len(history) - 1]
            return proposed(problem, last.genome, continues=last.number, first_epoch=3)

        return propose


@dataclass(frozen=True)
class Changing(RandomSearch):
    """Tells the history what it wants to hear."""

    def bind(self, problem: Problem) -> Step:
        def propose(history: Any, rng: np.random.Generator) -> Proposal:
            history._trials[:] = history._trials[:-1]
            return proposed(problem, problem.space.sample(rng))

        return propose


@dataclass(frozen=True)
class TooLong(RandomSearch):
    """Trains past the full length."""

    def bind(self, problem: Problem) -> Step:
        return lambda history, rng: proposed(problem, problem.space.sample(rng), last_epoch=problem.epochs + 1)


@dataclass(frozen=True)
class Believing(RandomSearch):
    """Gives up where no trial has a score."""

    def bind(self, problem: Problem) -> Step:
        def propose(history: Any, rng: np.random.Generator) -> Proposal:
            assert len(history) < 8 or history.completed(), "nothing to breed from"
            return proposed(problem, problem.space.sample(rng))

        return propose


@dataclass(frozen=True)
class Unwritten(RandomSearch):
    """A setting that is lost in JSON."""

    size: int = 3

    def to_json(self) -> dict[str, Any]:
        return {"algorithm": "Unwritten", "initial": []}


@pytest.mark.parametrize(
    ("algorithm", "check", "args", "match"),
    [
        (Counting(), "test_the_same_binding_proposes_the_same_again", ("endless",), "asked again"),
        (Counting(), "test_a_fresh_binding_proposes_the_same", ("endless",), "freshly bound"),
        (Global(), "test_a_search_can_be_repeated", ("endless",), "second search"),
        (Global(), "test_global_random_states_are_left_alone", ("endless",), "state of random was changed"),
        (Hashing(), "test_another_process_proposes_the_same", ("endless",), "another process proposed"),
        (Repeating(), "test_no_phenotype_is_trained_twice", ("endless", 1), "phenotype of trial 0 again"),
        (Repeating(), "test_initial_genomes_come_first", ("endless",), "initial: expected the given genomes"),
        (Repeating(), "test_a_finite_space_ends_with_space_exhausted_error", (1,), "expected SpaceExhaustedError"),
        (Waiting(), "test_it_waits_only_while_something_is_pending", ("endless",), "would never go on"),
        (
            Climbing(),
            "test_only_completed_trials_are_continued_where_they_ended",
            ("endless", 1),
            "not seen to have completed|that trial ended",
        ),
        (Changing(), "test_nothing_that_is_given_is_changed", ("endless",), "changed the history"),
        (TooLong(), "test_proposals_are_genomes_of_the_space", ("endless", 1), "by the full length 9"),
        (Believing(), "test_the_search_survives", ("every trial fails",), "nothing to breed from"),
        (Unwritten(size=4), "test_settings_come_back_from_json", (), "make another algorithm"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("test") else None,
)
def test_broken_algorithms(algorithm: Algorithm, check: str, args: tuple[Any, ...], match: str) -> None:
    fails(getattr(AlgorithmSuite(algorithm), check), *args, match=match)


# -- genes -----------------------------------------------------------------------------------------
class GeneSuite(GeneConformance):
    samples = 1

    def __init__(self, gene: Gene) -> None:
        self.gene = gene

    def make(self) -> Gene:
        return self.gene


class Sound(Gene):
    units = Int(2, 9)

    def build(self, x: Any) -> Any:
        import keras

        return keras.layers.Dense(self.units)(x)


class WrongShape(Sound):
    def output_shape(self, shape: Any) -> Any:
        return (*shape[:-1], self.units + 1)


class WrongCost(Sound):
    def cost(self, shape: Any) -> Cost:
        return Cost(1, 1)


class Unseeded(Sound):
    def build(self, x: Any) -> Any:
        return super().build(x) * float(np.random.default_rng().normal())


class Sharing(Sound):
    def build(self, x: Any) -> Any:
        import keras

        if "layer" not in _SHARED:
            _SHARED["layer"] = keras.layers.Dense(3)
        return _SHARED["layer"](x)


_SHARED: dict[str, Any] = {}


class Forgetful(Sound):
    def to_json(self) -> dict[str, Any]:
        return {"gene": "Forgetful", "innovation": self.innovation}


class Vanishing(Sound):
    def canonical(self) -> tuple[Gene, ...]:
        return ()


class Changeable(Sound):
    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


class NotFinite(Sound):
    def build(self, x: Any) -> Any:
        import keras

        return keras.ops.log(-keras.ops.abs(super().build(x)) - 1.0)


class ByIdentity(Sound):
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class Picky(Sound):
    def output_shape(self, shape: Any) -> Any:
        if shape[-1] % 2:
            raise ZeroDivisionError("odd")
        return (*shape[:-1], self.units)


@pytest.mark.parametrize(
    ("kind", "check", "match"),
    [
        (WrongShape, "test_output_shape_and_parameters_are_those_of_the_model", "output_shape says"),
        (WrongCost, "test_output_shape_and_parameters_are_those_of_the_model", "cost says 1 parameters"),
        (Unseeded, "test_build_is_deterministic_under_a_seed", "outputs differ"),
        (Sharing, "test_building_leaves_the_gene_as_it_is", "share weights"),
        (Forgetful, "test_it_comes_back_from_json", "another gene"),
        (Vanishing, "test_the_canonical_form_builds_the_same_model", "another shape|other weights"),
        (Changeable, "test_it_cannot_be_changed", "must be immutable"),
        (NotFinite, "test_outputs_and_gradients_are_finite", "not finite"),
        (ByIdentity, "test_equality_and_hash_go_by_value", "must be equal"),
        (ByIdentity, "test_it_travels_to_other_processes", "pickled"),
        (Picky, "test_an_input_that_it_cannot_take_is_a_genome_error", "ZeroDivisionError"),
    ],
)
def test_broken_genes(kind: type[Gene], check: str, match: str) -> None:
    fails(getattr(GeneSuite(kind(units=3)), check), match=match)
    if kind in (WrongShape, WrongCost, Unseeded, NotFinite):
        getattr(GeneSuite(Sound(units=3)), check)()


# -- spaces ----------------------------------------------------------------------------------------
class SpaceSuite(SpaceConformance):
    samples = 12

    def __init__(self, space: Space) -> None:
        self.space = space

    def make(self) -> Space:
        return self.space


VectorSpace: Any = type(spaces.vector({"x": Float(0.0, 1.0)}))


class GlobalSampling(VectorSpace):
    def sample(self, rng: np.random.Generator) -> Genome:
        return super().sample(np.random.default_rng(random.getrandbits(32)))


class BadMutants(VectorSpace):
    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        return Genome((*genome.genes, *genome.genes))


class OneChild(VectorSpace):
    def crossover(self, first: Genome, second: Genome, rng: np.random.Generator) -> Any:
        return (first,)


class KeyOfInnovations(VectorSpace):
    def key(self, genome: Genome) -> str:
        return str(genome.to_json())


class NoFeatures(VectorSpace):
    def features(self, genome: Genome) -> np.ndarray:
        return np.full(len(self.feature_names), np.nan)


class Forgetting(VectorSpace):
    def arguments(self) -> dict[str, Any]:
        domains = dict(list(super().arguments()["domains"].items())[:1])
        return {"domains": domains}


class AlwaysRepairing(VectorSpace):
    def repair(self, genome: Genome, rng: np.random.Generator) -> Genome:
        return self.sample(rng)


class Careless(VectorSpace):
    def validate(self, genome: Genome) -> None:
        pass


class Miscounted(VectorSpace):
    def size(self) -> int:
        return 5


@pytest.mark.parametrize(
    ("kind", "check", "match"),
    [
        (GlobalSampling, "test_samples_are_valid_and_come_of_the_rng_alone", "equal generators|global random"),
        (BadMutants, "test_mutants_are_valid_and_come_of_the_rng_alone", "not in the space"),
        (OneChild, "test_children_are_valid_and_come_of_the_rng_alone", "two children"),
        (KeyOfInnovations, "test_the_key_is_that_of_the_phenotype", "innovation numbers change the key"),
        (NoFeatures, "test_features_are_numbers_near_0_to_1", "not finite"),
        (Forgetting, "test_it_comes_back_from_json_and_does_the_same", "from JSON draws"),
        (AlwaysRepairing, "test_repair_keeps_what_is_valid_and_mends_the_rest", "changed a valid genome"),
        (Careless, "test_what_is_no_genome_of_the_space_is_a_genome_error", "validate accepts"),
        (Miscounted, "test_a_finite_size_is_no_less_than_what_is_found", r"size\(\) is 5"),
    ],
)
def test_broken_spaces(kind: Any, check: str, match: str) -> None:
    fails(getattr(SpaceSuite(kind({"kind": Choice(["a", "b"]), "width": Int(1, 4)})), check), match=match)


def test_broken_costs_and_models() -> None:
    space: Any = spaces.image((6, 6, 1), classes=3, filters=8, max_genes=6)
    suite, cost = SpaceSuite(space), space.cost
    space.cost = lambda genome: cost(genome) + Cost(1)
    fails(suite.test_costs_are_those_of_the_model, match="the model has")
    space.cost = cost
    space._smallest = space.default()
    fails(suite.test_the_smallest_is_the_smallest, match="the smallest genome has")


# -- executors -------------------------------------------------------------------------------------
class ExecutorSuite(ExecutorConformance):
    many = 20

    def __init__(self, kind: Callable[[], Executor]) -> None:
        self.kind = kind

    def make(self) -> Executor:
        return self.kind()


class Late(Serial):
    """Every call gets the result of the one before it."""

    before: Any = None

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(self.before)
        self.before = super().submit(fn, *args, **kwargs).result()
        return future


class Raising(Serial):
    """Exceptions escape from submit."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        future.result()
        return future


class Single(Serial):
    """Sends numbers at half their precision."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        sent = [arg.astype(np.float32) if isinstance(arg, np.ndarray) else arg for arg in args]
        return super().submit(fn, *sent, **kwargs)


class Open(Serial):
    """Takes calls for ever."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


class Lazy(Serial):
    """Never does anything."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()


class Shortening(Serial):
    """Trains for one epoch, whatever was asked for."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        sent = [replace(arg, last_epoch=arg.first_epoch + 1) if is_dataclass(arg) else arg for arg in args]
        return super().submit(fn, *sent, **kwargs)


@pytest.mark.parametrize(
    ("kind", "check", "match"),
    [
        (Late, "test_results_belong_to_their_calls", "result of another call"),
        (Late, "test_many_calls_at_once", "wrong results"),
        (Single, "test_large_arguments_and_results", "came back changed"),
        (Open, "test_shutdown_finishes_what_was_submitted", "DID NOT RAISE"),
        (Lazy, "test_shutdown_with_cancel_futures_leaves_none_open", "neither done nor cancelled"),
    ],
)
def test_broken_executors(kind: type[Executor], check: str, match: str) -> None:
    fails(getattr(ExecutorSuite(kind), check), match=match)


def test_an_executor_whose_exceptions_escape() -> None:
    with pytest.raises(ValueError, match="by itself"):
        ExecutorSuite(Raising).test_an_exception_is_the_result_of_its_call_alone()


def test_an_executor_that_changes_the_trials(tmp_path: Path) -> None:
    suite = ExecutorSuite(Shortening)
    fails(suite.test_a_campaign_finds_what_it_finds_with_serial, tmp_path, match="differs from the one with Serial")


def test_a_pool_that_breaks_with_one_worker() -> None:
    class Suite(ExecutorSuite):
        isolates_deaths = True

    suite = Suite(lambda: ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")))
    fails(suite.test_a_worker_that_dies_fails_only_its_own_call, match="death failed another call too")

"""What algorithms, training and storage rely on in a space."""

from __future__ import annotations

import abc
import copy
import functools
import itertools
import json
import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from evo.testing.another_process import in_another_process
from evo.testing.global_states import global_states, global_states_put_back, seed_global
from genomes import Cost, Genome, GenomeError, Space

#: What may stand in a damaged or hostile file in place of a value.
_HOSTILE: tuple[Any, ...] = (None, "no such value", -1, 10**400, math.nan, [], {}, [[]], {"x": [None]}, True)
#: Models with more weights than this are not built: the checks are to take seconds.
_MOST_PARAMETERS = 1_000_000


class SpaceConformance(abc.ABC):
    """Checks of a :class:`genomes.Space`: subclass it as ``Test...`` and define :meth:`make`.

    Attributes:
        builds: whether its genomes become Keras models; False for spaces of plain values.
        samples: genomes that are drawn.
        counts: whether ``cost`` counts; False where a model's size is known only when it is built, and
            ``cost`` says nothing.
        models: models that are built besides those of the default and the smallest genome.

    Example:
        >>> class TestMine(SpaceConformance):      # doctest: +SKIP
        ...     def make(self):
        ...         return my_space(input_shape=(8, 8, 1), classes=3)
        ...     def data(self):
        ...         rng = np.random.default_rng(0)
        ...         return rng.normal(size=(20, 8, 8, 1)), rng.integers(0, 3, 20)
    """

    builds: ClassVar[bool] = True
    counts: ClassVar[bool] = True
    samples: ClassVar[int] = 30
    models: ClassVar[int] = 2

    @abc.abstractmethod
    def make(self) -> Space:
        """The space that is tested."""

    def data(self) -> tuple[Any, Any] | None:
        """Training inputs and targets as a user gives them; None if models need nothing of them."""
        return None

    # -- the set ---------------------------------------------------------------------------------
    def test_default_and_smallest_are_valid(self) -> None:
        """A search begins with these two."""
        space = self.make()
        for name, genome in (("default", space.default()), ("smallest", space.smallest())):
            self._valid(space, genome, f"the {name} genome")
        assert space.default() == space.default(), "default() gives another genome every time"
        assert space.smallest() == space.smallest(), "smallest() gives another genome every time"

    def test_the_smallest_is_the_smallest(self) -> None:
        """No genome that is drawn has fewer parameters: what even the smallest is too large for is hopeless."""
        space = self.make()
        least = space.cost(space.smallest()).parameters
        for genome in (space.default(), *self._sampled(space)):
            found = space.cost(genome).parameters
            assert least <= found, f"the smallest genome has {least} parameters, but this one {found}: {genome}"

    def test_samples_are_valid_and_come_from_the_rng_alone(self) -> None:
        """``sample`` draws from ``rng`` only."""
        space = self.make()
        genomes = self._sampled(space)
        for genome in genomes:
            self._valid(space, genome, "a sample")
        self._pure(space.sample)
        if space.size() != 1:
            assert len({space.key(genome) for genome in genomes}) > 1, "all samples are the same genome"

    def test_mutants_are_valid_and_come_from_the_rng_alone(self) -> None:
        """``mutate`` gives a valid child, draws from ``rng`` only, and leaves its parent alone."""
        space = self.make()
        changed = 0
        for index, parent in enumerate(self._sampled(space)):
            before = json.dumps(parent.to_json())
            child = space.mutate(parent, np.random.default_rng(index))
            self._valid(space, child, f"a mutant of {parent}")
            assert json.dumps(parent.to_json()) == before, "mutate changed its argument"
            changed += space.key(child) != space.key(parent)
            if index < 5:
                self._pure(functools.partial(space.mutate, parent))
        if space.size() != 1:
            assert changed, f"none of {self.samples} mutations changed the phenotype"

    def test_children_are_valid_and_come_from_the_rng_alone(self) -> None:
        """``crossover`` gives two valid children, draws from ``rng`` only, and leaves the parents alone."""
        space = self.make()
        genomes = self._sampled(space)
        for index, (first, second) in enumerate(itertools.pairwise(genomes)):
            before = json.dumps([first.to_json(), second.to_json()])
            children = space.crossover(first, second, np.random.default_rng(index))
            assert len(children) == 2, f"crossover must give two children, got {len(children)}"
            for child in children:
                self._valid(space, child, f"a child of {first} and {second}")
            assert json.dumps([first.to_json(), second.to_json()]) == before, "crossover changed its arguments"
            if index < 5:
                self._pure(functools.partial(space.crossover, first, second))

    def test_preferred_values_are_drawn(self) -> None:
        """Whatever field is preferred, genomes that lean towards it are valid, and JSON holds what is preferred."""
        space = self.make()
        for index, (field, domain) in enumerate(list(space.field_domains().items())[:40:3]):
            leaning = space.prefer(field, [domain.from_unit(index % 5 / 4)])
            assert not space.preferences, "prefer changed the space itself"
            for genome in self._sampled(space)[:10]:
                found = leaning.leaning(genome, np.random.default_rng(index))
                self._valid(space, found, f"a genome that leans towards {leaning.preferences[-1]}")
            if space.repeatable:
                assert Space.from_json(leaning.to_json()).preferences == leaning.preferences

    def test_repair_keeps_what_is_valid_and_mends_the_rest(self) -> None:
        """``repair`` gives the very genome if it is valid, and a valid one for whatever else."""
        space = self.make()
        genomes = self._sampled(space)
        for genome in genomes[:10]:
            again = space.repair(genome, np.random.default_rng(0))
            assert again == genome, f"repair changed a valid genome: {genome} became {again}"
        first, second = genomes[:2]
        broken = [
            Genome((), first.training),
            Genome(first.genes[1:], first.training),
            Genome(first.genes[::-1], first.training),
            Genome((*first.genes, *second.genes), first.training),
            Genome(first.genes * 30, first.training),
            Genome(first.genes, None),
        ]
        for genome in broken:
            try:
                mended = space.repair(genome, np.random.default_rng(0))
            except Exception as error:
                pytest.fail(f"repair raised {type(error).__name__}: {error}, for {genome}")
            self._valid(space, mended, f"what repair made of {genome}")
            self._pure(functools.partial(space.repair, genome))

    def test_what_is_no_genome_of_the_space_is_a_genome_error(self) -> None:
        """``validate`` raises GenomeError, whatever is wrong."""
        space = self.make()
        genome = self._sampled(space)[0]
        wrong: list[Any] = [
            Genome(()),
            Genome((*genome.genes, *genome.genes) * 40, genome.training),
            Genome(genome.genes[:-1]),
        ]
        for one in wrong:
            with pytest.raises(GenomeError):
                space.validate(one)
                pytest.fail(f"validate accepts {one}")

    def test_the_key_is_that_of_the_phenotype(self) -> None:
        """``key`` does not look at innovation numbers, and is the same for a genome read from JSON."""
        space = self.make()
        for genome in self._sampled(space):
            other = Genome.from_json(_renumbered(genome.to_json()))
            assert space.key(other) == space.key(genome), f"innovation numbers change the key of {genome}"
            assert isinstance(space.key(genome), str), "a key must be a string"

    def test_a_finite_size_is_no_less_than_what_is_found(self) -> None:
        """``size()`` is None, or the number of all phenotypes."""
        space = self.make()
        size = space.size()
        if size is None:
            return
        rng = np.random.default_rng(8)
        found = len({space.key(space.sample(rng)) for _ in range(min(20 * size, 2000))})
        assert found <= size, f"size() is {size}, but {found} phenotypes were drawn"
        if 20 * size <= 2000:
            assert found == size, f"size() is {size}, but only {found} phenotypes are ever drawn"

    # -- for the surrogate -----------------------------------------------------------------------
    def test_features_are_numbers_near_0_to_1(self) -> None:
        """One finite float64 per feature name, none far outside [0, 1]."""
        space = self.make()
        names = space.feature_names
        assert len(set(names)) == len(names), "two features have the same name"
        for genome in (space.default(), space.smallest(), *self._sampled(space)):
            found = space.features(genome)
            assert found.shape == (len(names),), f"{found.shape} features, but {len(names)} feature names"
            assert found.dtype == np.float64, f"features must be float64, got {found.dtype}"
            assert np.isfinite(found).all(), f"features that are not finite: {dict(zip(names, found, strict=True))}"
            far = {name: value for name, value in zip(names, found, strict=True) if not -1 <= value <= 2}
            assert not far, f"features far outside [0, 1]: {far}"
            other = space.features(Genome.from_json(_renumbered(genome.to_json())))
            assert np.array_equal(found, other), f"innovation numbers change the features of {genome}"

    def test_genomes_that_differ_have_features_that_differ(self) -> None:
        """Some features tell genomes apart: a surrogate knows nothing else."""
        space = self.make()
        if space.size() == 1:
            return
        found = {space.features(genome).tobytes() for genome in self._sampled(space)}
        assert len(found) > 1, "all genomes have the same features"

    # -- JSON ------------------------------------------------------------------------------------
    def test_it_comes_back_from_json_and_does_the_same(self) -> None:
        """A campaign stores its space; the one that is read has the same fingerprint and behaviour."""
        space = self.make()
        text = json.dumps(space.to_json())
        again = Space.from_json(json.loads(text))
        assert type(again) is type(space), f"from JSON comes a {type(again).__name__}"
        assert again.fingerprint == space.fingerprint, "the space from JSON has another fingerprint"
        assert json.dumps(again.to_json()) == text, "the space from JSON is written as other JSON"
        _does_the_same(space, again)

    def test_genomes_come_back_from_json(self) -> None:
        """Genomes are stored as JSON."""
        space = self.make()
        for genome in self._sampled(space):
            again = Genome.from_json(json.dumps(genome.to_json()))
            assert again == genome, f"from JSON comes another genome: {again} instead of {genome}"
            self._valid(space, again, "a genome from JSON")

    def test_another_process_draws_the_same(self) -> None:
        """Read from JSON in another process, the space draws and names the same genomes."""
        space = self.make()
        kind, definitions = type(space), space.definitions
        found = in_another_process(_drawn_there, kind, definitions, json.dumps(space.to_json()), 9, 8)
        rng = np.random.default_rng(9)
        for text, key in found:
            genome = space.sample(rng)
            assert text == json.dumps(genome.to_json()), f"another process draws {text} instead of {genome}"
            assert key == space.key(genome), f"another process has another key for {genome}"

    def test_damaged_json_of_the_space_is_a_genome_error(self) -> None:
        """Whatever stands in a file, reading it gives a space or a GenomeError."""
        whole = json.loads(json.dumps(self.make().to_json()))
        for path, damaged in _damaged(whole, most=150):
            try:
                Space.from_json(damaged)
            except GenomeError:
                continue
            except Exception as error:
                pytest.fail(f"damaged at {path}: {type(error).__name__}: {error}; expected a GenomeError")

    def test_damaged_json_of_genomes_is_a_genome_error(self) -> None:
        """Whatever stands in a file, reading and validating it is silent or a GenomeError."""
        space = self.make()
        whole = self._sampled(space)[0].to_json()
        for path, damaged in _damaged(json.loads(json.dumps(whole)), most=150):
            try:
                space.validate(Genome.from_json(damaged))
            except GenomeError:
                continue
            except Exception as error:
                pytest.fail(f"damaged at {path}: {type(error).__name__}: {error}; expected a GenomeError")

    def test_it_says_what_is_in_it(self) -> None:
        """``describe()`` gives text."""
        assert self.make().describe().strip(), "describe() is empty"

    # -- cost and models -------------------------------------------------------------------------
    def test_costs_are_whole_numbers(self) -> None:
        """``cost`` counts parameters and FLOPs without building anything, and depends on the phenotype."""
        space = self.make()
        for genome in self._sampled(space):
            cost = space.cost(genome)
            assert isinstance(cost, Cost), f"cost must be a Cost, got {cost!r}"
            for name, value in (("parameters", cost.parameters), ("flops", cost.flops)):
                assert isinstance(value, int) and value >= 0, f"{name}: expected a whole number from 0, got {value!r}"

    def test_costs_are_those_of_the_model(self) -> None:
        """Candidates are screened by ``cost``: the number of parameters is exact."""
        space, preprocessing = self._trained()
        for genome in self._genomes_to_build(space):
            model = self._model(space, genome, preprocessing)
            said = space.cost(genome).parameters
            if not self.counts:
                assert said == 0, f"counts is False, but cost says {said} parameters: {genome}"
                continue
            assert model.count_params() == said, (
                f"cost says {said} parameters, the model has {model.count_params()}: {genome}"
            )

    def test_models_predict_finite_numbers(self) -> None:
        """A model takes what ``prepare`` gives and predicts float32, one row per sample."""
        space, preprocessing = self._trained()
        data = self.data()
        if data is None:
            pytest.skip("data() is None")
        x = space.prepare(data[0])
        for genome in self._genomes_to_build(space):
            model = self._model(space, genome, preprocessing)
            found = np.asarray(model(_tensors(x), training=False))
            assert len(found) == len(data[1]), f"{len(found)} rows of predictions for {len(data[1])} samples"
            assert found.dtype == np.float32, f"predictions must be float32, got {found.dtype}"
            assert np.isfinite(found).all(), f"predictions are not finite: {genome}"
            encoded = self._model(space, genome, preprocessing, encoded=True)
            same = np.asarray(encoded(_tensors(space.encode(x, preprocessing)), training=False))
            assert np.allclose(found, same, atol=1e-5), (
                f"on what encode gives, the model predicts something else than on raw input: {genome}"
            )

    def test_models_are_deterministic_under_a_seed(self) -> None:
        """``build(seed=...)`` gives the same weights every time, and other ones for another seed."""
        space, preprocessing = self._trained()
        genome = space.default()
        first, again = (self._model(space, genome, preprocessing).get_weights() for _ in range(2))
        assert all(map(np.array_equal, first, again)), "built twice under one seed, the weights differ"

    def test_training_settings_can_be_used(self) -> None:
        """Loss, optimizer, metrics, batch size and learning rates of a genome."""
        space, preprocessing = self._trained()
        for genome in self._genomes_to_build(space):
            for what in (space.loss(genome, preprocessing), space.optimizer(genome)):
                assert what is not None, "loss and optimizer must be given"
            assert isinstance(space.metrics(), list), "metrics() must give a list"
            size = space.batch_size(genome)
            assert isinstance(size, int) and size > 0, f"batch_size: expected a whole number from 1, got {size!r}"
            whole = space.learning_rates(genome, 0, 4, False, 5)
            assert whole.shape == (20,) and whole.dtype == np.float32, "learning_rates: one float32 for every step"
            assert np.isfinite(whole).all() and (whole >= 0).all(), "learning_rates must be finite, and not negative"
            parts = np.concatenate([space.learning_rates(genome, a, b, False, 5) for a, b in ((0, 1), (1, 4))])
            assert np.array_equal(whole, parts), "stopping and resuming changes the learning rates"

    # -- shared ----------------------------------------------------------------------------------
    def _sampled(self, space: Space) -> list[Genome]:
        rng = np.random.default_rng(6)
        return [space.sample(rng) for _ in range(self.samples)]

    def _genomes_to_build(self, space: Space) -> list[Genome]:
        found = [space.smallest(), space.default(), *self._sampled(space)[: self.models]]
        return [genome for genome in found if space.cost(genome).parameters <= _MOST_PARAMETERS]

    def _trained(self) -> tuple[Space, dict[str, np.ndarray]]:
        """The space, and what its preprocessing learns from the data."""
        if not self.builds:
            pytest.skip("builds is False")
        space, data = self.make(), self.data()
        if data is None:
            return space, {}
        space.check_data(*data)
        return space, space.adapt(space.prepare(data[0]), data[1])

    @staticmethod
    def _model(space: Space, genome: Genome, preprocessing: dict[str, np.ndarray], encoded: bool = False) -> Any:
        with global_states_put_back():
            return space.build(genome, preprocessing, seed=3, encoded=encoded)

    @staticmethod
    def _valid(space: Space, genome: Genome, what: str) -> None:
        try:
            space.validate(genome)
        except GenomeError as error:
            pytest.fail(f"{what} is not in the space: {error}")

    @staticmethod
    def _pure(draw: Callable[[np.random.Generator], Any]) -> None:
        """Fail unless equal generators give equal results, whatever the global states, which stay as they are."""
        first = draw(np.random.default_rng(17))
        with global_states_put_back():
            seed_global(5)
            before = global_states()
            again = draw(np.random.default_rng(17))
            same = global_states() == before
        assert again == first, f"equal generators give different results: {first} and {again}"
        assert same, "the global random state was drawn from or changed: draw from rng"


def _does_the_same(space: Space, other: Space) -> None:
    for seed in range(5):
        genomes, others = _varied(space, seed), _varied(other, seed)
        for one, same in zip(genomes, others, strict=True):
            assert one == same, f"the space from JSON draws {same} instead of {one}"
            assert other.key(one) == space.key(one), f"the space from JSON has another key for {one}"
            assert other.cost(one) == space.cost(one), f"the space from JSON has another cost for {one}"
            assert np.array_equal(other.features(one), space.features(one)), (
                f"the space from JSON has other features for {one}"
            )


def _varied(space: Space, seed: int) -> list[Genome]:
    """A sample, its mutant, and its children with another sample."""
    rng = np.random.default_rng(seed)
    parent = space.sample(rng)
    return [parent, space.mutate(parent, rng), *space.crossover(parent, space.sample(rng), rng)]


def _drawn_there(
    kind: type[Space], definitions: tuple[Any, ...], text: str, seed: int, count: int
) -> list[tuple[str, str]]:
    """JSON and keys of genomes; ``kind`` and ``definitions`` were imported when they were unpickled."""
    space, rng = Space.from_json(json.loads(text)), np.random.default_rng(seed)
    return [(json.dumps((genome := space.sample(rng)).to_json()), space.key(genome)) for _ in range(count)]


def _renumbered(value: Any) -> Any:
    """JSON of a genome with all innovation numbers shifted; different ones stay different."""
    if isinstance(value, dict):
        return {k: v + 100 if k == "innovation" else _renumbered(v) for k, v in value.items()}
    return [_renumbered(item) for item in value] if isinstance(value, list) else value


def _damaged(whole: Any, most: int) -> Iterator[tuple[str, Any]]:
    """Copies of a JSON value in which one entry is missing or holds something else, evenly spread over all."""
    places = list(_places(whole))
    cases = [(place, how) for place in places for how in range(len(_HOSTILE) + 1)]
    rng = np.random.default_rng(0)
    chosen = cases if len(cases) <= most else [cases[i] for i in sorted(rng.choice(len(cases), most, replace=False))]
    yield "", None
    yield "", []
    for place, how in chosen:
        damaged = copy.deepcopy(whole)
        inner = damaged
        for step in place[:-1]:
            inner = inner[step]
        if how == len(_HOSTILE):
            del inner[place[-1]]
            yield f"{_shown(place)} (missing)", damaged
        else:
            inner[place[-1]] = copy.deepcopy(_HOSTILE[how])
            yield f"{_shown(place)} = {str(_HOSTILE[how])[:20]}", damaged


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*place, name)
        yield from _places(inner, (*place, name))


def _shown(place: tuple[Any, ...]) -> str:
    return "".join(f"[{step!r}]" for step in place)


def _tensors(x: Any) -> Any:
    """Arrays as Keras tensors; strings stay strings (on TensorFlow)."""
    if isinstance(x, dict):
        return {name: _tensors(value) for name, value in x.items()}
    if np.asarray(x).dtype.kind in "OSU":
        import tensorflow as tf

        return tf.constant(x)
    import keras

    return keras.ops.convert_to_tensor(x)

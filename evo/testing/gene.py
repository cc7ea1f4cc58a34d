"""What spaces, storage and training rely on in a gene."""

from __future__ import annotations

import abc
import contextlib
import copy
import itertools
import json
import math
import pickle
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from evo.testing.global_states import global_states_put_back
from genomes import Choice, Domain, Gene, Genome, GenomeError, Space, spaces

#: Inputs of all ranks, some too small for most strides.
_SHAPES: tuple[tuple[int, ...], ...] = ((1,), (5,), (1, 1), (6, 3), (1, 1, 1), (5, 4, 3))
_HOSTILE: tuple[Any, ...] = (None, "no such value", -(10**9), 1e308, math.nan, math.inf, [], {}, b"x", object())
#: Models with more weights than this are not built: the checks are to take seconds.
_MOST_PARAMETERS = 1_000_000


class GeneConformance(abc.ABC):
    """Checks of a :class:`genomes.Gene`: subclass it as ``Test...``, define :meth:`make` and :attr:`shapes`.

    Attributes:
        shapes: shapes of inputs, without the batch axis, that the gene takes.
        builds: whether it makes layers; False for groups of settings.
        samples: genes with other field values that are looked at besides the one that :meth:`make` gives.

    Example:
        >>> class TestGated(GeneConformance):      # doctest: +SKIP
        ...     shapes = ((6,), (5, 4))
        ...     def make(self):
        ...         return Gated(units=16)
    """

    shapes: ClassVar[tuple[tuple[int, ...], ...]] = ((6,),)
    builds: ClassVar[bool] = True
    samples: ClassVar[int] = 3

    @abc.abstractmethod
    def make(self) -> Gene:
        """The gene that is tested."""

    def space(self) -> Space | None:
        """A space in which the gene may stand; None if it is for none of evo's own.

        By default the premade one for inputs of the rank of the first shape, with ``genes=[...]``.
        """
        kind = type(self.make())
        if not self.builds:
            return None
        rank = len(self.shapes[0])
        if rank == 1:
            return spaces.tabular(4, classes=3, genes=[kind])
        if rank == 2:
            return spaces.timeseries((8, 3), classes=3, genes=[kind])
        return spaces.image((8, 8, 3), classes=3, genes=[kind]) if rank == 3 else None

    def inputs(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """A batch of inputs; override it for a gene that takes no float32."""
        return rng.normal(size=(4, *shape)).astype(np.float32)

    def genes(self) -> list[Gene]:
        """The gene, and copies with other values, rather small ones, in its fields."""
        gene, rng = self.make(), np.random.default_rng(2)
        found = [gene]
        for _ in range(self.samples if gene.fields else 0):
            values = {name: _small(domain, rng) for name, domain in gene.fields.items()}
            try:
                other = gene.replace(**values)
            except GenomeError as error:
                pytest.fail(f"a gene with values of its own domains is refused: {values}: {error}")
            if other not in found:
                found.append(other)
        return found

    # -- as a value ------------------------------------------------------------------------------
    def test_fields_are_validated(self) -> None:
        """A value outside its domain, and a field that there is not, raise a GenomeError that names it."""
        gene = self.make()
        for name, domain in gene.fields.items():
            assert domain.contains(getattr(gene, name)), f"{name} holds {getattr(gene, name)!r}, outside its domain"
            assert domain.contains(domain.default), f"the default of {name} is outside its domain"
            for value in _HOSTILE:
                if domain.contains(value):
                    continue
                with pytest.raises(GenomeError, match=name):
                    gene.replace(**{name: value})
                    pytest.fail(f"{name}={value!r} is accepted, but not in its domain")
        with pytest.raises(GenomeError):
            type(gene)(no_such_field=1)
            pytest.fail("an unknown field is accepted")

    def test_it_comes_back_from_json(self) -> None:
        """A gene is stored as JSON, with its innovation number, and read back the same."""
        for gene in self.genes():
            gene = gene.replace(innovation=12)
            again = Gene.from_json(json.loads(json.dumps(gene.to_json())))
            assert again == gene, f"from JSON comes another gene: {again!r} instead of {gene!r}"
            assert again.to_json() == gene.to_json(), "a gene from JSON is written as other JSON"
            assert again.innovation == 12, "JSON lost the innovation number"

    def test_wrong_json_is_refused(self) -> None:
        """Whatever a file says instead of a value is a GenomeError or a valid gene, never something else."""
        whole = self.make().to_json()
        for name in whole:
            for value in _HOSTILE[:-2]:
                try:
                    Gene.from_json({**whole, name: value})
                except GenomeError:
                    continue
                except Exception as error:
                    pytest.fail(f"{name}: {value!r} in JSON raised {type(error).__name__} instead of GenomeError")
        with pytest.raises(GenomeError):
            Gene.from_json({**whole, "no_such_field": 1})
            pytest.fail("an unknown field in JSON is accepted")

    def test_it_cannot_be_changed(self) -> None:
        """Genes are shared between genomes: assignments fail, and nothing changes the gene itself."""
        gene = self.make()
        before = json.dumps(gene.to_json())
        for name in (*gene.fields, *gene.slots, "innovation", "anything"):
            try:
                setattr(gene, name, 1)
            except AttributeError:
                continue
            pytest.fail(f"gene.{name} = 1 was allowed: genes must be immutable")
        gene.values.clear()
        gene.replace(innovation=gene.innovation + 1)
        gene.canonical()
        assert json.dumps(gene.to_json()) == before, "the gene was changed"
        assert copy.deepcopy(gene) == gene, "a copy of the gene is another gene"

    def test_equality_and_hash_go_by_value(self) -> None:
        """Equal fields make equal genes with equal hashes; another field or innovation another gene."""
        gene = self.make()
        again = Gene.from_json(gene.to_json())
        assert gene == again and hash(gene) == hash(again), "genes of equal fields must be equal, with equal hashes"
        assert gene != gene.replace(innovation=gene.innovation + 1), "the innovation number is part of equality"
        assert gene != object(), "a gene equals something that is no gene"
        genes = self.genes()
        for first in genes:
            for second in genes:
                same = first.to_json() == second.to_json()
                assert (first == second) == same, f"{first!r} == {second!r} is {not same}, but their fields say {same}"

    def test_it_travels_to_other_processes(self) -> None:
        """Genes are pickled to workers."""
        for gene in self.genes():
            again = pickle.loads(pickle.dumps(gene))
            assert again == gene and type(again) is type(gene), f"pickled, {gene!r} becomes {again!r}"

    # -- what it amounts to ----------------------------------------------------------------------
    def test_the_phenotype_ignores_innovations(self) -> None:
        """Innovation numbers say where a gene came from, not what is built."""
        for gene in self.genes():
            other = gene.replace(innovation=gene.innovation + 5)
            assert other.phenotype == gene.phenotype, "the innovation number changes the phenotype"

    def test_the_canonical_form_has_the_same_phenotype(self) -> None:
        """``canonical()`` gives genes that stand for themselves and for the same model."""
        for gene in self.genes():
            found = gene.canonical()
            assert isinstance(found, tuple) and all(isinstance(one, Gene) for one in found), (
                f"canonical() must give a tuple of genes, got {found!r}"
            )
            assert "".join(one.phenotype for one in found) == gene.phenotype, (
                f"the canonical form of {gene!r} has another phenotype: {found!r}"
            )
            again = tuple(kept for one in found for kept in one.canonical())
            assert again == found, f"the canonical form of {gene!r} is not canonical: {found!r} becomes {again!r}"

    def test_the_canonical_form_builds_the_same_model(self) -> None:
        """Shape and weights of the canonical form are the gene's; where nothing is left, it passes its input on."""
        for gene, shape in self._built():
            if gene.canonical() == (gene,):
                continue
            model, other = self._model([gene], shape), self._model(list(gene.canonical()), shape)
            assert other.output_shape == model.output_shape, f"the canonical form of {gene!r} gives another shape"
            assert other.count_params() == model.count_params(), f"the canonical form of {gene!r} has other weights"
            if not gene.canonical():
                x = self.inputs(shape, np.random.default_rng(0))
                assert np.allclose(_called(model, x), x, atol=1e-6), (
                    f"canonical() says that {gene!r} does nothing, but it changes its input"
                )

    # -- the layers ------------------------------------------------------------------------------
    def test_output_shape_and_parameters_are_those_of_the_model(self) -> None:
        """Candidates are screened by what the gene says, so that it must be exact."""
        for gene, shape in self._built():
            model = self._model([gene], shape)
            said, cost = gene.output_shape(shape), gene.cost(shape)
            assert tuple(model.output_shape[1:]) == tuple(said), (
                f"{gene!r} on {shape}: output_shape says {said}, the model gives {model.output_shape[1:]}"
            )
            assert model.count_params() == cost.parameters, (
                f"{gene!r} on {shape}: cost says {cost.parameters} parameters, the model has {model.count_params()}"
            )
            assert isinstance(cost.flops, int) and cost.flops >= 0, f"{gene!r}: FLOPs must be a whole number from 0"

    def test_an_input_that_it_cannot_take_is_a_genome_error(self) -> None:
        """``fitted(shape)`` gives None, or a gene that takes such an input; nothing else is raised."""
        if not self.builds:
            pytest.skip("builds is False")
        for shape in (*_SHAPES, *self.shapes):
            for gene in self.genes():
                try:
                    fitted = gene.fitted(shape)
                    if fitted is not None:
                        fitted.output_shape(shape)
                        fitted.cost(shape)
                except Exception as error:
                    pytest.fail(f"{gene!r} on {shape}: {type(error).__name__}: {error}; expected fitted() to say None")
                assert fitted is not None or shape not in self.shapes or gene != self.make(), (
                    f"{gene!r} does not take an input of shape {shape}, which is one of its shapes"
                )

    def test_build_is_deterministic_under_a_seed(self) -> None:
        """The same global seed gives the same weights, outputs, and noise in training."""
        for gene, shape in self._built():
            outputs = [self._outputs(gene, shape), self._outputs(gene, shape, again=True)]
            for name, first, second in zip(("predicting", "training"), *outputs, strict=True):
                assert np.array_equal(first, second), (
                    f"{gene!r}: built twice under one seed, the outputs differ when {name}: draw weights and noise by "
                    "Keras' initializers and seed generators only"
                )

    def test_outputs_and_gradients_are_finite(self) -> None:
        """Forward, and after a step of training: no NaN, no infinity."""
        for gene, shape in self._built():
            for output in self._outputs(gene, shape):
                assert np.isfinite(output).all(), f"{gene!r} on {shape}: the output is not finite"
            if gene != self.make():
                continue
            x, model = self.inputs(shape, np.random.default_rng(1)), self._model([gene], shape)
            if not model.trainable_weights:
                continue
            with _seeded():
                model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
                loss = model.train_on_batch(x, np.zeros((len(x), *model.output_shape[1:]), np.float32))
            assert np.isfinite(float(np.asarray(loss).ravel()[0])), f"{gene!r}: the loss is not finite"
            for weight in model.weights:
                assert np.isfinite(np.asarray(weight)).all(), (
                    f"{gene!r}: {weight.path} is not finite after a step of training"
                )

    def test_building_leaves_the_gene_as_it_is(self) -> None:
        """A gene keeps no layers: built again, it makes new ones."""
        for gene, shape in itertools.islice(self._built(), 1):
            before = json.dumps(gene.to_json())
            first, second = self._model([gene], shape), self._model([gene], shape)
            shared = {id(weight) for weight in first.weights} & {id(weight) for weight in second.weights}
            assert not shared, f"{gene!r}: two models share weights: make the layers inside build"
            assert json.dumps(gene.to_json()) == before, f"{gene!r} was changed by build"

    # -- in a space ------------------------------------------------------------------------------
    def test_it_is_sampled_and_varied_in_a_space(self) -> None:
        """Sampling, mutation and crossover bring it in, and what they make is valid."""
        space, kind = self.space(), type(self.make())
        if space is None:
            pytest.skip("space() is None")
        rng = np.random.default_rng(4)
        genomes = [space.sample(rng) for _ in range(30)]
        found = 0
        for step in range(400):
            if step >= 40 and found:
                return
            first, second = (genomes[int(rng.integers(len(genomes)))] for _ in range(2))
            children = space.crossover(first, second, rng) if step % 3 == 0 else (space.mutate(first, rng),)
            for child in children:
                try:
                    space.validate(child)
                except GenomeError as error:
                    pytest.fail(f"variation made a genome that is not valid: {error}: {child}")
                assert Genome.from_json(json.dumps(child.to_json())) == child, f"{child} does not come back from JSON"
                genomes[int(rng.integers(len(genomes)))] = child
                held = [gene for _, gene in child.walk()] + [child.training]
                found += any(type(gene) is kind for gene in held)
        pytest.fail(f"none of {len(genomes)} genomes and 400 steps of variation held a {kind.__name__}")

    # -- shared ----------------------------------------------------------------------------------
    def _built(self) -> Iterator[tuple[Gene, tuple[int, ...]]]:
        """Every gene on every shape that it takes; the one of :meth:`make` on all shapes."""
        if not self.builds:
            pytest.skip("builds is False")
        for shape in self.shapes:
            for gene in self.genes():
                fitted = gene.fitted(shape)
                if fitted is not None and fitted.cost(shape).parameters <= _MOST_PARAMETERS:
                    yield fitted, shape

    def _outputs(self, gene: Gene, shape: tuple[int, ...], again: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """What the gene gives when predicting and when training, of a model that is built once, or ``again``."""
        key = (type(self), gene, shape)
        if again or key not in _OUTPUTS:
            model, x = self._model([gene], shape), self.inputs(shape, np.random.default_rng(0))
            found = _called(model, x), _called(model, x, training=True)
            if again:
                return found
            _OUTPUTS[key] = found
        return _OUTPUTS[key]

    def _model(self, genes: list[Gene], shape: tuple[int, ...]) -> Any:
        import keras

        dtype = str(self.inputs(shape, np.random.default_rng(0)).dtype)
        with _seeded():
            x = inputs = keras.Input(shape, dtype=dtype)
            for gene in genes:
                x = gene.build(x)
            return keras.Model(inputs, x)


_OUTPUTS: dict[tuple[Any, ...], tuple[np.ndarray, np.ndarray]] = {}


def _small(domain: Domain, rng: np.random.Generator) -> Any:
    """A value of the domain; numbers from its lower part."""
    ordered = not isinstance(domain, Choice) or domain.ordered
    return domain.from_unit(float(rng.random()) * (0.4 if ordered else 1.0))


def _called(model: Any, x: np.ndarray, training: bool = False) -> np.ndarray:
    import keras

    return keras.ops.convert_to_numpy(model(x, training=training))


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
    """Keras' seed, which is that of the global generators too; these are put back."""
    import keras

    with global_states_put_back():
        keras.utils.set_random_seed(11)
        yield

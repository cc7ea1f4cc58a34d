"""What a campaign relies on in an algorithm."""

from __future__ import annotations

import abc
import dataclasses
import json
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from evo import History, Proposal
from evo.algorithms import Algorithm, AskTell, Problem
from evo.core.objectives import Objectives
from evo.core.randomness import Purpose, generator
from evo.errors import SpaceExhaustedError
from evo.testing.another_process import in_another_process
from evo.testing.global_states import global_states, global_states_put_back, seed_global
from evo.testing.simulated_search import (
    MISFORTUNES,
    SimulatedSearch,
    next_proposal,
    read_again,
    replayed,
    run_search,
    simulated_training,
)
from genomes import Boolean, Choice, Float, Genome, Int, Space, spaces

_SEED = 7


class AlgorithmConformance(abc.ABC):
    """Checks of an :class:`evo.algorithms.Algorithm`: subclass it as ``Test...`` and define :meth:`make`.

    Nothing is trained: outcomes are simulated, some of them failures.

    Attributes:
        epochs: full length of a training.
        trials: trials of a search.
        several_objectives: whether the algorithm is for several objectives too.

    Example:
        >>> class TestMine(AlgorithmConformance):      # doctest: +SKIP
        ...     def make(self):
        ...         return MyAlgorithm(size=6)
    """

    epochs: ClassVar[int] = 9
    trials: ClassVar[int] = 24
    several_objectives: ClassVar[bool] = False

    @abc.abstractmethod
    def make(self) -> Algorithm:
        """The algorithm that is tested; equal settings every time.

        Choose them such that everything that it can do happens within :attr:`trials` trials.
        """

    def spaces(self) -> dict[str, Space]:
        """Spaces that it is tested on, by name; override it for an algorithm that is not for all of them."""
        return {
            "finite": spaces.vector({"kind": Choice(["a", "b", "c", "d"]), "width": Int(1, 12), "bias": Boolean()}),
            "endless": spaces.vector(
                {"kind": Choice(["a", "b", "c"]), "width": Int(1, 64, log=True), "rate": Float(1e-4, 1e-1, log=True)}
            ),
            "layered": spaces.image((8, 8, 1), classes=3),
        }

    def small_space(self) -> Space:
        """A space of a few phenotypes, all of which are found."""
        return spaces.vector({"kind": Choice(["a", "b", "c"]), "width": Choice([1, 2])})

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """One test for each space."""
        if "space" in metafunc.fixturenames:
            metafunc.parametrize("space", list(self.spaces()))

    # -- a function of history and generator -----------------------------------------------------
    def test_a_search_can_be_repeated(self, space: str) -> None:
        """The same seed gives the same history, whatever the global random states are."""
        first = self._search(space)
        with global_states_put_back():
            seed_global(1)
            again = run_search(self.make(), self._problem(space), self.trials, seed=_SEED)
        _same(again.proposals, first.proposals, "a second search with the same seed proposed something else")

    def test_a_fresh_binding_proposes_the_same(self, space: str) -> None:
        """``bind`` keeps no state: bound anew amid a campaign, as on resuming, it proposes the same."""
        algorithm, asked = self.make(), self._samples(space)
        for index in reversed(asked):  # in another order: what it saw before must not matter
            call = self._search(space).asked[index]
            again = next_proposal(
                algorithm,
                self._space(space),
                self.epochs,
                ("val_accuracy",),
                [read_again(trial) for trial in call.seen],
                _SEED,
                call.number,
            )
            assert again == call.proposal, (
                f"trial {call.number}: a freshly bound algorithm proposed something else for the same history and "
                f"generator than the one that had proposed the trials before it: {again} instead of {call.proposal}"
            )

    def test_the_same_binding_proposes_the_same_again(self, space: str) -> None:
        """The same history and an equal generator give the same proposal, asked twice or out of order."""
        step = self.make().bind(self._problem(space))
        calls = [self._search(space).asked[index] for index in self._samples(space)]
        for call in (*calls, *reversed(calls)):
            again = step(call.seen, generator(_SEED, Purpose.PROPOSAL, call.number))
            assert again == call.proposal, (
                f"trial {call.number}: asked again with the same history and an equal generator, the algorithm "
                f"proposed something else: {again} instead of {call.proposal}"
            )

    def test_another_process_proposes_the_same(self, space: str) -> None:
        """A campaign that is resumed by another process continues as it would have."""
        calls = [self._search(space).asked[index] for index in self._samples(space)]
        made = self._space(space)
        found = in_another_process(
            replayed,
            self.make(),
            type(made),
            made.definitions,
            made.to_json(),
            self.epochs,
            ("val_accuracy",),
            [(call.number, list(call.seen)) for call in calls],
            _SEED,
        )
        for call, again in zip(calls, found, strict=True):
            assert again == call.proposal, (
                f"trial {call.number}: another process proposed something else for the same history and generator "
                f"(a set or dict walked in the order of hashes?): {again} instead of {call.proposal}"
            )

    def test_global_random_states_are_left_alone(self, space: str) -> None:
        """``random`` and ``numpy.random`` belong to the user's program."""
        before = global_states()
        run_search(self.make(), self._problem(space), min(self.trials, 20), seed=1)
        for name, state, own in zip(("random", "numpy.random"), global_states(), before, strict=True):
            assert state == own, (
                f"the global state of {name} was changed: draw from rng, call DEAP's operators within deap_random"
            )

    def test_nothing_that_is_given_is_changed(self, space: str) -> None:
        """History, problem and settings are read, not changed."""
        algorithm, problem = self.make(), self._problem(space)
        settings, fingerprint = json.dumps(algorithm.to_json()), problem.space.fingerprint
        step = algorithm.bind(problem)
        for index in self._samples(space):
            call = self._search(space).asked[index]
            seen = History(list(call.seen), call.seen.objectives)
            step(seen, generator(_SEED, Purpose.PROPOSAL, call.number))
            assert list(seen) == list(call.seen), f"trial {call.number}: the algorithm changed the history it was given"
        assert json.dumps(algorithm.to_json()) == settings, "the algorithm changed its own settings"
        assert problem.space.fingerprint == fingerprint, "the algorithm changed the space"
        assert problem.epochs == self.epochs, "the algorithm changed the problem"

    # -- what is proposed ------------------------------------------------------------------------
    @pytest.mark.parametrize("concurrency", [1, 4])
    def test_proposals_are_genomes_of_the_space(self, space: str, concurrency: int) -> None:
        """Every genome is valid, and is trained for at least one epoch and at most the full length."""
        made = self._space(space)
        for trial in self._search(space, concurrency).history:
            proposal = trial.proposal
            assert isinstance(proposal, Proposal), (
                f"trial {trial.number}: expected a Proposal, got {type(proposal).__name__}"
            )
            made.validate(proposal.genome)
            assert 0 <= proposal.first_epoch < proposal.last_epoch <= self.epochs, (
                f"trial {trial.number}: trains from epoch {proposal.first_epoch} to {proposal.last_epoch}; "
                f"expected to end after it began, and by the full length {self.epochs}"
            )
            for parent in proposal.parents:
                assert 0 <= parent < trial.number, f"trial {trial.number}: parent {parent} is no earlier trial"

    @pytest.mark.parametrize("concurrency", [1, 4])
    def test_no_phenotype_is_trained_twice(self, space: str, concurrency: int) -> None:
        """A phenotype that is known is proposed again only to continue it, or as a replicate."""
        made = self._space(space)
        known: dict[str, int] = {}
        for trial in self._search(space, concurrency).history:
            key, proposal = made.key(trial.genome), trial.proposal
            assert key not in known or proposal.continues is not None or proposal.replicate, (
                f"trial {trial.number} proposes the phenotype of trial {known.get(key)} again, neither continuing it "
                f"nor as a replicate: {trial.genome}"
            )
            known.setdefault(key, trial.number)

    @pytest.mark.parametrize("concurrency", [1, 4])
    def test_only_completed_trials_are_continued_where_they_ended(self, space: str, concurrency: int) -> None:
        """A continuation begins at the epoch at which a completed trial of its phenotype ended."""
        made = self._space(space)
        for call in self._search(space, concurrency).asked:
            proposal = call.proposal
            if proposal is None:
                continue
            where = f"trial {call.number}"
            if proposal.inherits is not None:
                assert 0 <= proposal.inherits < call.number and call.seen[proposal.inherits].completed, (
                    f"{where}: inherits from trial {proposal.inherits}, which is not seen to have completed"
                )
            if proposal.continues is None:
                assert proposal.first_epoch == 0, (
                    f"{where}: begins at epoch {proposal.first_epoch} but continues no trial; expected 0"
                )
                continue
            assert 0 <= proposal.continues < call.number, f"{where}: continues {proposal.continues}, no earlier trial"
            source = call.seen[proposal.continues]
            assert source.completed, (
                f"{where}: continues trial {source.number}, which is not seen to have completed: there is no state"
            )
            assert proposal.first_epoch == source.epochs, (
                f"{where}: continues trial {source.number} at epoch {proposal.first_epoch}, but that trial ended at "
                f"epoch {source.epochs}"
            )
            assert made.key(source.genome) == made.key(proposal.genome), (
                f"{where}: continues trial {source.number}, which trained another phenotype"
            )
            assert not source.proposal.final, (
                f"{where}: continues trial {source.number}, a final one, whose learning rate has decayed to its end"
            )

    def test_initial_genomes_come_first(self, space: str) -> None:
        """``initial`` genomes are the first that are proposed, in their order, each phenotype once."""
        made = self._space(space)
        given: list[Genome] = []
        rng = np.random.default_rng(3)
        while len(given) < 3:
            genome = made.sample(rng)
            if made.key(genome) not in {made.key(other) for other in given}:
                given.append(genome)
        algorithm = dataclasses.replace(self.make(), initial=(*given, given[0]))
        for concurrency in (1, 3):
            search = run_search(algorithm, self._problem(space), 12, seed=_SEED, concurrency=concurrency)
            new = [proposal.genome for proposal in search.proposals if proposal.continues is None]
            _same(new[:3], given, "initial: expected the given genomes first, in their order")

    # -- whatever happens ------------------------------------------------------------------------
    @pytest.mark.parametrize("misfortune", list(MISFORTUNES))
    def test_the_search_survives(self, misfortune: str) -> None:
        """If every trial goes wrong, it continues with further genomes (on the last of the spaces)."""
        made, training = self._space(self._last()), MISFORTUNES[misfortune]
        search = run_search(self.make(), self._problem(self._last()), 16, concurrency=2, training=training)
        assert search.exhausted is None, f"{misfortune}: the search ended with {search.exhausted!r}"
        for trial in search.history:
            made.validate(trial.genome)
            continued = trial.proposal.continues
            assert continued is None or search.history[continued].completed, (
                f"{misfortune}: trial {trial.number} continues trial {continued}, which did not complete"
            )

    @pytest.mark.parametrize("concurrency", [1, 3])
    def test_a_finite_space_ends_with_space_exhausted_error(self, concurrency: int) -> None:
        """When every phenotype has been trained, SpaceExhaustedError says so; before that, nothing does."""
        space = self.small_space()
        size = space.size()
        assert size is not None, "small_space: expected a space whose size is known"
        problem = Problem(space, self.epochs, Objectives("val_accuracy"))
        search = run_search(self.make(), problem, 40 * size, concurrency=concurrency)
        assert search.exhausted is not None, (
            f"{len(search.history)} trials were proposed in a space of {size} phenotypes: expected SpaceExhaustedError"
        )
        found = len({space.key(trial.genome) for trial in search.history})
        assert found == size, f"SpaceExhaustedError after {found} of {size} phenotypes"

    def test_it_waits_only_while_something_is_pending(self, space: str) -> None:
        """None means: not before another outcome. Where none is pending, it would be for ever."""
        for concurrency in (1, 4):
            for call in self._search(space, concurrency).asked:
                assert call.proposal is not None or call.seen.pending() or self._search(space, concurrency).exhausted, (
                    f"trial {call.number}: the algorithm waits although no outcome is pending"
                )

    # -- settings, programs around it, workers ---------------------------------------------------
    def test_settings_come_back_from_json(self) -> None:
        """A campaign stores its algorithm as JSON, and makes it again from that."""
        genome = self.small_space().default()
        for algorithm in (self.make(), dataclasses.replace(self.make(), initial=(genome,))):
            record = json.loads(json.dumps(algorithm.to_json()))
            name = record.pop("algorithm", None)
            assert name == type(algorithm).__name__, f"to_json: 'algorithm' must be the class's name, got {name!r}"
            record["initial"] = [Genome.from_json(one) for one in record.get("initial", ())]
            settings = {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}
            again = type(algorithm)(**settings)
            assert again == algorithm, f"settings that went through JSON make another algorithm: {again}, {algorithm}"

    @pytest.mark.parametrize("concurrency", [1, 4])
    def test_ask_and_tell_equals_the_campaign(self, space: str, concurrency: int) -> None:
        """A program that asks and tells gets what a campaign would have done."""
        found = self._asked_and_told(space, concurrency, lambda waiting: 0)
        expected = self._search(space, concurrency).proposals
        _same(found, expected, "asked and told, the algorithm proposed something else than in a campaign")

    def test_one_worker_equals_several(self, space: str) -> None:
        """With ordered look-ahead, the order in which outcomes come back changes nothing."""
        found = self._asked_and_told(space, 4, lambda waiting: waiting - 1)
        expected = self._search(space, 4).proposals
        _same(found, expected, "outcomes that came back newest first changed what was proposed")

    def test_several_objectives_are_searched(self, space: str) -> None:
        """With two objectives, the search is valid and can be repeated."""
        if not self.several_objectives:
            pytest.skip("several_objectives is False")
        made, names = self._space(space), ("val_accuracy", "-parameters")
        first, again = (
            run_search(self.make(), Problem(made, self.epochs, Objectives(names)), self.trials, concurrency=2)
            for _ in range(2)
        )
        assert len(first.history) == self.trials or first.exhausted, "the search ended early"
        _same(again.proposals, first.proposals, "with two objectives, a second search proposed something else")
        for trial in first.history:
            made.validate(trial.genome)

    def test_constraints_are_searched_under(self) -> None:
        """With a constraint that some trials break, the search is valid and can be repeated."""
        made, wanted = self._space(self._last()), ("val_accuracy", "val_accuracy <= 0.5")
        first, again = (
            run_search(self.make(), Problem(made, self.epochs, Objectives(wanted)), self.trials, concurrency=2)
            for _ in range(2)
        )
        assert len(first.history) == self.trials or first.exhausted, "the search ended early"
        _same(again.proposals, first.proposals, "with a constraint, a second search proposed something else")
        for trial in first.history:
            made.validate(trial.genome)

    def test_preferences_are_searched_with(self) -> None:
        """In a space with a preference, the search is valid and can be repeated, also by a fresh binding."""
        plain = self._space(self._last())
        fields = list(plain.field_domains().items())
        if not fields:
            pytest.skip("the space has no fields")
        made = plain.prefer(fields[0][0], fields[0][1].default).prefer(fields[-1][0], [fields[-1][1].default])
        first, again = (
            run_search(self.make(), Problem(made, self.epochs, Objectives("val_accuracy")), self.trials, concurrency=2)
            for _ in range(2)
        )
        assert len(first.history) == self.trials or first.exhausted, "the search ended early"
        _same(again.proposals, first.proposals, "with preferences, a second search proposed something else")
        call = first.asked[-1]
        fresh = self.make().bind(Problem(made, self.epochs, Objectives("val_accuracy")))
        if call.proposal is not None:
            found = fresh(call.seen, generator(0, Purpose.PROPOSAL, call.number))
            assert found == call.proposal, "with preferences, a fresh binding proposed something else"
        for trial in first.history:
            made.validate(trial.genome)

    def test_a_budget_of_time_changes_no_rule(self) -> None:
        """Where minutes alone end the campaign, proposals are valid and no phenotype is trained twice."""
        space = self._space(self._last())
        problem = Problem(space, self.epochs, Objectives("val_accuracy"), seconds=30.0)
        known: set[str] = set()
        for trial in run_search(self.make(), problem, 20, concurrency=2).history:
            space.validate(trial.genome)
            proposal, key = trial.proposal, space.key(trial.genome)
            assert key not in known or proposal.continues is not None or proposal.replicate, (
                f"trial {trial.number}: under a budget of time a known phenotype is trained again"
            )
            known.add(key)

    # -- shared ----------------------------------------------------------------------------------
    def _space(self, name: str) -> Space:
        """A space by its name; made once."""
        if type(self) not in _SPACES:
            _SPACES[type(self)] = self.spaces()
        return _SPACES[type(self)][name]

    def _last(self) -> str:
        return next(reversed(self.spaces()))

    def _problem(self, space: str) -> Problem:
        return Problem(self._space(space), self.epochs, Objectives("val_accuracy"))

    def _search(self, space: str, concurrency: int = 1) -> SimulatedSearch:
        """One search for all checks that only look at it."""
        key = (type(self), repr(self.make()), space, concurrency)
        if key not in _SEARCHES:
            _SEARCHES[key] = run_search(
                self.make(), self._problem(space), self.trials, seed=_SEED, concurrency=concurrency
            )
        return _SEARCHES[key]

    def _samples(self, space: str) -> list[int]:
        """Some of the calls: the first ones, and some later ones."""
        calls = len(self._search(space).asked)
        return sorted({0, 1, calls // 4, calls // 2, 3 * calls // 4, calls - 1} & set(range(calls)))

    def _asked_and_told(self, space: str, concurrency: int, order: Callable[[int], int]) -> list[Proposal]:
        made = self._space(space)
        search = AskTell(self.make(), made, "val_accuracy", _SEED, concurrency, self.epochs)
        waiting = []
        while len(search.history) < self.trials:
            try:
                trial = search.ask()
            except SpaceExhaustedError:
                break
            if trial is not None:
                waiting.append(trial)
                continue
            assert waiting, f"trial {len(search.history)}: the algorithm waits although no outcome is pending"
            told = waiting.pop(order(len(waiting)))
            search.tell(told.number, simulated_training(made, told))
        return [trial.proposal for trial in search.history]


_SPACES: dict[type, dict[str, Space]] = {}
_SEARCHES: dict[tuple[Any, ...], SimulatedSearch] = {}


def _same(found: list[Any], expected: list[Any], promise: str) -> None:
    """Fail with the first difference."""
    for number, (one, other) in enumerate(zip(found, expected, strict=False)):
        assert one == other, f"{promise}: number {number} is {one}, expected {other}"
    assert len(found) == len(expected), f"{promise}: {len(found)} instead of {len(expected)}"

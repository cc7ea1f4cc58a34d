"""Rules of the lent global states: what pure operators draw from, within a proposal and outside of one."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from evo.algorithms.toolbox import GlobalRandom
from evo.algorithms.toolbox.global_random import current_generator


def states() -> list[str]:
    return [repr(random.getstate()), repr(np.random.get_state())]  # noqa: NPY002


def test_within_a_proposal_pure_operators_draw_from_its_generator() -> None:
    first, second = np.random.default_rng(1), np.random.default_rng(2)
    with GlobalRandom(first) as streams:
        assert current_generator() is first is streams.rng
        with GlobalRandom(second):
            assert current_generator() is second
        assert current_generator() is first
        with streams:
            assert current_generator() is first
    assert current_generator() is not first


def test_outside_of_one_they_draw_from_a_generator_that_random_seeds_with_64_bits() -> None:
    random.seed(3)
    found = current_generator().random()
    random.seed(3)
    assert found == np.random.default_rng(random.getrandbits(64)).random()


def test_both_streams_are_seeded_by_two_draws_of_32_bits() -> None:
    first, second = np.random.default_rng(5).integers(2**32, size=2)
    with GlobalRandom(np.random.default_rng(5)):
        found: tuple[Any, Any] = random.random(), np.random.rand()  # noqa: NPY002
    assert found == (random.Random(int(first)).random(), np.random.RandomState(int(second)).rand())


def test_the_states_come_back_and_the_streams_go_on() -> None:
    before = states()
    once = GlobalRandom(np.random.default_rng(5))
    with once:
        expected = [(random.random(), np.random.rand()) for _ in range(3)]  # noqa: NPY002
    streams = GlobalRandom(np.random.default_rng(5))
    found = []
    for _ in range(2):
        with streams:
            found.append((random.random(), np.random.rand()))  # noqa: NPY002
        assert states() == before
    with pytest.raises(KeyError), streams, streams:
        found.append((random.random(), np.random.rand()))  # noqa: NPY002
        raise KeyError
    assert found == expected and states() == before

"""Rules of MAP-Elites: which cell a trial belongs to, who is its elite, and whom a mutant comes from."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evo import Proposal
from evo.algorithms import MapElites, Problem
from evo.algorithms.map_elites import cell, depth
from evo.core.errors import SettingsError
from genomes import Genome
from genomes.genes import Dense, Repeat, Residual
from tests.evo.small_histories import SPACE, Row, done, failed, genome, history_of, waiting, x_of

SIZES = MapElites(descriptors=("parameters",), design=1)


def ask(algorithm: MapElites, *rows: Row, seed: int = 0) -> Proposal:
    found = algorithm.bind(Problem(SPACE, 9))(history_of(*rows), np.random.default_rng(seed))
    assert found is not None and found.last_epoch == 9 and found.final
    return found


def with_latency(row: Row, latency: float) -> Row:
    proposal, outcome = row
    assert outcome is not None
    return proposal, dataclasses.replace(outcome, scores={**outcome.scores, "latency": latency})


@given(st.lists(st.tuples(st.integers(1, 10_000), st.floats(0, 1)), min_size=1, max_size=30))
@settings(deadline=None)
def test_the_archive_is_the_best_of_every_doubling(trained: list[tuple[int, float]]) -> None:
    rows = [done((n + 0.5) / 64, score, parameters=size) for n, (size, score) in enumerate(trained)]
    best: dict[int, float] = {}
    for size, score in trained:
        place = size.bit_length() - 1
        best[place] = max(best.get(place, -math.inf), score)
    archive = SIZES.archive(history_of(*rows), SPACE)
    assert {place: trained[number][1] for (place,), number in archive.items()} == best
    assert [trained[n][1] for n in archive.values()] == sorted(best.values(), reverse=True)


def test_a_cell_has_a_coordinate_for_each_descriptor_and_none_where_nothing_is_known() -> None:
    rows = [with_latency(done(0.1, 0.5, parameters=1024), 0.26), done(0.2, 0.4)]
    history = history_of(*rows)
    names = ("latency", "parameters", "depth", "flops")
    assert cell(history[0], names) == (-2, 10, 1, None)
    assert cell(history[1], names) == (None, None, 1, None)
    assert len(MapElites().archive(history, SPACE)) == 2


def test_depth_counts_the_longest_path() -> None:
    dense = Dense()
    assert depth(()) == 0
    assert depth((dense, Residual(body=(dense, dense)), dense)) == 4
    assert depth((Repeat(body=(Residual(body=(dense,)),)),)) == 1


def test_a_history_of_any_algorithm_has_an_archive_without_failures_and_short_trainings() -> None:
    rows = [
        done(0.1, 0.9, 3, parameters=8),
        done(0.2, 0.4, 9, parameters=9),
        done(0.3, 0.5, 9, parameters=100),
        failed(0.4),
        waiting(0.5),
        done(0.6, math.nan, 9, parameters=5),
    ]
    assert SIZES.archive(history_of(*rows), SPACE) == {(6,): 2, (3,): 1}
    assert SIZES.archive(history_of(failed(0.1)), SPACE) == {}


def test_parents_are_drawn_uniformly_from_the_elites() -> None:
    rows = [done(0.1, 0.9, 9, parameters=4), done(0.2, 0.8, 9, parameters=5), done(0.3, 0.1, 9, parameters=64)]
    parents = Counter(ask(SIZES, *rows, seed=seed).parents for seed in range(60))
    assert set(parents) == {(0,), (2,)} and min(parents.values()) > 15


def test_it_begins_with_what_is_given_and_a_design() -> None:
    three = MapElites(design=3, initial=(genome(0.7),))
    assert (x_of(ask(three).genome), ask(three).origin) == (0.7, "initial")
    assert ask(three, done(0.7, 0.9)).parents == ()
    assert ask(three, done(0.7, 0.9), done(0.2, 0.1)).origin == "initial"
    assert len(ask(three, done(0.7, 0.9), done(0.2, 0.1), done(0.4, 0.2)).parents) == 1


def test_without_an_elite_it_draws_at_random() -> None:
    assert (ask(SIZES, failed(0.1)).origin, ask(SIZES, failed(0.1)).parents) == ("random", ())


def test_an_empty_genome_has_no_depth() -> None:
    assert depth(Genome(()).genes) == 0


@pytest.mark.parametrize(
    "setting",
    [{"design": 0}, {"descriptors": ()}, {"descriptors": ("width",)}, {"descriptors": ("depth", "depth")}],
)
def test_settings_out_of_range(setting: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(setting))):
        MapElites(**setting)


def test_one_descriptor_may_be_given_by_name() -> None:
    assert MapElites(descriptors="depth").descriptors == ("depth",)  # type: ignore[arg-type]

"""What a user prefers of fields: what is drawn, what agrees, what is refused, what is stored."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import pytest

from genomes import Choice, Float, GenomeError, Int, Space, spaces
from genomes.spaces.preferences import Preference

RNG = np.random.default_rng
KIND = Choice(["a", "b", "c", "d"])
RATE = Float(1e-4, 1e-1, log=True)
WIDTH = Int(1, 256, log=True)


def plain() -> Any:
    return spaces.vector({"kind": KIND, "rate": RATE, "width": WIDTH})


def drawn(preference: Preference, domain: Any, count: int = 400) -> list[Any]:
    rng = RNG(0)
    return [preference.draw(domain, rng) for _ in range(count)]


def test_values_are_drawn_by_their_weights() -> None:
    counts = collections.Counter(drawn(Preference.of("kind", {"a": 3, "b": 1, "c": 0, "nothing": 9}), KIND))
    assert set(counts) == {"a", "b"} and 2 < counts["a"] / counts["b"] < 4.5
    assert set(drawn(Preference.of("kind", ["a", "d"]), KIND)) == {"a", "d"}
    assert set(drawn(Preference.of("kind", "c"), KIND)) == {"c"}
    assert set(drawn(Preference.of("rate", [1e-3, 1e-2]), RATE)) == {1e-3, 1e-2}


def test_around_one_number_others_are_drawn() -> None:
    found = drawn(Preference.of("rate", 1e-3), RATE)
    assert len(set(found)) == 400 and all(RATE.contains(rate) for rate in found)
    assert 7e-4 < float(np.median(found)) < 1.4e-3
    assert 0.6 < np.mean([Preference.of("rate", 1e-3).agrees(RATE, rate) for rate in found]) < 0.76


def test_a_narrower_domain_is_drawn_from() -> None:
    narrow = Preference.of("width", Int(8, 32))
    found = drawn(narrow, WIDTH)
    assert min(found) == 8 and max(found) == 32
    assert [narrow.agrees(WIDTH, width) for width in (7, 8, 20, 32, 33)] == [False, True, True, True, False]


@pytest.mark.parametrize("given", [{"a": 3, "b": 1}, ["a"], "a", Choice(["a"])])
def test_what_is_drawn_more_often_than_before_agrees(given: Any) -> None:
    preference = Preference.of("kind", given)
    assert [preference.agrees(KIND, value) for value in KIND.values] == [True, False, False, False]


def test_nothing_else_of_a_genome_changes() -> None:
    space = plain().prefer("rate", [1e-3])
    for seed in range(20):
        genome = space.sample(RNG(seed))
        leaning = space.leaning(genome, RNG(seed))
        assert space.values(leaning) == {**space.values(genome), "rate": 1e-3}
        assert plain().leaning(genome, RNG(seed)) is genome
        child = space.mutate(leaning, RNG(seed))
        # What a mutation did not touch stays, what it did is drawn.
        again = space.values(space.leaning(child, RNG(seed), before=leaning))
        assert again == {**space.values(child), "rate": 1e-3}


def test_in_a_layered_space_one_name_means_every_gene_that_has_it() -> None:
    box = spaces.image((8, 8, 1), classes=3)
    names = [name for name in box.field_domains() if name.endswith(".filters")]
    assert len(names) > 1
    one, every = box.prefer(names[0], [32]), box.prefer("filters", [32])
    found: dict[str, set[Any]] = {"one": set(), "every": set()}
    for seed in range(40):
        genome = box.sample(RNG(seed))
        for name, space in (("one", one), ("every", every)):
            leaning = space.leaning(genome, RNG(seed))
            box.validate(leaning)
            found[name] |= {(f.field, f.value) for f in space.field_values(leaning).values()}
    assert {value for field, value in found["every"] if field in names} == {32}
    assert {value for field, value in found["one"] if field == names[0]} == {32}
    assert len({value for field, value in found["one"] if field in names[1:]}) > 1


def test_the_last_word_on_a_field_counts_and_the_longer_name_before_the_shorter() -> None:
    space = plain().prefer("kind", "a").prefer("rate", 1e-2).prefer("kind", "b")
    assert [p.field for p in space.preferences] == ["rate", "kind"]
    assert space.values(space.leaning(space.default(), RNG(0)))["kind"] == "b"
    box = spaces.tabular(columns=2, classes=3)
    training = box.training.__name__
    for chosen in (
        box.prefer("batch_size", [32]).prefer(f"{training}.batch_size", [256]),
        box.prefer(f"{training}.batch_size", [256]).prefer("batch_size", [32]),
    ):
        assert chosen.leaning(box.default(), RNG(0)).training.batch_size == 256  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("field", "given", "words"),
    [
        ("rat", 1e-3, "did you mean 'rate'"),
        ("rate", 5.0, "can hold nothing of 5.0"),
        ("kind", ["x", "y"], "can hold nothing"),
        ("kind", [], "at least one value"),
        ("kind", {"a": 0}, "weight above 0"),
        ("kind", {"a": -1}, "weight of 'a'"),
        ("kind", {"a": float("nan")}, "weight of 'a'"),
        ("kind", {"a", "b"}, "a list"),
        ("rate", Float(1e-3, 1.0), "can hold nothing"),
        (3, "a", "no field"),
    ],
)
def test_what_cannot_be_meant_is_refused(field: Any, given: Any, words: str) -> None:
    with pytest.raises(GenomeError, match=words):
        plain().prefer(field, given)


def test_preferences_are_part_of_a_space() -> None:
    space = plain().prefer("rate", 1e-3).prefer("kind", {"a": 3, "b": 1}).prefer("width", Int(8, 32))
    assert "preferences" not in plain().to_json()
    again = Space.from_json(space.to_json())
    assert again.preferences == space.preferences and again.fingerprint == space.fingerprint
    assert again.fingerprint != plain().fingerprint
    assert "rate, kind, width" in space._repr_html_()


@pytest.mark.parametrize(
    "hostile",
    [None, 3, [3], [{}], [{"field": "x", "values": [1]}], [{"field": "rate"}], [{"field": "rate", "values": "ab"}]],
)
def test_hostile_preferences_are_refused_as_such(hostile: Any) -> None:
    with pytest.raises(GenomeError):
        Space.from_json(plain().to_json() | {"preferences": hostile})

"""A short form of ``python -m benchmarks fuzz``: every reader that needs no backend, and cases that failed once."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzzing import cases
from benchmarks.fuzzing.cases import corpus, outcome, run
from benchmarks.fuzzing.reader import Reader
from benchmarks.fuzzing.readers import readers

#: Readers that import a backend or much else, which takes seconds in each process.
SLOW = {"fitted", "fitted.json", "keras", "ensemble", "linear", "report"}
QUICK = sorted(set(readers()) - SLOW)
#: Inputs that once ended in something else than the reader's own errors: benchmarks/fuzzing/corpus.
KEPT = [(name, place) for name in readers() for place in range(len(corpus(name)))]


@pytest.mark.parametrize("name", QUICK)
def test_only_known_errors_within_bounds_and_nothing_outside(name: str) -> None:
    found = run(name, seconds=600, cases=300, seed=1)
    assert found.cases == 300 and not found.failures and (found.read + found.refused) == 300


@pytest.mark.parametrize("name", QUICK)
def test_what_is_changed_was_good(name: str, tmp_path: Path) -> None:
    reader = readers()[name]
    for seed in reader.seeds():
        reader.read(seed, tmp_path)


@pytest.mark.parametrize(("name", "place"), KEPT)
def test_what_failed_once_does_so_no_more(name: str, place: int, tmp_path: Path) -> None:
    assert outcome(readers()[name], corpus(name)[place], tmp_path) in ("read", "refused")


def test_the_corpus_is_of_readers_that_there_are() -> None:
    folder = Path(cases.__file__).with_name("corpus")
    assert {path.name for path in folder.iterdir()} <= set(readers())
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 3_000_000


def test_an_input_is_kept_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cases, "_CORPUS", tmp_path)
    given = [b"\0bytes", {"a": [float("inf"), "\ud800", 10**40]}]
    for value in given:
        cases.keep("one", cases.as_bytes(value))
    assert sorted(map(repr, corpus("one"))) == sorted(map(repr, given))


def test_a_case_that_hangs_or_dies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import time

    def read(value: int, folder: Path) -> None:
        if value == 3:
            os.abort()
        if value == 5:
            time.sleep(60)
        if value == 6:
            raise LookupError("leaked")
        if value == 7:
            (folder.parent / "planted").write_text("outside")

    reader = Reader("numbers", lambda: [0], lambda seed, rng: 0, read, (ValueError,))
    monkeypatch.setattr(cases, "readers", lambda: {"numbers": reader})
    monkeypatch.setattr(cases, "case", lambda reader, seeds, number, seed: number)
    monkeypatch.setattr(cases, "_WAITING", 1)
    found = cases.run("numbers", 30, 8)
    assert {number: what.split(":")[0] for number, what in found.failures.items()} == {
        3: "ended its process", 5: "took too long", 6: "LookupError", 8: "something was written outside",
    }  # fmt: skip

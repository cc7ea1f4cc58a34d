"""A short form of ``python -m benchmarks fuzz``: every reader that needs no backend, and cases that failed once."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzzing.cases import case, outcome, run
from benchmarks.fuzzing.readers import readers

QUICK = sorted(set(readers()) - {"keras", "ensemble"})
#: Cases of seed 0 that once ended in something else than the reader's own errors.
FAILED_ONCE = {
    "space": (148, 352, 527, 1035, 3107, 3403, 4109, 7304),
    "campaign": (1093, 1183, 1375),
    "sessions": (210, 539, 6269),
}


@pytest.mark.parametrize("name", QUICK)
def test_only_known_errors_within_bounds_and_nothing_outside(name: str) -> None:
    found = run(name, seconds=10, cases=300, seed=1)
    assert found.cases == 300 and not found.failures and (found.read + found.refused) == 300


@pytest.mark.parametrize("name", QUICK)
def test_what_is_changed_was_good(name: str, tmp_path: Path) -> None:
    reader = readers()[name]
    for seed in reader.seeds():
        reader.read(seed, tmp_path)


@pytest.mark.parametrize(("name", "number"), [(n, number) for n, numbers in FAILED_ONCE.items() for number in numbers])
def test_what_failed_once_does_so_no_more(name: str, number: int, tmp_path: Path) -> None:
    reader = readers()[name]
    assert outcome(reader, case(reader, reader.seeds(), number, 0), tmp_path) in ("read", "refused")


def test_a_case_that_hangs_or_dies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import time

    from benchmarks.fuzzing import cases
    from benchmarks.fuzzing.readers import Reader

    def read(value: int, folder: Path) -> None:
        if value == 3:
            os.abort()
        if value == 5:
            time.sleep(60)
        if value == 6:
            raise LookupError("leaked")
        if value == 7:
            (folder.parent / "planted").write_text("outside")

    reader = Reader("numbers", lambda: [0], lambda seed, rng: next(numbers), read, (ValueError,))
    numbers = iter(())
    monkeypatch.setattr(cases, "readers", lambda: {"numbers": reader})
    monkeypatch.setattr(cases, "case", lambda reader, seeds, number, seed: number)
    monkeypatch.setattr(cases, "_SECONDS", 1)
    found = cases.run("numbers", 30, 8)
    assert {number: what.split(":")[0] for number, what in found.failures.items()} == {
        3: "ended its process", 5: "took too long", 6: "LookupError", 8: "something was written outside",
    }  # fmt: skip

"""Every algorithm proposes what it proposed when its history was written down, to the last bit.

``golden/`` holds one file per algorithm and space, one line per proposal. What a search proposes
may change only on purpose: then

    EVO_REWRITE_GOLDEN=1 python -m pytest tests/evo/algorithms/test_golden_histories.py

replaces the files (this run fails where one has changed), and they go into a commit of their own that
says why the search decides otherwise. A change of structure leaves them alone.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.evo.algorithms.golden_campaigns import Golden, goldens, replay, spelt

FOLDER = Path(__file__).parent / "golden"
GOLDENS = list(goldens())


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_the_history_is_the_one_written_down(golden: Golden) -> None:
    path = FOLDER / f"{golden.name}.txt"
    found = spelt(golden, *replay(golden)).splitlines()
    known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if os.environ.get("EVO_REWRITE_GOLDEN") == "1" and found != known:
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(found) + "\n", encoding="utf-8")
    differing = [(was, now) for was, now in zip(known, found, strict=False) if was != now]
    if differing:
        was, now = differing[0]
        pytest.fail(f"{path.name}: the first of {len(differing)} lines that changed\nwas {was}\nnow {now}")
    assert len(found) == len(known)


def test_every_file_has_its_campaign() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {golden.name for golden in GOLDENS}

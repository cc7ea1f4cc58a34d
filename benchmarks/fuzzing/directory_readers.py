"""What is shown of a campaign's directory."""

from __future__ import annotations

import ast
import json
import random
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from benchmarks.fuzzing.genome_readers import stored_spaces
from benchmarks.fuzzing.mutations import changed_json
from benchmarks.fuzzing.reader import Reader


# -- the report --------------------------------------------------------------------------
class _Tags(HTMLParser):
    """Tags and attributes of a page that a report does not write."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in ("script", "img", "iframe", "object", "embed", "base", "form", "link", "x"):
            self.foreign.add(tag)
        self.foreign.update(name for name, _ in attrs if name.startswith("on"))


@cache
def _campaign() -> Path:
    """A small campaign's directory, for the life of this process."""
    from benchmarks.fuzzing.storage_readers import stored_records
    from evo.core.trial import Trial
    from evo.storage import CampaignDirectory
    from genomes.genome import Genome

    folder = Path(tempfile.mkdtemp(prefix="evo-fuzz-"))
    content = _shown()[0]["campaign"]
    with CampaignDirectory.create(
        folder / "c",
        settings=content["settings"],
        space=content["space"],
        data_fingerprint={"rows": 3},
        versions=content["versions"],
        session={"budget": {"trials": 6}, "workers": 2},
    ) as directory:
        for record in stored_records():
            trial: Trial = record.trial(Genome.from_json(record.genome))
            directory.record_proposal(Trial(trial.number, trial.proposal), 0)
            directory.record_outcome(trial)
    return folder


@cache
def _shown() -> Sequence[Any]:
    from evo import algorithms
    from evo.campaign.settings import algorithm_json

    settings = {
        "seed": 1, "objectives": ["-val_loss"], "algorithm": algorithm_json(algorithms.AgingEvolution()),
        "population": 5, "keep_weights": 3, "concurrency": 2, "training": {"precision": "auto", "strategy": "auto"},
    }  # fmt: skip
    session = {"started": "2026-11-28", "host": "a", "budget": {"trials": 6}, "workers": 2, "reason": "<x onload=1>"}
    campaign = {"settings": settings, "space": stored_spaces()[2], "versions": {"keras": "3.15.1", "<x>": "'\"&"}}
    return [{"campaign": campaign, "session": session}]


def _read_shown(value: Any, folder: Path) -> None:
    from benchmarks.fuzzing.storage_readers import sealed_json
    from evo.campaign.stored_result import load_result
    from evo.report import html_findings, html_sections
    from evo.report.campaigns import content_of
    from evo.storage.sealed import open_json

    root = folder / "c"
    shutil.copytree(_campaign() / "c", root, dirs_exist_ok=True)
    content = {**open_json((root / "campaign.json").read_bytes()), **value["campaign"]}
    for name in ("campaign.json", "campaign.copy.json"):
        (root / name).write_bytes(sealed_json(content))
    (root / "sessions" / "000001.jsonl").write_text(json.dumps(value["session"]) + "\n")
    shown = content_of(load_result(root), root)
    page = html_findings.reproduction(shown) + html_sections.settings(shown)
    tags = _Tags()
    tags.feed(page)
    assert not tags.foreign, tags.foreign
    python = dict(shown.again)["In Python"]
    kinds = [type(node).__name__ for node in ast.parse(python).body]
    assert kinds == ["Import", "Assign", "Assign", "Expr"], kinds


def _changed_shown(value: Any, rng: random.Random) -> Any:
    while True:
        found = changed_json(value, rng)
        if set(found) >= {"campaign", "session"} and isinstance(found["campaign"], dict):
            return found


def directory_readers() -> list[Reader]:
    """The readers of this file."""
    from evo.core.errors import EvoError
    from genomes.errors import GenomeError

    return [
        Reader("report", _shown, _changed_shown, _read_shown, (EvoError, GenomeError)),
    ]

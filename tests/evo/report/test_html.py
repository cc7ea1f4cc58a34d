from __future__ import annotations

import base64
import hashlib
import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from evo.core.history import History
from evo.display import summary
from evo.ensemble import LibraryModel, build
from evo.ensemble.ensemble import Ensemble
from evo.errors import StorageError
from evo.report import html_trials, plot_style, plots
from evo.report.content import ReportContent
from evo.report.html import render, tables_script, write_report
from tests.evo.display.synthetic_history import make_history

_VOID = {"meta", "br", "link", "image", "use", "path", "rect"}


class Checker(HTMLParser):
    """Open and close tags match, and nothing is fetched from anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("src", "href", "xlink:href") and value:
                assert value.startswith(("#", "data:")), f"{tag} {name}={value}"
            if name == "id" and value and tag == "section":
                self.ids.append(value)
        if tag == "script":
            assert attributes == []
            self.scripts += 1
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def check(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    assert not checker.open
    assert checker.scripts == 1 and f"<script>{tables_script()}</script>" in text
    return checker


def content(history: History, ensemble: bool = True) -> ReportContent:
    order = sorted(history.completed(), key=lambda t: history.rank_key(t.number), reverse=True)[:8]
    formed = None
    if ensemble and len(order) > 1:
        rng = np.random.default_rng(0)
        targets = rng.integers(0, 3, 90)
        candidates = []
        for trial in order:
            predictions = rng.random((90, 3)) + np.eye(3)[targets] * rng.random((90, 1))
            predictions = (predictions / predictions.sum(axis=1, keepdims=True)).astype(np.float32)
            candidates.append(
                LibraryModel(
                    trial.number,
                    predictions,
                    dict(trial.outcome.scores),
                    trial.outcome.parameters,
                    genome=trial.genome,
                    load=lambda: None,
                )
            )
        formed = Ensemble.from_selection(build(candidates, targets, "multiclass", 4, rng=rng), targets)
    best = summary.best(history)
    return ReportContent(
        "runs/<x> & y",
        history,
        [t.number for t in order],
        None if best is None else best.number,
        "The budget is spent.",
        4.2,
        {"seed": 7, "budget": {"epochs": 300}},
        {"keras": "3.15"},
        "a <space>",
        formed,
        ["a remark with <i>markup</i>"],
    )


def test_report_shows_everything_and_fetches_nothing() -> None:
    history = make_history(80, 2)
    text = render(content(history))
    checker = check(text)
    assert checker.ids == [
        "course",
        "running",
        "rungs",
        "trials",
        "curves",
        "best",
        "population",
        "ensemble",
        "every",
        "outcomes",
        "settings",
    ]
    words = "".join(checker.text)
    # What users wrote is shown, never interpreted.
    assert "runs/<x> & y" in words and "a <space>" in words and "worker was killed by signal 9 [/bold] <b>" in words
    assert "<i>" not in text
    for number in content(history).population:
        assert history[number].genome.summary() in words
    # Only namespaces and identifiers name hosts; nothing is loaded from one.
    assert "url(http" not in text and "@import" not in text


def test_a_browser_is_told_to_run_this_script_alone_and_to_ask_nobody() -> None:
    text = render(content(make_history(0, 0), ensemble=False))
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    checksum = base64.b64encode(hashlib.sha256(tables_script().encode()).digest()).decode()
    assert rules["default-src"] == "'none'" and rules["script-src"] == f"'sha256-{checksum}'"
    assert text.index("<meta http-equiv") < text.index("<style>")


def test_every_trial_is_a_row_that_sorts_by_its_values() -> None:
    history = make_history(80, 2)
    text = html_trials.every_trial(content(history, ensemble=False))
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text[text.index("<tbody>") :])
    assert len(rows) == 80
    for trial, row in zip(history, rows, strict=True):
        cells = re.findall(r"<td([^>]*)>(.*?)</td>", row)
        assert cells[0][1] == str(trial.number)
        if trial.completed:
            given = re.search(r'data-value="([^"]*)"', cells[2][0])
            assert given is not None and float(given[1]) == history.fitness(trial.number)[0]
        else:
            assert cells[1][1].startswith("set aside" if trial.outcome is None else trial.outcome.status.value)
            assert cells[2][1] == "–"


def test_of_very_many_trials_the_best_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evo.report.html_trials._SHOWN", 12)
    history = make_history(60, 2)
    text = html_trials.every_trial(content(history, ensemble=False))
    listed = [int(number) for number in re.findall(r'<tr[^>]*><td class="number">(\d+)</td>', text)]
    ranked = sorted(history.completed(), key=lambda t: history.rank_key(t.number), reverse=True)
    assert listed == sorted([58, 59, *(trial.number for trial in ranked[:10])])
    assert "The best 12 of 60 are listed." in text


def test_points_say_what_they_are_where_a_pointer_rests() -> None:
    history = make_history(60, 0)
    for drawn in (plots.best_over_epochs(history), plots.trials(history)):
        text = plot_style.svg(drawn, "points")
        told = re.findall(r"<g><title>trial (\d+), ", text)
        assert sorted(map(int, told)) == [trial.number for trial in history.completed()]
        assert re.findall(r"<a\b[^>]*>", text) == []


def test_same_campaign_gives_same_characters() -> None:
    assert render(content(make_history(40, 1))) == render(content(make_history(40, 1)))


@pytest.mark.parametrize("trials,pending", [(0, 0), (2, 2), (1, 0), (3, 0)])
def test_report_of_a_campaign_that_has_hardly_begun(trials: int, pending: int) -> None:
    check(render(content(make_history(trials, pending), ensemble=False)))


def test_report_with_several_objectives() -> None:
    history = make_history(40, 0, objectives=("-val_loss", "-parameters"))
    assert "lowest val_loss, lowest parameters" in render(content(history))


def test_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    report = content(make_history(1, 0), ensemble=False)
    path = write_report(report, tmp_path / "new" / "report.html")
    assert path.read_text(encoding="utf-8") == render(report)
    assert stat.S_IMODE(path.stat().st_mode) & stat.S_IRUSR
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    with pytest.raises(StorageError, match=r"output: .*taken"):
        (tmp_path / "taken").write_text("")
        write_report(report, tmp_path / "taken" / "report.html")

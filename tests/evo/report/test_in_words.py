"""Plots in words: what is said is what is drawn."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

from evo.core.history import History
from evo.display import formatting, summary
from evo.report import in_words, plots
from evo.report.html import render
from tests.evo.display.synthetic_history import make_history
from tests.evo.report.test_html import content

HISTORY = make_history(60, 0)


def test_the_course_says_its_ends() -> None:
    steps, said = summary.improvements(HISTORY), in_words.course(HISTORY)
    for value in (steps[0].value, steps[-1].value):
        assert formatting.short_value(value) in said
    assert f"{len(steps) - 1} improvements" in said and f"{summary.epochs_done(HISTORY)} epochs" in said
    assert "nothing" in in_words.course(History())


def test_trials_say_how_many_and_how_far() -> None:
    axes = plots.trials(HISTORY).axes[0]
    drawn = [point for group in axes.collections for point in group.get_offsets().tolist()]
    said = in_words.trials(HISTORY)
    assert f"of {len(drawn)} trials" in said
    for value in (min(y for _, y in drawn), max(y for _, y in drawn)):
        assert formatting.short_value(value) in said
    assert in_words.trials(History()).endswith("of 0 trials")


def test_curves_say_where_each_begins_and_ends() -> None:
    best = summary.best(HISTORY)
    assert best is not None
    lines = [line for line in plots.learning_curves(HISTORY, [best.number]).axes[0].lines if line.get_linewidth() > 1]
    values = lines[0].get_ydata()
    ends = f"{formatting.short_value(values[0])} to {formatting.short_value(values[-1])} over {len(values)} epochs"
    assert f"trial {best.number} {ends}" in in_words.curves(HISTORY, [best.number])


def test_a_lineage_names_the_ancestors() -> None:
    best = summary.best(HISTORY)
    assert best is not None
    said = in_words.lineage(HISTORY, best.number)
    for trial in summary.lineage(HISTORY, best.number)[-12:]:
        assert f" {trial.number} ({trial.proposal.origin}, " in said


def test_a_matrix_says_its_ends() -> None:
    values = [[None, 0.25, 0.5], [0.25, None, 0.125], [0.5, 0.125, None]]
    said = in_words.matrix(values, ["3", "7", "9"], "disagreement")
    assert said == "Pairs of members: disagreement, from 0.12 (9 and 7) to 0.5 (9 and 3)"
    assert in_words.matrix([[None]], ["3"], "disagreement") == "Pairs of members: disagreement"


class Attributes(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


def test_what_is_scrolled_is_reached_by_keys_and_what_is_drawn_is_said() -> None:
    text = render(content(HISTORY))
    found = Attributes(text).found
    scrolled = [given for tag, given in found if tag == "figure" or given.get("class") in ("scroll", "scroll tall")]
    assert len(scrolled) >= 6 and all(given["tabindex"] == "0" for given in scrolled)
    drawn = [given["aria-label"] or "" for tag, given in found if tag == "svg"]
    assert len(drawn) >= 4 and all(re.search(r"\d", said) for said in drawn)
    assert all(given.get("scope") in ("col", "row") for tag, given in found if tag == "th")


def test_a_table_that_may_be_wider_than_a_phone_is_scrolled() -> None:
    row = {"name": "x", "members": [], "parameters": 3, "validation": 0.5, "test": 0.5}
    shown = dataclasses.replace(content(HISTORY), judged={"metric": "accuracy", "rows": [row]})
    text = render(shown)
    for place in (found.start() for found in re.finditer("<table", text)):
        columns = text[place : text.index("</tr>", place)].count('scope="col"')
        assert columns < 4 or re.search(r'<div class="scroll( tall)?"[^>]*>$', text[:place]), text[place : place + 200]


def test_colours_follow_the_reader_s_choice_except_on_paper() -> None:
    text = render(content(HISTORY))
    assert "@media screen and (prefers-color-scheme: dark)" in text and "@media print" in text
    dark = text[text.index("prefers-color-scheme") : text.index("* { box-sizing")]
    light = text[text.index(":root") : text.index("@media screen")]
    assert set(re.findall(r"--\w+(?=:)", dark)) == set(re.findall(r"--\w+(?=:)", light))

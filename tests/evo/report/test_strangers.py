"""What a stranger's directory puts into the report and onto the terminal: text, and nothing that is obeyed."""

from __future__ import annotations

import ast
import dataclasses
import io
import shlex
import types
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evo
from evo.campaign.settings import algorithm_json
from evo.cli import main
from evo.commands.predict import no_formula
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.display.console import console, printable
from evo.display.formatting import plain
from evo.report.content import ReportContent
from evo.report.html import render, tables_script
from evo.report.reproduction import as_python, installation
from evo.storage.sealed import open_json, seal_json
from tests.evo.simulated_campaigns import campaign, space

HOSTILE = "<img src=x onerror=alert(1)>'\"&<script>alert(2)</script>\x1b]0;x\x07\x1b[2J\u202e"
CODE = "x\nimport os; os.system('id')  #"


class Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.add(tag)
        self.attributes.update(name for name, _ in attrs)


def history() -> History:
    found = History((), Objectives("val_accuracy"))
    for number in range(12):
        genome = space().sample(np.random.default_rng(number))
        scores = {"val_accuracy": 0.1 + number / 20, HOSTILE: 0.5}
        status = Status.FAILED if number % 4 == 3 else Status.COMPLETED
        outcome = Outcome(status, scores, {HOSTILE: (0.5,), "val_accuracy": (0.5,)}, 1, 3, 4, HOSTILE)
        found.append(Trial(number, Proposal(genome, 0, 1, origin=HOSTILE), outcome))
    return found


def test_names_in_the_report_are_text() -> None:
    content = ReportContent(
        title=HOSTILE,
        history=history(),
        population=[0, 1],
        best=2,
        reason=HOSTILE,
        minutes=1.0,
        settings={HOSTILE: HOSTILE, "nested": {HOSTILE: [HOSTILE]}},
        environment={HOSTILE: HOSTILE},
        space=HOSTILE,
        remarks=(HOSTILE,),
        judged={
            "metric": HOSTILE,
            "rows": [{"name": HOSTILE, "members": [HOSTILE], "parameters": 3, "validation": 0.5}],
        },
        again=((HOSTILE, HOSTILE),),
    )
    page = render(content)
    tags = Tags()
    tags.feed(page)
    assert page.count("<script") == 1 and f"<script>{tables_script()}</script>" in page
    assert not tags.found & {"img", "iframe", "object", "embed", "base", "form", "link"}
    assert not {name for name in tags.attributes if name.startswith("on") or name in ("src", "srcdoc", "action")}


def statements(text: str) -> list[str]:
    return [type(node).__name__ for node in ast.parse(text).body]


@pytest.mark.parametrize(
    ("settings", "budget"),
    [
        ({"algorithm": {"algorithm": CODE}}, {"trials": 3}),
        ({"algorithm": {"algorithm": "RandomSearch", CODE: 1}}, {"trials": 3}),
        ({"seed": CODE, "objectives": [CODE], "training": {CODE: CODE}, CODE: CODE}, {"trials": 3}),
        ({"algorithm": algorithm_json(evo.algorithms.RandomSearch())}, {"trials=1); import os; dict(a": 1}),
        ({"algorithm": [], "training": 3}, [CODE]),
        ({}, {"trials": CODE, "epochs": 4}),
    ],
)
def test_the_python_that_runs_it_again_holds_no_other_python(settings: dict[str, Any], budget: Any) -> None:
    text = as_python(Path("runs/a"), settings, budget)
    assert statements(text) == ["Import", "Assign", "Assign", "Expr"] and "\n" not in ast.unparse(
        ast.parse(text).body[0]
    )
    calls = [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    assert not any(isinstance(call, ast.Name) or "os" in ast.unparse(call).split(".") for call in calls)


@pytest.mark.parametrize(
    "version", ["1; rm -rf /", "1 --index-url http://x", "@ http://x/y.whl", "\n", "$(id)", 3, None]
)
def test_packages_to_install_have_versions(version: Any) -> None:
    line = installation({"keras": version, "numpy": "2.4.1", "evil": "1.0"})
    assert shlex.split(line) in (["pip", "install", "numpy==2.4.1"], ["pip", "install", "keras==3", "numpy==2.4.1"])


def test_what_is_printed_moves_no_cursor_and_turns_no_line() -> None:
    file = io.StringIO()
    printing = console(file=file, force_terminal=True, width=200)
    printing.print(HOSTILE, markup=False, style="bold")
    shown = file.getvalue()
    assert "\x1b[2J" not in shown and "\x1b]0" not in shown and "\x07" not in shown and "\u202e" not in shown
    assert "\x1b[1m" in shown  # its own
    plain = io.StringIO()
    console(file=plain).print(":x: [b]", markup=False)
    assert plain.getvalue() == ":x: [b]\n"
    assert printable("naïve 日本語 👩\u200d🔬\ttab\nline") == "naïve 日本語 👩\u200d🔬\ttab\nline"


def test_show_and_errors_print_no_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "c"
    campaign(root, budget=evo.Budget(trials=3)).run()
    file = root / "campaign.json"
    content = open_json(file.read_bytes())
    content["versions"] = {"\x1b[31m[/x]": "\x1b]0;title\x07"}
    for name in ("campaign.json", "campaign.copy.json"):
        (root / name).write_bytes(seal_json(content))
    capsys.readouterr()
    assert main(["show", str(root)]) == 0
    assert main(["show", str(root / "\x1b[2Jno")]) == 2
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err and "[31m[/x]" in said.out


def test_an_origin_is_no_markup() -> None:
    from evo.commands.show import _population

    found = History(
        [
            dataclasses.replace(trial, proposal=dataclasses.replace(trial.proposal, origin="[/bold]\nline"))
            for trial in history()
        ],
        Objectives("val_accuracy"),
    )
    shown = types.SimpleNamespace(
        history=found, population=[types.SimpleNamespace(number=0, epochs=1, genome=found[0].genome)]
    )
    file = io.StringIO()
    _population(console(file=file, width=300), shown)  # type: ignore[arg-type]
    assert "[/bold] line" in file.getvalue()


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("http://x")', "@SUM(1)", "=cmd|'/C calc'!A0", "-2+3+cmd|' /C calc'!A0", "\t=1(2)"]
)
def test_a_label_that_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert no_formula(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["+", "-", "-1", "-1.5e3", "=", "yes", "a=b(c)", "@home", "<=50K", ">50K", "-1 to 0", 3, True]
)
def test_other_labels_stay_as_they_are(text: Any) -> None:
    assert no_formula(text) is text


def test_settings_nested_without_end_are_cut() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = {"a": [deep]}
    assert len(plain(deep)) < 200 and plain({"a": [1, {"b": 2.5}]}) == "a=1, b=2.5"
    text = as_python(Path("runs/a"), {"objectives": deep, "seed": 1}, None)
    assert statements(text) == ["Import", "Assign", "Assign", "Expr"] and "seed=1" in text

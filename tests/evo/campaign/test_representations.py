"""What a terminal and a notebook show of a campaign and of what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evo
from evo.core.objectives import Objectives
from evo.ensemble import Ensemble
from evo.ensemble.member import Member
from genomes import Genome
from tests.evo.simulated_campaigns import campaign
from tests.evo.small_histories import done, failed, genome, history_of, waiting
from tests.genomes.test_drawing import Elements

Undisturbed = tuple[evo.Result, dict[str, bytes]]


def shown(thing: Any) -> str:
    """The HTML, every element of which is closed."""
    text: str = thing._repr_html_()
    assert "div" in Elements(text).seen
    return text


def test_a_history_counts_what_became_of_its_trials() -> None:
    history = history_of(done(0.1, 0.5), done(0.2, 0.7), failed(0.3), waiting(0.4))
    assert repr(history) == "History(4 trials: 2 completed, 1 failed, 1 pending; val_accuracy)"
    assert repr(history_of()) == "History(0 trials: none; val_accuracy)"
    assert "0.7" in shown(history) and "pending" in shown(history) and "earlier" not in shown(history)
    many = history_of(*(done(n / 30, n / 30) for n in range(30)))
    assert "and 10 earlier ones" in shown(many) and Elements(shown(many)).seen.count("tr") == 21


def test_a_trial_says_where_it_comes_from_and_what_came_of_it() -> None:
    history = history_of(done(0.1, 0.5), done(0.25, 0.75, 9, origin="mutation", parents=(0,)), waiting(0.4))
    assert repr(history[1]) == "Trial(1, mutation of 0, epochs 0 to 9, completed, val_accuracy=0.75; x=0.25)"
    assert repr(history[2]) == "Trial(2, random, epochs 0 to 1, pending; x=0.4)"
    assert "0.75" in shown(history[1]) and "mutation" in shown(history[1])


def test_messages_are_no_markup() -> None:
    proposal, _ = failed(0.1)
    outcome = evo.Outcome(evo.Status.FAILED, {"<b>": 1.0}, message="<script>alert(1)</script>")
    history = history_of((proposal, outcome))
    for thing in (history, history[0]):
        assert not {"script", "b"} & set(Elements(shown(thing)).seen)


def test_a_campaign_and_its_result(undisturbed: Undisturbed, tmp_path: Path) -> None:
    result, _ = undisturbed
    best = result.best
    assert repr(best).startswith(f"Individual({best.number}: ") and best.genome.summary() in repr(best)
    assert repr(best) in repr(result) and str(result.directory) in repr(result)
    assert f"Individual of trial {best.number}" in shown(result) and best.genome._repr_html_() in shown(best)
    population = result.population
    assert isinstance(population, list) and repr(population).count("Individual(") == len(population) > 1
    assert Elements(shown(population)).seen.count("tr") == len(population) + 1
    begun = campaign(tmp_path / "<b>")
    assert "b" not in Elements(shown(begun)).seen and "&lt;b&gt;" in shown(begun)
    assert str(begun.directory) in repr(begun)
    empty = evo.Result(tmp_path, begun.space, history_of(failed(0.1)), "stopped")
    assert "1 failed" in repr(empty) and "1 failed" in shown(empty)


def test_what_was_not_asked_for_is_not_shown() -> None:
    assert repr(evo.Budget(trials=8)) == "Budget(trials=8)"
    assert repr(evo.Budget(epochs=300, minutes=2.5)) == "Budget(epochs=300, minutes=2.5)"
    objectives = Objectives(["val_accuracy", "-parameters", "latency <= 0.005"])
    assert repr(objectives) == "Objectives('val_accuracy', '-parameters', 'latency <= 0.005')"
    member = Member(print, 7, 0.25, kind="trees")
    assert repr(member) == "Member(7: weight 0.25; trees)"


def test_the_table_of_trials_is_readable(undisturbed: Undisturbed) -> None:
    result, _ = undisturbed
    frame = result.to_dataframe(full=True)
    assert list(frame["genome"]) == [trial.genome.summary() for trial in result.trials]
    assert "genome_json" not in frame and "seconds_train" in frame
    short = result.to_dataframe()
    told = ["message"] if any(trial.outcome.message for trial in result.trials) else []
    assert list(short) == ["number", "val_accuracy", "parameters", "origin", "status", *told, "epochs", "genome"]
    for whole, cut in zip(frame["genome"], short["genome"], strict=True):
        assert cut == whole if len(whole) <= 36 else whole.startswith(cut[:35])
    with pd.option_context("display.width", 80, "display.max_columns", 0):
        printed = repr(short.assign(genome="x" * 36, number=10_000 + short["number"]))
    assert printed.splitlines()[0].split() == ["number", "val_accuracy", "...", "epochs", "genome"]
    texts = result.to_dataframe(genome_json=True)["genome_json"]
    assert [Genome.from_json(text) for text in texts] == [trial.genome for trial in result.trials]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (evo.Data(np.zeros((10, 4), np.float32), np.arange(10) % 2), ["(4,) per row, float32", "training rows"]),
        (evo.Data({"<b>": np.zeros((10, 2, 2))}, np.arange(10) % 2), ["x[&#x27;&lt;b&gt;&#x27;]", "(2, 2) per row"]),
        (evo.Data(pd.DataFrame({"a": range(10), "<b>": 1}), np.arange(10) % 2, folds=2), ["2 columns: a, &lt;b&gt;"]),
    ],
)
def test_data(data: evo.Data, words: list[str]) -> None:
    text = shown(data)
    assert all(word in text for word in words) and "b" not in Elements(text).seen


def test_an_ensemble_shows_its_members() -> None:
    members = [
        Member(lambda: None, 3, genome=genome(0.3), scores={"val_accuracy": 0.875, "loss": 1.0}, parameters=1234),
        Member(lambda: None, 5, kind="trees"),
    ]
    text = shown(Ensemble(members, [3, 1], task="multiclass"))
    assert all(word in text for word in ("0.75", "0.875", "1,234", "x=0.3", "trees")) and "loss" not in text

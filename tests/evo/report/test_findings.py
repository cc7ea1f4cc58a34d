"""What the report says that was found out: importance, gains, the Pareto front, calibration, test scores."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import genomes
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.display import formatting, summary
from evo.ensemble.calibration import reliability
from evo.report import ancestry, in_words, plots
from evo.report.html import render
from evo.report.importance import field_importance
from genomes.spaces.vector import vector
from tests.evo.display.synthetic_history import SPACE, make_history
from tests.evo.report.test_html import check, content

FIELDS = vector(
    {"tells": genomes.Float(0.0, 1.0), "idle": genomes.Float(0.0, 1.0), "kind": genomes.Choice(["a", "b", "c"])}
)


def searched(score, trials: int = 120, seed: int = 0) -> History:
    """Random trials of :data:`FIELDS` that score what a function of their values gives."""
    rng = np.random.default_rng(seed)
    history = History((), Objectives("val_accuracy"))
    for number in range(trials):
        genome = FIELDS.sample(rng)
        values = {name: value for gene in genome.genes for name, value in gene.values.items()}
        history.append(Trial(number, Proposal(genome)))
        history.tell(number, Outcome(Status.COMPLETED, {"val_accuracy": score(values)}, epochs=1))
    return history


# -- importance ------------------------------------------------------------------------
def test_the_field_that_decides_is_the_most_important() -> None:
    found = field_importance(searched(lambda v: v["tells"]), FIELDS)
    assert found is not None and found.models == 120 and 0.8 < found.foreseen <= 1
    shares = dict(found.fields)
    assert max(shares, key=shares.__getitem__) == "tells"
    assert shares["tells"] > 20 * max([0.0, *(share for name, share in shares.items() if name != "tells")])


def test_a_choice_is_one_field() -> None:
    found = field_importance(searched(lambda v: "abc".index(v["kind"]) + 0.01 * v["tells"]), FIELDS)
    assert found is not None and found.fields[0][0] == "kind"


def test_nothing_is_said_of_noise_or_of_few_trials() -> None:
    noise = np.random.default_rng(5)
    assert field_importance(searched(lambda _: float(noise.random())), FIELDS) is None
    assert field_importance(searched(lambda v: v["tells"], trials=19), FIELDS) is None
    assert field_importance(History(), FIELDS) is None
    assert field_importance(searched(lambda v: 0.5), FIELDS) is None


def test_the_same_history_gives_the_same_numbers() -> None:
    assert field_importance(make_history(60, 0), SPACE) == field_importance(make_history(60, 0), SPACE)


# -- gains -----------------------------------------------------------------------------
@pytest.mark.parametrize("objective,sign", [("val_accuracy", 1), ("-val_loss", -1)])
def test_a_gain_is_the_difference_after_as_many_epochs(objective: str, sign: int) -> None:
    history = make_history(60, 0, objectives=objective)
    seen = set()
    for trial in history.completed():
        name, steps = ancestry.steps(history, trial.number)
        assert name == objective.lstrip("-")
        assert [step.number for step in steps] == [t.number for t in summary.lineage(history, trial.number)]
        step = steps[-1]
        if step.source is None or step.gained is None:
            continue
        seen.add(step.origin)
        values = dict(zip(*plots.curve(history, step.number, name), strict=True))
        if step.origin == "promotion":
            before = values[trial.proposal.first_epoch]
        else:
            before = dict(zip(*plots.curve(history, step.source, name), strict=True))[step.epochs]
        assert step.gained == pytest.approx(sign * (values[step.epochs] - before))
        assert step.value == pytest.approx(values[step.epochs])
    assert seen == {"mutation", "promotion"}


def test_every_step_of_the_family_is_a_row() -> None:
    shown = content(make_history(60, 0), ensemble=False)
    assert shown.best is not None
    text = render(shown)
    check(text)
    assert "What every step gained" in text
    for step in ancestry.steps(shown.history, shown.best)[1]:
        for line in step.changed[:8]:
            assert line.split(" →")[0] in text


# -- the other sections ------------------------------------------------------------------
def test_the_front_is_drawn_listed_and_said() -> None:
    history = make_history(50, 0, objectives=("val_accuracy", "-parameters"))
    longest = max(t.epochs for t in history.completed())
    front = [t.number for t in history.completed() if t.epochs == longest][:3]
    shown = dataclasses.replace(content(history, ensemble=False), pareto=front)
    text = render(shown)
    assert '<section id="front">' in text
    check(text)
    drawn = plots.pareto(history, front).axes[0].lines[0]
    for x, y in zip(drawn.get_xdata(), drawn.get_ydata(), strict=True):
        assert any(history.fitness(n)[:2] == (y, -x) for n in front)
    said = in_words.pareto(history, front)
    assert f"{len(front)} models" in said and summary.short_score(history.fitness(front[0])[0], "val_accuracy") in said
    one = dataclasses.replace(content(make_history(50, 0), ensemble=False), pareto=front)
    assert '<section id="front">' not in render(one)


def test_test_scores_are_shown_where_there_are_some() -> None:
    row = {"name": "chosen <ensemble>", "members": ["trial 1", "trial 2"], "parameters": 1234, "validation": 0.75}
    shown = content(make_history(20, 0), ensemble=False)
    with_test = render(dataclasses.replace(shown, judged={"metric": "accuracy", "rows": [{**row, "test": 0.625}]}))
    check(with_test)
    assert "chosen &lt;ensemble&gt;" in with_test and "0.6250" in with_test and "test accuracy" in with_test
    without = render(dataclasses.replace(shown, judged={"metric": "accuracy", "rows": [row]}))
    assert "no test rows were given" in without and "test accuracy" not in without


def test_calibration_is_drawn_and_said() -> None:
    shown = content(make_history(60, 0))
    groups = shown.ensemble.report["calibration"]
    text = render(shown)
    assert "<h3>Calibration</h3>" in text and in_words.reliability(groups)[:40] in text


@pytest.mark.parametrize("task,outputs", [("binary", 1), ("multiclass", 4)])
def test_groups_hold_all_rows_and_their_gap_is_the_calibration_error(task: str, outputs: int) -> None:
    rng = np.random.default_rng(3)
    raw = rng.random((500, outputs)) + 0.01
    probabilities = (raw if outputs == 1 else raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)
    probabilities = np.clip(probabilities, 0, 1)
    targets = rng.integers(0, max(2, outputs), 500)
    judged = targets.astype(np.float32)[:, None] if outputs == 1 else targets
    groups = reliability(probabilities, judged, task)
    assert sum(group["rows"] for group in groups) == 500
    sure = np.maximum(probabilities[:, 0], 1 - probabilities[:, 0]) if outputs == 1 else probabilities.max(axis=1)
    decided = (probabilities[:, 0] > 0.5).astype(int) if outputs == 1 else probabilities.argmax(axis=1)
    overall = math.fsum(group["rows"] * group["right"] for group in groups) / 500
    assert overall == pytest.approx(float((decided == targets).mean()))
    for group in groups:
        rows = np.minimum((sure.astype(np.float64) * 10).astype(int), 9) == min(9, int(group["sure"] * 10))
        assert group["rows"] == rows.sum() and group["sure"] == pytest.approx(float(sure[rows].mean()), rel=1e-5)


def test_numbers_and_several_labels_have_no_calibration() -> None:
    assert reliability(np.zeros((5, 1), np.float32), np.zeros((5, 1), np.float32), "regression") == []
    assert reliability(np.full((5, 2), 0.5, np.float32), np.zeros((5, 2), np.float32), "multilabel") == []


def test_weights_count_rows() -> None:
    probabilities = np.array([[0.95], [0.95], [0.05]], np.float32)
    targets = np.array([[1.0], [0.0], [0.0]], np.float32)
    (group,) = reliability(probabilities, targets, "binary", np.array([2.0, 1.0, 1.0]))
    assert group["right"] == pytest.approx(0.75) and formatting.short_value(group["sure"]) == "0.9500"

"""Ranks, critical differences, tests: against published values and on synthetic tables."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import plots, statistics


def table(seed: int = 0, blocks: int = 12) -> pd.DataFrame:
    frame = pd.DataFrame(np.random.default_rng(seed).random((blocks, 4)), columns=list("abcd"))
    frame["a"] *= 0.3
    return frame


def test_critical_difference_is_that_of_demsar() -> None:
    # Demšar 2006, section 3.2.2: four classifiers on 14 data sets, q = 2.569, CD = 1.25.
    assert statistics.critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert statistics.critical_difference(2, 30) == pytest.approx(1.960 * math.sqrt(6 / 180), rel=1e-3)


@pytest.mark.parametrize("arguments", [(1, 5), (3, 0), (3, 5, 1.5)])
def test_critical_difference_refuses(arguments: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="methods"):
        statistics.critical_difference(*arguments)  # type: ignore[arg-type]


def test_mean_ranks_share_ties() -> None:
    ranks = statistics.mean_ranks(pd.DataFrame({"x": [1.0, 1.0], "y": [1.0, 2.0], "z": [3.0, 3.0]}))
    assert ranks.to_dict() == {"x": 1.25, "y": 1.75, "z": 3.0}
    assert ranks.index[0] == "x"


def test_score_table_leaves_out_incomplete_blocks() -> None:
    frame = pd.DataFrame(
        {"task": ["p", "p", "q"], "method": ["m", "n", "m"], "seed": [1, 1, 1], "error": [0.1, 0.2, 0.3]}
    )
    assert list(statistics.score_table(frame, "error").index) == ["p"]


def test_holm_by_hand() -> None:
    assert statistics.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_monotone_and_never_below_p(p: list[float]) -> None:
    adjusted = statistics.holm(p)
    assert (adjusted >= np.array(p) - 1e-12).all() and (adjusted <= 1).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= -1e-12).all()


def test_wilcoxon_finds_a_real_difference_and_no_other() -> None:
    rng = np.random.default_rng(3)
    base = rng.lognormal(size=30)
    frame = pd.DataFrame({"good": base * 0.7, "same": base * rng.lognormal(0, 0.02, 30), "base": base})
    found = statistics.wilcoxon_holm(frame, "good").set_index("second")
    assert found.loc["base", "ratio"] == pytest.approx(0.7)
    assert found.loc["base", "wins"] == 30 and found.loc["base", "p_holm"] < 1e-5
    pair = statistics.wilcoxon_holm(frame[["same", "base"]])
    assert len(pair) == 1 and pair["p_holm"].iloc[0] > 0.01
    with pytest.raises(ValueError, match="against"):
        statistics.wilcoxon_holm(frame, "missing")


def test_equal_methods_have_p_one() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0]})
    assert statistics.wilcoxon_holm(frame)["p_holm"].iloc[0] == 1.0
    assert statistics.friedman(pd.DataFrame({n: [1.0, 1.0] for n in "abc"})) == 1.0


def test_cliques_are_maximal() -> None:
    ranks = pd.Series({"a": 1.0, "b": 1.5, "c": 2.4, "d": 4.0})
    assert statistics.cliques(ranks, 1.0) == [("a", "b"), ("b", "c")]
    assert statistics.cliques(ranks, 0.1) == []
    assert statistics.cliques(ranks, 5.0) == [("a", "b", "c", "d")]


def test_bootstrap_covers_and_repeats() -> None:
    values = np.random.default_rng(1).normal(5, 1, 50)
    interval = statistics.bootstrap(values, resamples=500)
    assert interval.low < values.mean() < interval.high
    assert interval == statistics.bootstrap(values, resamples=500)
    with pytest.raises(ValueError, match="at least one"):
        statistics.bootstrap([])


def test_best_so_far_and_cost_to_reach() -> None:
    cost, value = np.array([3.0, 1.0, 2.0]), np.array([0.2, 0.5, np.nan])
    assert statistics.best_so_far(cost, value, np.array([0.5, 1, 2, 3, 9])) == pytest.approx(
        [np.nan, 0.5, 0.5, 0.2, 0.2], nan_ok=True
    )
    assert statistics.cost_to_reach(cost, value, 0.3) == 3.0
    assert statistics.cost_to_reach(cost, value, 0.1) == math.inf


def test_geometric_mean_ratio() -> None:
    first, second = pd.Series({"p": 1.0, "q": 4.0}), pd.Series({"q": 2.0, "p": 2.0})
    assert statistics.geometric_mean_ratio(first, second) == pytest.approx(1.0)


def test_plots_are_written_as_png_and_svg(tmp_path) -> None:  # type: ignore[no-untyped-def]
    files = plots.critical_difference(statistics.mean_ranks(table()), 12, tmp_path / "ranks.png")
    rows = [
        {"task": task, "seed": seed, "method": method, "cost": cost, "error": 1 / (cost + seed)}
        for task in "pq"
        for seed in (1, 2)
        for method in "mn"
        for cost in (1, 2, 4)
    ]
    files += plots.anytime(pd.DataFrame(rows), tmp_path / "curves", "cost", "error", log_cost=True)
    assert [path.suffix for path in files] == [".png", ".svg", ".png", ".svg"]
    assert all(path.stat().st_size > 1000 for path in files)
    assert "critical difference" in files[1].read_text()

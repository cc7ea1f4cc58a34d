"""What a comparison says: regrets at given costs, mean ranks, plots, a Markdown report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import plots, statistics, tidy
from benchmarks.search.methods import versions


def with_regret(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds ``regret``: points below the best that is known of the table or that any run found."""
    best = frame.groupby("table")[["recommended", "best"]].transform("max").max(axis=1)
    return frame.assign(regret=best - frame["recommended"])


def at_costs(frame: pd.DataFrame, costs: Sequence[float]) -> pd.DataFrame:
    """The regret of every run at every cost that its budget reached: columns table, method, seed, cost, regret.

    What counts is what the method recommended then, not the least regret that it ever had.
    """
    rows = []
    for (table, method, seed), run in frame.groupby(["table", "method", "seed"], sort=False):
        known, regret = run["cost"].to_numpy(), run["regret"].to_numpy()
        limit = known.max() + 1.0  # the last training may not have fitted in
        for cost in costs:
            place = np.searchsorted(known, cost + 1e-9, side="right") - 1
            if place >= 0 and cost <= limit + 1e-9:
                rows.append((table, method, seed, cost, regret[place]))
    return pd.DataFrame(rows, columns=["table", "method", "seed", "cost", "regret"])


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard error and median of the regret per table, method and cost."""
    grouped = found.groupby(["table", "method", "cost"], sort=False)["regret"]
    table = grouped.agg(["mean", "sem", "median", "count"]).reset_index()
    return table.rename(columns={"sem": "standard_error", "count": "seeds"})


def ranks_at(found: pd.DataFrame, cost: float) -> tuple[pd.Series, int, float]:
    """Mean ranks over tables and seeds at a cost, the number of blocks, and Friedman's p."""
    part = found[found["cost"] == cost]
    seeds = part.groupby("method")["seed"].nunique()
    part = part[part["method"].isin(seeds.index[seeds == seeds.max()])]  # slow ones ran on few seeds only
    table = statistics.score_table(part, "regret", block=("table", "seed"))
    return statistics.mean_ranks(table), len(table), statistics.friedman(table)


def report(frame: pd.DataFrame, costs: Sequence[float], out: Path, title: str) -> str:
    """Write ``results.csv``, ``summary.csv``, plots and ``report.md`` into a folder; returns the report."""
    frame = with_regret(frame)
    found = at_costs(frame, costs)
    table = summary(found)
    tidy.write(out / "results.csv", frame, list(frame.columns))
    tidy.write(out / "summary.csv", table, list(table.columns))
    methods = list(dict.fromkeys(frame["method"]))
    # Regrets of 0 have no place on a log axis: they are drawn at its lower end.
    shown = frame.assign(regret=frame["regret"].clip(lower=1e-3))
    plots.anytime(
        shown,
        out / "regret",
        cost="cost",
        value="regret",
        panel="table",
        cost_label="cost in full trainings",
        value_label="regret in points",
        title=title,
        log_cost=True,
        order=methods,
    )
    lines = [f"# {title}", ""]
    for name, part in table.groupby("table", sort=False):
        lines += [f"## {name}", "", "Mean regret in points (± standard error).", ""]
        lines += _markdown(part, methods, costs)
        lines.append("")
    for cost in costs:
        if found[found["cost"] == cost]["method"].nunique() < 2:
            continue
        ranks, blocks, p = ranks_at(found, cost)
        difference = statistics.critical_difference(len(ranks), blocks)
        lines += [
            f"## Mean ranks at cost {cost:g}",
            "",
            f"{blocks} blocks (table and seed), Friedman's p = {p:.2g}, "
            f"critical difference {difference:.2f} (Nemenyi, 5%).",
            "",
            "| method | mean rank |",
            "|---|---|",
            *(f"| {name} | {rank:.2f} |" for name, rank in ranks.items()),
            "",
        ]
        plots.critical_difference(
            ranks, blocks, out / f"ranks-at-{cost:g}", title=f"{title}: cost {cost:g} ({blocks} blocks)"
        )
    seconds = frame.groupby("method", sort=False)["seconds"].median() * 1000
    lines += ["## Time of one proposal", "", "| method | median, ms |", "|---|---|"]
    lines += [f"| {name} | {value:.1f} |" for name, value in seconds.items()]
    found_versions = versions(methods)
    if found_versions:
        lines += ["", "## Versions", "", ", ".join(f"{name} {version}" for name, version in found_versions.items())]
    text = "\n".join(lines) + "\n"
    tidy.replace_file(out / "report.md", text)
    return text


def _markdown(part: pd.DataFrame, methods: Sequence[str], costs: Sequence[float]) -> list[str]:
    """A table with a row per method, best at the highest cost first, and a column per cost."""
    known = [cost for cost in costs if (part["cost"] == cost).any()]
    cells = {
        (row["method"], row["cost"]): f"{row['mean']:.3f} ± {row['standard_error']:.3f}"
        for row in part.to_dict("records")
    }
    at_end = part[part["cost"] == known[-1]].set_index("method")["mean"] if known else {}
    ordered = sorted(
        (m for m in methods if any((m, c) in cells for c in known)),
        key=lambda m: float(at_end[m]) if m in at_end else np.inf,
    )
    lines = [
        "| method | " + " | ".join(f"cost {cost:g}" for cost in known) + " |",
        "|---|" + "---|" * len(known),
    ]
    for method in ordered:
        lines.append(f"| {method} | " + " | ".join(cells.get((method, c), "–") for c in known) + " |")
    return lines

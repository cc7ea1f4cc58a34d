"""Tables and plots of the runs in a folder: tidy CSV, Markdown, PNG and SVG."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import machine, plots, statistics, tidy
from benchmarks.tuners.methods import METHODS
from benchmarks.tuners.runs import EVALUATIONS, PRODUCTS, RUN, RUNS, TRIALS

#: Methods that are shown in tables but take no part in rankings.
UNRANKED = ("boosting",)


def gather(out: Path) -> dict[str, pd.DataFrame]:
    """Join the files of all finished runs into ``runs.csv``, ``trials.csv``, ``evaluations.csv``, ``products.csv``.

    Runs that are in those files already and have no folder here stay: results that were published without their folders
    can be added to.
    """
    columns = {"trials": TRIALS, "evaluations": EVALUATIONS, "products": PRODUCTS, "runs": RUNS}
    folders = {path.parent: json.loads(path.read_text(encoding="utf-8")) for path in _finished(out)}
    here = {tuple(record[name] for name in RUN) for record in folders.values()}
    frames = {}
    for name, names in columns.items():
        if name == "runs":
            parts = [pd.DataFrame(list(folders.values()), columns=list(RUNS))]
        else:
            parts = [tidy.read(folder / f"{name}.csv") for folder in folders]
        if (out / f"{name}.csv").exists():
            known = tidy.read(out / f"{name}.csv")
            elsewhere = [run not in here for run in known[list(RUN)].itertuples(index=False, name=None)]
            parts.insert(0, known[elsewhere])
        parts = [part for part in parts if len(part)]
        joined = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(names))
        frames[name] = joined.sort_values(list(RUN), kind="stable", ignore_index=True)
        tidy.write(out / f"{name}.csv", frames[name], names)
    known_machines = out / "machine.json"
    machines = json.loads(known_machines.read_text(encoding="utf-8")) if known_machines.exists() else []
    for record in folders.values():
        if record["machine"] not in machines:
            machines.append(record["machine"])
    tidy.write_json(known_machines, machines)
    return frames


def _finished(out: Path) -> list[Path]:
    return sorted(out.glob("runs/*/*/*/*/run.json"))


def finished_runs(out: Path) -> dict[tuple[str, str, int, str], dict[str, Any]]:
    """Every finished run by task, method, seed and budget: those with a folder here, and those in ``runs.csv``."""
    records: list[dict[str, Any]] = []
    if (out / "runs.csv").exists():
        records += tidy.read(out / "runs.csv").to_dict("records")  # type: ignore[arg-type]
    records += [json.loads(path.read_text(encoding="utf-8")) for path in _finished(out)]
    return {(r["task"], r["method"], int(r["seed"]), r["budget"]): r for r in records}


def one_line(folder: Path) -> str:
    """A finished run in one line, for the terminal."""
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    products = tidy.read(folder / "products.csv")
    shown = ", ".join(f"{row['product']} {row['test_error']:.4f}" for _, row in products.iterrows())
    return f"{record['trials']} trials, {record['epochs']} epochs, {record['failed']} failed; {shown or 'no model'}"


def with_entries(products: pd.DataFrame) -> pd.DataFrame:
    """Products with a column ``entry``: method and product in one name."""
    return products.assign(entry=products["method"] + " " + products["product"])


def missing_as_worst(products: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Add a product for each run that delivered none: the error of always guessing, by its task.

    A method that finished no model in its budget has lost that block; leaving it out would hide that.
    """
    rows = []
    for _, run in runs.iterrows():
        same = (products[list(RUN)] == run[list(RUN)]).all(axis=1) if len(products) else pd.Series(dtype=bool)
        if same.any():
            continue
        block = products[(products["task"] == run["task"]) & (products["budget"] == run["budget"])]
        worst = float(block["test_error"].max()) if len(block) else math.nan
        regression = run["target"] == "regression"
        rows.append(
            {
                **run[list(RUN)],
                "product": "best",
                "error": "RMSE" if regression else "error rate",
                "test_error": worst if regression else 1.0,
                "validation_error": math.nan,
                "members": 0,
            }
        )
    return pd.concat([products, pd.DataFrame(rows)], ignore_index=True) if rows else products


def with_least(products: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Products with a column ``least``: what an error rate of 0 counts as where ratios are taken; 0 for regression.

    That is half a wrong row among the test rows of the run.
    """
    test_rows = products[list(RUN)].merge(runs[[*RUN, "rows_test"]], how="left")["rows_test"].to_numpy(float)
    return products.assign(least=np.where(products["error"] == "error rate", 0.5 / test_rows, 0.0))


def _mean_error(part: pd.DataFrame) -> float:
    """Mean test error of the runs of one entry, for ratios: at least half a wrong row in all of them."""
    return max(float(part["test_error"].mean()), float(part["least"].mean()) / len(part))


def _plus_minus(values: pd.Series, percent: bool) -> str:
    factor, digits = (100.0, 2) if percent else (1.0, 4)
    deviation = values.std(ddof=1) if len(values) > 1 else math.nan
    text = f"{factor * values.mean():.{digits}f}"
    return text if math.isnan(deviation) else f"{text} ± {factor * deviation:.{digits}f}"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(map(str, header)) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def final_table(products: pd.DataFrame, runs: pd.DataFrame) -> str:
    """Test and validation error per task and entry, with what was spent; best test error first."""
    blocks = []
    for task, part in products.groupby("task", sort=False):
        percent = part["error"].iloc[0] == "error rate"
        unit = "error in %" if percent else "RMSE"
        rows = []
        for (method, product), group in part.groupby(["method", "product"], sort=False):
            spent = runs[(runs["task"] == task) & (runs["method"] == method)]
            busy = spent["proposing"].sum() / max(spent["seconds"].sum(), 1e-9)
            rows.append(
                (
                    group["test_error"].mean(),
                    [
                        method,
                        product,
                        _plus_minus(group["test_error"], percent),
                        _plus_minus(group["validation_error"], percent),
                        len(group),
                        f"{group['members'].mean():.1f}",
                        f"{spent['trials'].mean():.0f}",
                        f"{spent['failed'].mean():.1f}",
                        f"{spent['epochs'].mean():.0f}",
                        f"{spent['samples'].mean() / 1e3:,.0f}",
                        f"{spent['seconds'].mean():.0f}",
                        f"{busy:.1%}",
                        f"{spent['after_search'].mean():.1f}",
                    ],
                )
            )
        rows.sort(key=lambda row: row[0])
        header = [
            "method",
            "product",
            f"test {unit}",
            f"validation {unit}",
            "runs",
            "models",
            "trials",
            "failed",
            "epochs",
            "thousand samples",
            "seconds",
            "of that proposing",
            "s after the search",
        ]
        blocks.append(f"#### {task}\n\n" + markdown_table(header, [row for _, row in rows]))
    return "\n\n".join(blocks)


def _ranked(products: pd.DataFrame) -> pd.DataFrame:
    return products[~products["method"].isin(UNRANKED)]


def _complete(entries: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows of those entries that have the most runs (task and seed), and the names of the other entries."""
    runs = entries.groupby("entry").size()
    partial = sorted(runs.index[runs < runs.max()])
    return entries[~entries["entry"].isin(partial)], partial


def _baselines(names: Sequence[str]) -> list[str]:
    return [name for name in names if name.startswith("kt-")]


def same_space_summary(products: pd.DataFrame, runs: pd.DataFrame, evaluations: pd.DataFrame) -> str:
    """Ours in the shared space against KerasTuner's best tuner of each task, single models."""
    best = products[(products["product"] == "best") & products["method"].str.endswith("@same")]
    if "evo@same" not in set(best["method"]) or not _baselines(list(best["method"])):
        return ""
    rows, ratios, shares = [], [], []
    for task, part in best.groupby("task", sort=False):
        means = part.groupby("method")["test_error"].mean()
        rivals = means[_baselines(list(means.index))]
        if "evo@same" not in means or rivals.empty:
            continue
        rival = str(rivals.idxmin())
        ratio = _mean_error(part[part["method"] == "evo@same"]) / _mean_error(part[part["method"] == rival])
        needed = []
        for seed, of_seed in part.groupby("seed"):
            theirs = of_seed[of_seed["method"] == rival]["validation_error"]
            spent = runs[(runs["task"] == task) & (runs["method"] == rival) & (runs["seed"] == seed)]["epochs"]
            mine = evaluations[
                (evaluations["task"] == task) & (evaluations["method"] == "evo@same") & (evaluations["seed"] == seed)
            ]
            if len(theirs) and len(spent) and len(mine):
                cost = statistics.cost_to_reach(
                    mine["total_epochs"].to_numpy(), mine["validation_error"].to_numpy(), theirs.iloc[0] + 1e-9
                )
                needed.append(cost / max(float(spent.iloc[0]), 1.0))
        share = float(np.median(needed)) if needed else math.nan
        ratios.append(ratio)
        shares.append(share)
        rows.append(
            [
                task,
                rival,
                f"{means['evo@same']:.4f}",
                f"{rivals.min():.4f}",
                f"{ratio:.3f}",
                "never" if math.isinf(share) else f"{share:.2f}",
            ]
        )
    if not rows:
        return ""
    overall = f"{math.exp(np.mean(np.log(ratios))):.3f}" if all(r > 0 for r in ratios) else "–"
    rows.append(["geometric mean; median", "", "", "", overall, f"{np.median(shares):.2f}"])
    header = ["task", "KerasTuner's best tuner there", "ours", "theirs", "ratio", "share of its epochs until its score"]
    return (
        "The rival on each task is the tuner with the lowest mean *test* error there, known only afterwards: the "
        "hardest choice. The last column: epochs until our best validation score is at least the rival's final one, "
        "as a share of the epochs that the rival spent (median over seeds).\n\n" + markdown_table(header, rows)
    )


def product_summary(products: pd.DataFrame) -> str:
    """Our ensemble against the best of KerasTuner's entries of each task."""
    tables = [_product_table(with_entries(products), name) for name in ("ensemble", "ensemble+trees", "best")]
    if not any(tables):
        return ""
    return (
        "The rival on each task is the KerasTuner method, single model or average, with the lowest mean *test* error "
        "there, known only afterwards. In ratios, no error at all counts as half a wrong row in all runs.\n\n"
        + "\n\n".join(filter(None, tables))
    )


def _product_table(entries: pd.DataFrame, product: str) -> str:
    mine = f"evo@own {product}"
    rows, ratios = [], []
    for task, part in entries.groupby("task", sort=False):
        means = part.groupby("entry")["test_error"].mean()
        rivals = means[_baselines(list(means.index))]
        if rivals.empty or mine not in means:
            continue
        rival = str(rivals.idxmin())
        ours, theirs = part[part["entry"] == mine], part[part["entry"] == rival]
        common = set(ours["seed"]) & set(theirs["seed"])
        ratio = math.nan
        if common:
            ratio = _mean_error(ours[ours["seed"].isin(common)]) / _mean_error(theirs[theirs["seed"].isin(common)])
        ratios.append(ratio)
        rows.append([task, rival, f"{means[mine]:.4f}", f"{rivals.min():.4f}", f"{ratio:.3f}"])
    if not rows:
        return ""
    known = np.array([ratio for ratio in ratios if ratio > 0 and math.isfinite(ratio)])
    if len(known) == len(ratios):
        interval = statistics.bootstrap(np.log(known))
        text = f"{math.exp(interval.estimate):.3f} [{math.exp(interval.low):.3f}, {math.exp(interval.high):.3f}]"
    else:
        text = "–"
    rows.append(["geometric mean [95% bootstrap over tasks]", "", "", "", text])
    return markdown_table(["task", "KerasTuner's best there", mine, "theirs", "ratio"], rows)


def ranks_and_tests(products: pd.DataFrame, out: Path, name: str) -> str:
    """Mean ranks over tasks with the critical difference, and paired tests over tasks and seeds.

    Entries with fewer runs than the others (a method for pictures only, an added method of one seed so far) are named
    and left out: compared on the runs that all share, they would take the others' runs away.
    """
    entries, partial = _complete(with_entries(_ranked(products)))
    by_task = statistics.score_table(entries, "test_error", "entry", ("task",))
    # Differences of logarithms weigh tasks alike; one run without any wrong row must not take them away.
    above_zero = entries.assign(test_error=entries[["test_error", "least"]].max(axis=1))
    by_run = statistics.score_table(above_zero, "test_error", "entry", ("task", "seed"))
    if by_task.shape[1] < 2 or by_task.empty:
        return ""
    ranks = statistics.mean_ranks(by_task)
    difference = statistics.critical_difference(len(ranks), len(by_task))
    plots.critical_difference(
        ranks, len(by_task), out / f"{name}-ranks", title=f"mean ranks over {len(by_task)} tasks (1 is best)"
    )
    text = [
        f"Mean ranks of mean test errors over {len(by_task)} tasks (Friedman p = {statistics.friedman(by_task):.3g}; "
        f"Nemenyi's critical difference at 0.05 is {difference:.2f}):",
        markdown_table(["entry", "mean rank"], [[entry, f"{rank:.2f}"] for entry, rank in ranks.items()]),
        f"![ranks]({name}-ranks.png)",
    ]
    if partial:
        text.insert(1, "Left out here, since they have fewer runs: " + ", ".join(partial) + ".")
    ours = [f"evo@{name}" for name in ("own ensemble", "own best", "same best") if f"evo@{name}" in by_run]
    for entry in ours:
        tests = statistics.wilcoxon_holm(by_run, entry)
        rows = [
            [
                row["second"],
                row["wins"],
                row["losses"],
                f"{row['ratio']:.3f}",
                f"{row['p']:.3g}",
                f"{row['p_holm']:.3g}",
            ]
            for _, row in tests.iterrows()
        ]
        text.append(
            f"**{entry}** against each other entry over {len(by_run)} runs (task and seed), paired Wilcoxon, "
            "Holm's correction, on logarithms of errors (seeds of one task are not independent tasks: read p with that "
            "in mind):"
        )
        text.append(markdown_table(["against", "wins", "losses", "ratio of errors", "p", "p (Holm)"], rows))
    return "\n\n".join(text)


def _curves(evaluations: pd.DataFrame, out: Path, name: str) -> str:
    part = evaluations.dropna(subset=["validation_error"])
    part = part.assign(minutes=part["seconds"] / 60)
    if part.empty:
        return ""
    order = [method for method in METHODS if method in set(part["method"])]
    label = "best validation error so far"
    plots.anytime(
        part,
        out / f"{name}-epochs",
        "total_epochs",
        "validation_error",
        order=order,
        cost_label="epochs trained, over all trials",
        value_label=label,
    )
    plots.anytime(
        part,
        out / f"{name}-minutes",
        "minutes",
        "validation_error",
        order=order,
        cost_label="wall-clock minutes",
        value_label=label,
    )
    return (
        "Best validation error so far (RMSE for regression), median and quartiles over seeds. What is shown is what "
        "each method selects by; it is optimistic, and the tables above are the judgement.\n\n"
        f"![over epochs]({name}-epochs.png)\n\n![over minutes]({name}-minutes.png)"
    )


def write(out: Path) -> int:
    """Gather, and write ``report.md`` with its plots; returns 0, or 1 if there is no finished run."""
    frames = gather(out)
    if frames["runs"].empty:
        print(f"no finished run in {out.name}", file=sys.stderr)
        return 1
    commands = json.loads((out / "commands.json").read_text()) if (out / "commands.json").exists() else []
    machines = json.loads((out / "machine.json").read_text())
    text = ["# Tuners on real training", "Made by:"]
    text.append("```\n" + "\n".join(commands) + "\n```")
    text.append("\n".join(f"- {machine.line(found)}" for found in machines))
    text.append("How it is made fair: `benchmarks/README.md`. Errors are means ± deviation over seeds; less is better.")
    for budget, runs in frames["runs"].groupby("budget", sort=True):
        shown = str(budget).replace("min", " minutes").replace("epochs", " epochs")
        products = frames["products"][frames["products"]["budget"] == budget]
        evaluations = frames["evaluations"][frames["evaluations"]["budget"] == budget]
        products = with_least(missing_as_worst(products, runs), runs)
        name = f"budget-{budget}"
        text.append(f"## {shown} per run")
        for title, part in (
            ("Same space, best single model", same_space_summary(products, runs, evaluations)),
            ("Whole product", product_summary(products)),
            ("Tasks", final_table(products, runs)),
            ("Ranks and tests", ranks_and_tests(products, out, name)),
            ("Anytime curves", _curves(evaluations, out, name)),
        ):
            if part:
                text.append(f"### {title}\n\n{part}")
    tidy.replace_file(out / "report.md", "\n\n".join(text) + "\n")
    return 0

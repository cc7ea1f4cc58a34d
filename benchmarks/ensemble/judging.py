"""What the figures of the ensemble benchmark mean: test errors, their noise, and the targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.tasks import Task
from evo.ensemble.arguments import as_predictions, as_target, as_targets
from evo.ensemble.metrics import mean_and_error, row_losses


def measure(task: Task, outputs: np.ndarray, single: np.ndarray | None) -> dict[str, Any]:
    """Test error of a product with its standard error, and the difference to the single model on the same rows.

    Args:
        task: its test rows are judged on.
        outputs: predictions on them, (rows, outputs).
        single: row losses of the best single model (``losses`` of its own measurement), or None for itself.

    Returns:
        ``metric`` (``error`` or ``rmse``), ``test`` and ``test_error`` in the task's units, ``difference``
        (product less single) and ``difference_error`` (of row losses: squared errors for a regression, in the
        task's units), ``test_loss`` (log loss, or the same as ``test``), ``losses`` (per row).
    """
    metric = "rmse" if task.target == "regression" else "error"
    scale = task.scale if task.target == "regression" else 1.0
    predictions = as_predictions(outputs, task.target)
    targets = as_targets(task.y_test, task.target)
    losses = row_losses(metric, task.target, predictions, targets) * scale**2
    value, error = mean_and_error(metric, task.target, losses)
    loss = as_target(task.target).losses[0]
    whole = as_target(task.target).finish(loss, float(row_losses(loss, task.target, predictions, targets).mean()))
    difference = losses - (losses if single is None else single)
    return {
        "metric": metric,
        "test": value,
        "test_error": error,
        "difference": float(difference.mean()),
        "difference_error": float(difference.std(ddof=1) / np.sqrt(len(difference))),
        "test_loss": whole * (scale if task.target == "regression" else 1.0),
        "losses": losses,
    }


def summary(frame: pd.DataFrame) -> str:
    """Markdown: per task the test error of each product, and how the targets were met."""
    lines = [
        "Test error (RMSE for regression), mean over seeds. Gain: 1 - ensemble / best single model; in brackets the "
        "same in log loss. Members: distinct models in the ensemble.",
        "",
        "| task | seeds | best single | average of top | ensemble | gain | members | with trees | gain |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for task, part in frame.groupby("task", sort=False):
        means = part.groupby("product")[["test", "test_loss", "members"]].mean()
        test = means["test"]
        cells = [task, part["seed"].nunique(), f"{test['single']:.5g}", f"{test['average']:.5g}"]
        for product in ("ensemble", "ensemble+trees"):
            if product in test:
                cells += [f"{test[product]:.5g}", _gains(means, product, (part["metric"] == "rmse").all())]
            else:
                cells += ["–", "–"]
            if product == "ensemble":
                cells.append(f"{means['members'][product]:.1f}")
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines.append("")
    for product, title in (("ensemble", "Nets alone"), ("ensemble+trees", "With trees, on tables")):
        ours = frame[frame["product"] == product]
        if len(ours):
            # Where there is no table to grow trees on, the ensemble of nets is what a user gets.
            others = frame[(frame["product"] == "ensemble") & ~frame["task"].isin(ours["task"])]
            singles = frame[frame["product"] == "single"]
            lines += [f"{title}:", "", *_targets(pd.concat([ours, others]), singles), ""]
    return "\n".join(lines)


def _gain(single: float, ensemble: float) -> float:
    return 1 - ensemble / single if single > 0 else 0.0


def _gains(means: pd.DataFrame, product: str, regression: bool) -> str:
    error = _gain(means["test"]["single"], means["test"][product])
    loss = _gain(means["test_loss"]["single"], means["test_loss"][product])
    return f"{error:.1%}" if regression else f"{error:.1%} ({loss:.1%})"


def _targets(ours: pd.DataFrame, singles: pd.DataFrame) -> list[str]:
    """How one kind of ensemble, a row for each run, met the targets."""
    means, single = ours.groupby("task")["test"].mean(), singles.groupby("task")["test"].mean()
    gains = [_gain(single[task], means[task]) for task in means.index]
    worse = (ours["difference"] > 2 * ours["difference_error"]).sum()
    apart = (ours["nested"] - ours["test"]).abs()
    together = np.sqrt(ours["nested_error"] ** 2 + ours["test_error"] ** 2)
    return [
        f"- lower than the best single model on average: {sum(g > 0 for g in gains)} of {len(gains)} tasks",
        f"- by 10% or more: {sum(g >= 0.1 for g in gains)} of {len(gains)} tasks",
        f"- worse by more than two standard errors of the paired difference: {worse} of {len(ours)} runs",
        f"- nested estimate within two standard errors (of the difference of estimate and test score): "
        f"{(apart <= 2 * together).sum()} of {len(ours)} runs; within two of the estimate's own: "
        f"{(apart <= 2 * ours['nested_error']).sum()}",
        f"- fell back to the best single model: {int((ours['fallback'].astype(str) == 'True').sum())} of {len(ours)}",
    ]

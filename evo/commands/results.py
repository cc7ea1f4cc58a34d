"""What is shown and written when a campaign has ended: the ensemble, a table, where the files are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo.campaign.result import Result
from evo.commands.job import Job
from evo.commands.job_data import JobData
from evo.commands.next_steps import next_steps
from evo.commands.quiet_backend import quiet_backend
from evo.commands.reproduction import job_again
from evo.core.errors import EvoError
from evo.core.json_text import parsed
from evo.core.regular_files import bytes_of
from evo.display import formatting, summary
from evo.display.console import console as printing
from evo.fitting.fitted import Fitted
from evo.report.campaigns import content_of
from evo.report.html import write_report

if TYPE_CHECKING:
    from rich.console import Console


#: File in the campaign's directory that keeps the table, so that a finished campaign shows it at once.
_RESULTS_FILE = "results.json"
_FORMAT = 2


def show_result(result: Result, job: Job, split: JobData, directory: Path) -> None:
    """Form the ensemble, judge it, write its files, and print the table.

    What an earlier call found for the same trials is shown without computing it again.

    Args:
        result: of the campaign.
        job: says which ensemble.
        split: the data; the test rows, if any, are used here and nowhere else.
        directory: where the files go.
    """
    console = printing(highlight=False)
    if not result.history.completed():
        console.print("No trial completed: there is no model to show. Why not:", markup=False)
        for name, count in summary.causes(result.history).most_common(5):
            console.print(f"  {count} × {name}", markup=False)
        return
    key = {
        "format": _FORMAT,
        "trials": len(result.history),
        "epochs": summary.epochs_done(result.history),
        "ensemble": job.ensemble,
        "data": job.config["data"],
    }
    found = _stored(directory, key)
    if found is not None:
        found["budget"] = job.config["budget"]
    else:
        console.print("Forming the ensemble from what was trained …", markup=False)
        with quiet_backend():
            found = _computed(result, job, split, directory)
        _write(directory, {"key": key, **found})
    _print(console, found, directory)


def _stored(directory: Path, key: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        found = parsed(bytes_of(directory / _RESULTS_FILE))
        if found["key"] != json.loads(json.dumps(key)):
            return None
        files = {str(kind): str(name) for kind, name in found["files"].items()}
        if "report" not in files or not all(Path(n).name == n and (directory / n).is_file() for n in files.values()):
            return None
        return {
            **_judged(found),
            "files": files,
            "notes": list(map(str, found["notes"])),
            "new": str(found["new"]),
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return None


def _judged(found: Mapping[str, Any]) -> dict[str, Any]:
    """Metric and rows of a file of results, each of the type that it is written with.

    Raises:
        LookupError, TypeError, ValueError, AttributeError, OverflowError: they are not.
    """
    rows = [
        {
            "name": str(row["name"]),
            "members": list(map(str, row["members"])),
            "parameters": None if row["parameters"] is None else int(row["parameters"]),
            **{column: float(row[column]) for column in ("validation", "test") if row.get(column) is not None},
        }
        for row in found["rows"]
    ]
    return {"metric": str(found["metric"]), "rows": rows}


def judged_before(directory: Path, result: Result) -> dict[str, Any] | None:
    """What ``evo run`` found the models to score, where it looked at the same trials; None if it did not.

    Args:
        directory: of the campaign.
        result: what is there now.
    """
    return judged_in(directory, len(result.history), summary.epochs_done(result.history))


def judged_in(directory: Path, trials: int, epochs: int) -> dict[str, Any] | None:
    """What the file of results says, where it was written after so many trials and epochs; None if it was not."""
    try:
        found = parsed(bytes_of(directory / _RESULTS_FILE))
        if found["key"]["trials"] != trials or found["key"]["epochs"] != epochs:
            return None
        return _judged(found)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return None


def _write(directory: Path, found: Mapping[str, Any]) -> None:
    partial = directory / (_RESULTS_FILE + ".partial")
    partial.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    partial.replace(directory / _RESULTS_FILE)


def _computed(result: Result, job: Job, split: JobData, directory: Path) -> dict[str, Any]:
    options = job.ensemble
    chosen = result.ensemble(**options)
    size = options.get("size", 8)
    entries = [
        ("best single net", result.ensemble(size=1, method="best", trees=False, linear=False)),
        # Without the test whether it gains: it stands here to be compared.
        (
            "plain average of nets",
            result.ensemble(size=size, method="average", confidence=None, trees=False, linear=False),
        ),
        ("chosen ensemble", chosen),
    ]
    metric = chosen.target.headline
    rows = []
    for name, ensemble in entries:
        row: dict[str, Any] = {
            "name": name,
            "members": [member.title for member in ensemble.members],
            "parameters": ensemble.parameters,
        }
        if split.data.folds:
            # There are no rows that no fold's model has seen: the nested estimate, of out-of-fold predictions.
            row["validation"] = ensemble.report.get("estimate", {}).get(metric, {}).get("value")
        else:
            row["validation"] = ensemble.evaluate(split.data.x_validation, split.data.y_validation)[metric]
        if split.x_test is not None:
            row["test"] = ensemble.evaluate(split.x_test, split.y_test)[metric]
        rows.append(row)
    name = directory.resolve().name
    files = {"ensemble": f"{name}.ensemble"}
    notes = [str(note) for note in chosen.report.get("notes", ())]
    model = Fitted(directory, chosen, name=split.name, notes=split.notes, result=result, form=split.form)
    model.keep(files["ensemble"])
    try:
        chosen.as_keras().save(directory / f"{name}.keras")
        files["keras"] = f"{name}.keras"
    except EvoError as error:
        notes.append(str(error))

    judged = {"metric": metric, "rows": rows}
    content = content_of(result, directory, chosen, judged=judged, again=job_again(job, directory))
    write_report(content, directory / "report.html")
    files["report"] = "report.html"
    return {
        **judged,
        "files": files,
        "notes": notes,
        "budget": job.config["budget"],
        "new": split.new,
    }


def _print(console: Console, found: Mapping[str, Any], directory: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    metric, rows = found["metric"], found["rows"]
    tested = any("test" in row for row in rows)
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    table.add_column("")
    table.add_column(Text(f"validation\n{metric}"), justify="right")
    if tested:
        table.add_column(Text(f"test\n{metric}"), justify="right", style="bold")
    table.add_column("\nparameters", justify="right")
    table.add_column("\nmembers", justify="right")
    for row in rows:
        cells: list[Any] = [Text(row["name"]), formatting.short_value(row.get("validation"))]
        if tested:
            cells.append(formatting.short_value(row.get("test")))
        table.add_row(*cells, formatting.short_number(row["parameters"]), str(len(row["members"])))
    console.print()
    console.print(table)
    if tested:
        console.print("The test rows were used for this table only.", style="dim", markup=False)
    members = ", ".join(map(str, rows[-1]["members"]))
    console.print(f"Members of the chosen ensemble: {members}", markup=False)
    for note in found["notes"]:
        console.print(f"Note: {note}", markup=False)
    files = found["files"]
    console.print()
    lines = next_steps(directory, found["new"])
    lines.append(f"  the report      {directory / files['report']}")
    if "keras" in files:
        lines.append(f"  in Keras        keras.models.load_model({str(directory / files['keras'])!r})")
    lines.append(f"  the best model  evo.load_result({str(directory)!r}).best.model()")
    limit = next(iter(found["budget"]), "epochs")
    lines.append(f"  to go further   evo resume {directory} --{limit} N, with N above {found['budget'].get(limit)}")
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)

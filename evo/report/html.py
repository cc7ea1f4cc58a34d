"""One HTML file that says what happened in a campaign: no network, nothing beside it, and one script, of its tables."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from html import escape
from importlib import resources
from pathlib import Path

from evo.core.checks import local_path
from evo.core.errors import StorageError
from evo.core.trial import Status
from evo.display import formatting, summary
from evo.report import html_findings, html_progress, html_sections, html_trials
from evo.report.content import ReportContent
from evo.report.html_ensemble import ensemble_section


def write_report(content: ReportContent, path: str | Path) -> Path:
    """Write the report, whole or not at all.

    Args:
        content: what to show.
        path: the file to write; replaced if it is there.

    Returns:
        the file's path.

    Raises:
        StorageError: it cannot be written.
    """
    path = local_path(path, "path")
    text = render(content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(partial, 0o666 & ~umask)
            os.replace(partial, path)
        except BaseException:
            os.unlink(partial)
            raise
    except OSError as error:
        raise StorageError(f"output: {path} cannot be written: {error.strerror or error}") from error
    return path


def render(content: ReportContent) -> str:
    """The report as HTML; the same content gives the same characters."""
    footer = "<footer>Written by evo. Everything in it is read from the campaign's directory.</footer>"
    script = tables_script()
    checksum = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Whatever a stranger's directory might bring to stand here: a browser runs this script alone, and asks nobody.
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{checksum}'"
    head = f"<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}; base-uri 'none'; form-action 'none'\">"
    return document(content.title, f"{body(content)}{footer}<script>{script}</script>", head)


def tables_script() -> str:
    """The script that sorts and filters tables; without it they stand as they are."""
    return resources.files("evo.report").joinpath("tables.js").read_text(encoding="utf-8")


def document(title: str, main: str, head: str = "") -> str:
    """A whole page in the report's style.

    Args:
        title: of the window.
        main: what stands on it, as HTML.
        head: more for its head, as HTML.
    """
    style = resources.files("evo.report").joinpath("style.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"{head}<title>{escape(title)} · evo</title><style>{style}</style></head>"
        f"<body><main>{main}</main></body></html>\n"
    )


def body(content: ReportContent) -> str:
    """What a report says, without the page around it."""
    sections = [
        ("tested", "Result", html_findings.tested(content)),
        ("course", "Course", html_sections.course(content)),
        ("running", "Under way" if content.running else "Set aside", html_progress.under_way(content)),
        ("rungs", "Rungs", html_progress.rungs(content)),
        ("trials", "Trials", html_sections.trials(content)),
        ("front", "Pareto front", html_findings.front(content)),
        ("curves", "Learning curves", html_sections.curves(content)),
        ("best", "The best model", html_sections.best(content)),
        ("importance", "What mattered", html_findings.importance(content)),
        ("population", "Population", html_sections.population(content)),
        ("ensemble", "Ensemble", ensemble_section(content)),
        ("every", "Every trial", html_trials.every_trial(content)),
        ("outcomes", "Outcomes", html_sections.outcomes(content)),
        ("settings", "Settings", html_sections.settings(content)),
        ("again", "Run it again", html_findings.reproduction(content)),
    ]
    shown = [(name, title, text) for name, title, text in sections if text]
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title, _ in shown)
    bodies = "".join(f'<section id="{name}"><h2>{title}</h2>{text}</section>' for name, title, text in shown)
    remarks = "".join(f'<div class="note">{escape(remark)}</div>' for remark in content.remarks)
    return (
        f"<header><h1>{escape(content.title)}</h1><p>{escape(_headline(content))}</p></header>"
        f'{_tiles(content)}{remarks}<nav aria-label="Sections">{links}</nav>{bodies}'
    )


# -- head ------------------------------------------------------------------------------
def _headline(content: ReportContent) -> str:
    objectives = ", ".join(
        f"{'lowest' if name.startswith('-') else 'highest'} {summary.shown_objective(name)}"
        for name in content.history.objectives.names
    )
    said = (f"Searched for the {objectives}.", summary.kept_constraints(content.history), content.reason)
    return " ".join(text for text in said if text)


def _tiles(content: ReportContent) -> str:
    history = content.history
    counts = summary.statuses(history)
    bad = sum(counts.values()) - counts[Status.COMPLETED]
    tiles: list[tuple[str, str]] = []
    if content.best is not None:
        for name, value in zip(history.objectives.names, history.fitness(content.best), strict=True):
            tiles.append((summary.short_score(value, name), f"{summary.shown_objective(name)}, best model"))
        outcome = history[content.best].outcome
        if outcome is not None and outcome.parameters is not None and len(tiles) == 1:
            tiles.append((formatting.short_number(outcome.parameters), "parameters, best model"))
    models = len({trial.genome.key for trial in history})
    tiles.append((str(sum(counts.values())), f"trials of {models} models"))
    tiles.append((str(summary.epochs_done(history)), "epochs trained"))
    tiles.append((str(bad), "trials did not complete"))
    if content.minutes:
        tiles.append((formatting.clock(content.minutes), "on the clock"))
    cells = "".join(
        f'<div class="tile{" first" if index == 0 else ""}"><b>{escape(value)}</b><span>{escape(label)}</span></div>'
        for index, (value, label) in enumerate(tiles)
    )
    return f'<div class="tiles">{cells}</div>'

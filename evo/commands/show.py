"""``evo show DIR``"""

from __future__ import annotations

import argparse
import io
import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo.campaign.result import Result
from evo.commands.reading import read_result
from evo.core.errors import SettingsError
from evo.core.history import History
from evo.display import formatting, summary
from evo.display.console import console as printing
from evo.report.campaigns import environment, readable
from evo.storage import CampaignDirectory
from evo.storage.lock import is_held

if TYPE_CHECKING:
    from rich.console import Console

#: Seconds between two looks of ``--watch``.
_PAUSE = 2.0
#: Trials under way that are listed.
_WAITING = 8


def main(given: argparse.Namespace) -> int:
    """Show where a campaign stands."""
    console = printing(highlight=False)
    if given.watch:
        return watch(console, given.directory)
    result = read_result(given.directory)
    if given.trials:
        _trials(console, result.history)
        return 0
    if given.best:
        _best(console, result)
        return 0
    with CampaignDirectory.open(given.directory, read_only=True) as stored:
        settings, usage, messages = stored.settings, stored.usage(), stored.messages
        chosen = environment(stored.sessions, stored.versions)
        minutes = stored.minutes
    _section(console, str(given.directory))
    _facts(console, {**readable(settings), **chosen})
    _progress(console, result, minutes)
    _population(console, result)
    _section(console, "disk")
    _facts(console, {kind: formatting.short_bytes(size) for kind, size in usage.items() if size or kind == "total"})
    for message in messages:
        console.print(f"note: {message}", markup=False)
    return 0


def watch(console: Console, directory: Path) -> int:
    """Show what changes, anew every two seconds, until Ctrl-C or the end of a campaign that runs.

    Raises:
        SettingsError: the output is no terminal, or the directory holds no campaign.
    """
    from rich.live import Live
    from rich.text import Text

    if not console.is_terminal:
        raise SettingsError("--watch: needs a terminal; without it the state is shown once")
    ended = threading.Event()
    text, was_running = _now(console, directory), is_held(directory)
    # Not by KeyboardInterrupt, which gets lost where it meets a library's callback.
    before = signal.signal(signal.SIGINT, lambda *_: ended.set())
    try:
        with Live(Text.from_ansi(text), console=console, screen=True, auto_refresh=False) as live:
            while not ended.wait(_PAUSE):
                running = is_held(directory)
                text = _now(console, directory)
                live.update(Text.from_ansi(text), refresh=True)
                if was_running and not running:
                    break
                was_running = running
    finally:
        signal.signal(signal.SIGINT, before)
    # What was seen last stays in the terminal.
    console.print(Text.from_ansi(text))
    return 0


def _now(console: Console, directory: Path) -> str:
    """What changes while a campaign runs, as much as fits, as text with the terminal's own marks."""
    result = read_result(directory)
    with CampaignDirectory.open(directory, read_only=True) as stored:
        minutes = stored.minutes
    # A console of its own: what is printed on one that shows a live display moves that display.
    page = printing(
        file=io.StringIO(),
        width=console.width,
        height=console.height,
        force_terminal=True,
        color_system=console.color_system,
        highlight=False,
    )
    state = "running" if is_held(directory) else "not running"
    with page.capture() as captured:
        _line(page, f"{state}; Ctrl-C ends this view of {directory}", "bold")
        _progress(page, result, minutes)
        _population(page, result)
    return "\n".join(captured.get().splitlines()[: console.height - 1])


def _section(console: Console, title: str) -> None:
    console.print(f"\n{title}", style="bold", markup=False)


def _facts(console: Console, facts: Mapping[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(_plain(f"  {name}"), _plain(formatting.plain(value)))
    console.print(table)


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def _progress(console: Console, result: Result, minutes: float) -> None:
    history = result.history
    counts = summary.statuses(history)
    _section(console, "progress")
    facts: dict[str, Any] = {
        "trials": ", ".join(f"{count} {status.value}" for status, count in counts.most_common()) or "none yet",
        "epochs": summary.epochs_done(history),
        "minutes": formatting.clock(minutes),
    }
    waiting = "undecided" if result.reason == "undecided" else "under way" if is_held(result.directory) else "set aside"
    if history.pending():
        facts[waiting] = len(history.pending())
    best = history[result.best.number] if history.completed() else None
    if best is not None and best.outcome is not None:
        epochs = formatting.counted(best.epochs, "epoch")
        facts["best"] = (
            f"{summary.short_scores(history, best.number)}, trial {best.number}, {epochs}, "
            f"{formatting.short_number(best.outcome.parameters)} parameters"
        )
        if history.objectives.constraints:
            facts["constraints"] = summary.kept_constraints(history)
        values = summary.best_over_epochs(history, 40)
        steps = summary.improvements(history)
        if len(steps) > 1 and (console.encoding or "").lower().startswith("utf"):
            ends = f"{formatting.short_value(steps[0].value)} → {formatting.short_value(steps[-1].value)}"
            facts["course"] = f"{formatting.sparkline(values, 40)} {ends}"
    _facts(console, facts)
    if history.pending():
        _section(console, waiting)
        for trial in history.pending()[:_WAITING]:
            span = f"{trial.proposal.first_epoch}→{trial.proposal.last_epoch}"
            _line(console, f"  {trial.number:>5}  {span:>7}  {trial.proposal.origin:<9}  {trial.genome.summary()}")
    rungs = summary.rungs(history)
    if len(rungs) > 1:
        _section(console, "rungs")
        _rungs(console, history, rungs)
    causes = summary.causes(history)
    if causes:
        _section(console, "not completed")
        _facts(console, {f"{count:>4}": name for name, count in _unique(causes)})


def _unique(causes: Mapping[str, int]) -> list[tuple[str, int]]:
    """Causes, most frequent first; those of one frequency in one row, as a table's keys are unique."""
    by_count: dict[int, list[str]] = {}
    for name, count in causes.items():
        by_count.setdefault(count, []).append(name)
    return [("; ".join(names), count) for count, names in sorted(by_count.items(), reverse=True)]


def _rungs(console: Console, history: History, rungs: Sequence[summary.Rung]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("  epochs", "completed", "under way", "not completed", "best"):
        table.add_column(name, justify="right", no_wrap=True)
    for rung in rungs:
        best = (
            "–"
            if rung.best is None
            else summary.short_score(history.fitness(rung.best)[0], history.objectives.names[0])
        )
        table.add_row(str(rung.epochs), str(rung.completed), str(rung.running), str(rung.bad), best)
    console.print(table)


def _population(console: Console, result: Result) -> None:
    """Two lines for each: numbers, and the genome, which has the width of the terminal to itself."""
    from rich.segment import Segment, Segments
    from rich.table import Table

    if not result.population:
        return
    history = result.history
    _section(console, "population, longest trained first")
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("trial", *map(summary.shown_objective, history.objectives.names), "parameters", "epochs"):
        table.add_column(_cell(f"  {name}" if name == "trial" else name), justify="right", no_wrap=True)
    table.add_column("origin", no_wrap=True)
    for individual in result.population:
        outcome = history[individual.number].outcome
        values = history.fitness(individual.number)
        table.add_row(
            str(individual.number),
            *(summary.short_score(value, name) for value, name in zip(values, history.objectives.names, strict=True)),
            formatting.short_number(None if outcome is None else outcome.parameters),
            str(individual.epochs),
            _cell(history[individual.number].proposal.origin),
        )
    lines = console.render_lines(table, pad=False)
    for line, individual in zip(lines, [None, *result.population], strict=True):
        console.print(Segments([*line, Segment.line()]), end="")
        if individual is not None:
            _line(console, f"         {individual.genome.summary()}", "dim")


def _cell(text: str) -> Any:
    """A text as one line of a table, and no markup."""
    return _plain(text.replace("\n", " ").replace("\r", " "))


def _line(console: Console, text: str, style: str = "") -> None:
    """One line, cut where a terminal ends; whole elsewhere."""
    shown = formatting.cut(text, console.width) if console.is_terminal else text
    console.print(shown, style=style, markup=False, soft_wrap=True)


def _trials(console: Console, history: History) -> None:
    for trial in history:
        state = "pending" if trial.outcome is None else trial.outcome.status.value
        shown = summary.short_scores(history, trial.number) if trial.completed else ""
        if trial.outcome is not None and trial.outcome.message:
            shown = trial.outcome.message.splitlines()[0]
        proposal = trial.proposal
        line = (
            f"{trial.number:>5} {state:<10} {proposal.origin:<10} {proposal.first_epoch:>3}-{proposal.last_epoch:<3} "
            f"{shown}  {trial.genome}"
        )
        console.print(line, markup=False, no_wrap=True, overflow="ellipsis", soft_wrap=not console.is_terminal)


def _best(console: Console, result: Result) -> None:
    if not result.history.completed():
        console.print("no trial has completed yet")
        return
    best = result.history[result.best.number]
    scores = summary.short_scores(result.history, best.number)
    console.print(f"trial {best.number}: {scores}", style="bold", markup=False)
    console.print(best.genome.describe(), markup=False, soft_wrap=True)

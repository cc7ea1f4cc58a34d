"""The live display of a campaign in a terminal; plain lines where the output is no terminal.

The clock is read for display only: nothing that a campaign does depends on it.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evo.core.events import Callback, CampaignInfo
from evo.core.history import History
from evo.core.trial import Status, Trial
from evo.display import formatting, summary
from evo.display.notebook_display import NotebookDisplay

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

#: Lines that a whole campaign prints about its budget where there is no terminal, and if they are to be few.
_PLAIN_STEPS, _FEW_STEPS = 20, 4
#: Share of the budget that has to be spent at the pace of this session before the time left is estimated.
_PACE = 0.05
#: Trials under way that are shown.
_RUNNING = 4
#: Seconds between two drawings of the display, at least.
_REDRAW = 0.2
_ENDS = {
    "budget": "the budget is spent",
    "undecided": "workers were killed from outside; what they did is undecided, and a resume takes it up",
    "stopped": "stopped; everything so far is saved",
    "exhausted": "every model of the space has been trained",
}


@dataclass
class _Counts:
    """What is counted as outcomes come in, so that a line costs the same after ten thousand trials as after ten."""

    done: Counter[Status] = field(default_factory=Counter)
    causes: set[str] = field(default_factory=set)
    epochs: int = 0
    best: int | None = None

    @classmethod
    def of(cls, history: History) -> _Counts:
        counts = cls()
        for trial in history:
            counts.add(trial, history)
        return counts

    def add(self, trial: Trial, history: History) -> None:
        """Count a trial, if its outcome is known."""
        if trial.outcome is None:
            return
        self.done[trial.outcome.status] += 1
        self.epochs += trial.outcome.epochs
        if not trial.completed:
            self.causes.add(summary.cause(trial.outcome))
        elif math.isfinite(history.fitness(trial.number)[0]) and (
            self.best is None or history.rank_key(trial.number) > history.rank_key(self.best)
        ):
            self.best = trial.number


class Progress(Callback):
    """Shows a campaign while it runs.

    In a terminal a few lines that are redrawn in place, fitted to any width, in a notebook likewise;
    elsewhere (a file, a pipe) one line per twentieth of the budget, per
    better model and per new cause of failure.

    Args:
        console: a ``rich`` console; by default one on standard output, with ``few`` on standard error, so that what
            a program prints stays its own.
        live: redraw in place; by default where the console is a terminal or a notebook.
        few: where there is neither, one line per quarter of the budget and per new cause of failure only: what a
            campaign does by default (``verbose=False`` silences it).

    Example:
        >>> campaign = evo.Campaign(..., callbacks=[evo.report.Progress()])  # doctest: +SKIP
    """

    def __init__(self, console: Console | None = None, live: bool | None = None, few: bool = False) -> None:
        from evo.display.console import console as printing

        self.console = console if console is not None else printing(highlight=False, soft_wrap=False, stderr=few)
        terminal = self.console.is_terminal and not self.console.is_dumb_terminal
        self.live = terminal or self.console.is_jupyter if live is None else live
        self.few = few
        self._steps = _FEW_STEPS if few else _PLAIN_STEPS
        self._display: Live | NotebookDisplay | None = None
        self._info: CampaignInfo | None = None
        self._running: dict[int, Trial] = {}
        self._pace_from: tuple[float, float] | None = None
        self._minutes = 0.0
        self._step = 0
        self._counts = _Counts()
        self._drawn = 0.0
        self._last = ""
        self._announced: list[str] = []
        encoding = (self.console.encoding or "").lower()
        self._unicode = encoding.startswith("utf")

    # -- events ------------------------------------------------------------------------
    def on_begin(self, info: CampaignInfo, history: History) -> None:
        self._info, self._running = info, {}
        self._pace_from, self._minutes = None, info.minutes
        self._counts = _Counts.of(history)
        self._step = int(self._share() * self._steps)
        self._header()
        if self.live and self.console.is_jupyter:
            self._display = NotebookDisplay(self.console)
        elif self.live:
            from rich.live import Live

            self._display = Live(
                self.render(history),
                console=self.console,
                auto_refresh=False,
                redirect_stderr=True,
                redirect_stdout=sys.stdout.isatty(),
                vertical_overflow="crop",
            )
            self._display.start(refresh=True)

    def on_submit(self, trial: Trial, history: History) -> None:
        self._running[trial.number] = trial

    def on_outcome(self, trial: Trial, history: History) -> None:
        self._running.pop(trial.number, None)
        before = self._counts.best
        new_cause = not trial.completed and trial.outcome is not None
        new_cause = new_cause and summary.cause(trial.outcome) not in self._counts.causes  # type: ignore[arg-type]
        self._counts.add(trial, history)
        if self._pace_from is None:
            # Until then workers started and models were compiled for the first time: no pace to go by.
            self._pace_from = time.monotonic(), self._share()
        if self._display is not None:
            self._draw(history)
        elif self._info is not None and not self.live:
            self._plain(trial, history, new_cause, self._counts.best != before)

    def on_message(self, text: str) -> None:
        self._print(text)

    def announce(self, text: str) -> None:
        """Show a line at the next tick; may be called from a signal handler."""
        self._announced.append(text)

    def on_tick(self, minutes: float, running: int, history: History) -> None:
        self._minutes = minutes
        while self._announced:
            self._print(self._announced.pop(0))
        self._draw(history)

    def on_end(self, reason: str, history: History) -> None:
        self._running = {}
        self._drawn = 0.0
        self._draw(history)
        self.close()
        state, why = self._state(history, left=False), _ENDS.get(reason, reason)
        # Not the same line twice.
        self._print(why if state == self._last else f"{state}: {why}")

    def close(self) -> None:
        """Give the terminal back as it was; safe to call at any time, and more than once."""
        if self._display is not None:
            self._display.stop()
            self._display = None

    def _draw(self, history: History) -> None:
        now = time.monotonic()
        if self._display is not None and now - self._drawn >= _REDRAW:
            self._drawn = now
            self._display.update(self.render(history), refresh=True)

    # -- plain lines -----------------------------------------------------------------------
    def _header(self) -> None:
        info = self._info
        assert info is not None
        begun = f"resumed after {sum(self._counts.done.values())} trials" if info.resumed else "new campaign"
        workers = f"{info.workers} worker{'s' if info.workers != 1 else ''}"
        self._print(f"{info.directory}: {begun}, seed {info.seed}, {workers}, {self._budget(info)}")
        for name, value in (
            () if self.few else (("space", info.space), ("precision", info.precision), ("strategy", info.strategy))
        ):
            # What "auto" came to is told by the first worker.
            if value and value != "auto":
                self._print(f"  {name}: {value.splitlines()[0]}")

    @staticmethod
    def _budget(info: CampaignInfo) -> str:
        limits = ((info.budget.epochs, "epoch"), (info.budget.trials, "trial"), (info.budget.minutes, "minute"))
        shown = (f"{limit:g} {unit}{'s' if limit != 1 else ''}" for limit, unit in limits if limit is not None)
        return f"budget {' or '.join(shown)}"

    def _plain(self, trial: Trial, history: History, new_cause: bool, better: bool) -> None:
        if new_cause and trial.outcome is not None:
            self._print(f"trial {trial.number} {summary.cause(trial.outcome, exact=True)}")
        step = int(self._share() * self._steps)
        if step > self._step or (better and not self.few):
            self._step = step
            self._last = self._state(history)
            self._print(self._last)

    def _print(self, text: str) -> None:
        """Print above the display, or as a line; flushed, so that whoever follows a file sees it."""
        width = None if self.console.is_terminal else max(self.console.width, len(text) + 1)
        self.console.print(text, markup=False, highlight=False, width=width, soft_wrap=not self.console.is_terminal)
        self.console.file.flush()

    def _state(self, history: History, left: bool = True) -> str:
        """Where the campaign stands, in one line; with ``left`` also the time left."""
        count = sum(self._counts.done.values())
        failed = count - self._counts.done[Status.COMPLETED]
        parts = [f"{100 * self._share():3.0f}%", self._epochs(), formatting.counted(count, "trial")]
        if failed:
            parts[-1] += f" ({failed} not completed)"
        best = self._counts.best
        if best is not None:
            parts.append(f"best {summary.short_scores(history, best)} (trial {best})")
        minutes = self._left() if left else None
        if minutes is not None:
            parts.append(f"about {formatting.clock(minutes)} left")
        return ", ".join(parts)

    # -- figures -----------------------------------------------------------------------
    def _share(self) -> float:
        """Share of the budget that finished trials have used."""
        budget = self._info.budget if self._info is not None else None
        if budget is None:
            return 0.0
        shares = [0.0]
        if budget.epochs is not None:
            shares.append(self._counts.epochs / budget.epochs)
        if budget.trials is not None:
            shares.append(sum(self._counts.done.values()) / budget.trials)
        if budget.minutes is not None:
            shares.append(self._minutes / budget.minutes)
        return min(1.0, max(shares))

    def _left(self) -> float | None:
        """Minutes left at the pace since the first outcome of this session; None before there is a pace."""
        share = self._share()
        if self._pace_from is None or share >= 1:
            return None
        began, before = self._pace_from
        if share - before < _PACE:
            return None
        left = (time.monotonic() - began) / 60 * (1 - share) / (share - before)
        limit = self._info.budget.minutes if self._info is not None else None
        return left if limit is None else min(left, limit - self._minutes)

    def _epochs(self) -> str:
        limit = self._info.budget.epochs if self._info is not None else None
        epochs = self._counts.epochs
        return formatting.counted(epochs, "epoch") if limit is None else f"{epochs}/{limit} epochs"

    # -- live --------------------------------------------------------------------------
    def render(self, history: History) -> Group:
        """The display as it stands, one line per subject, each cut to the console's width."""
        from rich.console import Group

        lines = [self._bar_line(), self._trials_line(), self._best_line(history)]
        if len(summary.improvements(history)) > 1:
            lines.append(self._spark_line(history))
        rungs = summary.rungs(history)
        if len(rungs) > 1:
            shown = " · ".join(f"{rung.completed} to {rung.epochs}" for rung in rungs if rung.completed)
            lines.append(self._line("rungs", f"{shown} epochs"))
        lines += self._running_lines()
        causes = summary.causes(history)
        if causes:
            shown = ", ".join(f"{count} × {name}" for name, count in causes.most_common(3))
            lines.append(self._line("failures", shown, "yellow"))
        return Group(*lines)

    def _line(self, label: str, value: str, style: str = "") -> Text:
        from rich.text import Text

        if not self._unicode:
            value = value.translate({0xD7: "x", 0x2192: ">", 0xB7: "-", 0x2013: "-", 0x2026: "."})
        text = Text(no_wrap=True, overflow="ellipsis" if self._unicode else "crop")
        text.append(f"{label:<9}", style="dim")
        text.append(value, style=style)
        return text

    def _bar_line(self) -> Text:
        from rich.text import Text

        share = self._share()
        left = self._left()
        # The last words go first where the terminal is narrow.
        words = [f"{100 * share:3.0f}%", self._epochs(), formatting.clock(self._minutes)]
        if left is not None:
            words.append(f"about {formatting.clock(left)} left")
        width = self.console.width
        while len(words) > 1 and 10 + sum(len(word) + 2 for word in words) > width:
            words.pop()
        room = max(0, min(60, width - 1 - sum(len(word) + 2 for word in words)))
        full, empty = ("━", "─") if self._unicode else ("#", "-")
        filled = round(share * room)
        text = Text(no_wrap=True, overflow="crop")
        text.append(full * filled, style="green")
        text.append(empty * (room - filled), style="dim")
        text.append(" " + "  ".join(words), style="bold")
        return text

    def _trials_line(self) -> Text:
        counts = self._counts.done
        parts = [f"{sum(counts.values())} done"]
        if self._running:
            parts.append(f"{len(self._running)} running")
        parts += [f"{count} {s.value}" for s, count in sorted(counts.items()) if s.value != "completed"]
        return self._line("trials", " · ".join(parts))

    def _best_line(self, history: History) -> Text:
        best = None if self._counts.best is None else history[self._counts.best]
        if best is None or best.outcome is None:
            return self._line("best", "none yet", "dim")
        parts = [summary.short_scores(history, best.number), f"trial {best.number}"]
        if best.outcome.parameters is not None:
            parts.append(f"{formatting.short_number(best.outcome.parameters)} parameters")
        parts += [f"{best.epochs} epoch{'s' if best.epochs != 1 else ''}", best.proposal.origin]
        return self._line("best", " · ".join(parts), "green")

    def _spark_line(self, history: History) -> Text:
        steps = summary.improvements(history)
        ends = f" {formatting.short_value(steps[0].value)} → {formatting.short_value(steps[-1].value)}"
        room = min(40, self.console.width - 9 - len(ends))
        values = summary.best_over_epochs(history, max(room, 1))
        bars = formatting.sparkline(values, room, "▁▂▃▄▅▆▇█" if self._unicode else "_.-=*#")
        return self._line("", bars + ends, "cyan")

    def _running_lines(self) -> list[Text]:
        """What the workers train, and what waits for them: the oldest few."""
        trials: Sequence[Trial] = sorted(self._running.values(), key=lambda t: t.number)[:_RUNNING]
        lines: list[Text] = []
        for trial in trials:
            span = f"{trial.proposal.first_epoch}→{trial.proposal.last_epoch}"
            shown = f"{trial.number} {trial.proposal.origin} {span}  {trial.genome.summary()}"
            lines.append(self._line("running" if not lines else "", shown))
        return lines

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from evo.core.budget import Budget
from evo.core.events import CampaignInfo
from evo.core.history import History
from evo.display.progress import Progress
from tests.evo.display.synthetic_history import make_history

SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


def info(budget: Budget) -> CampaignInfo:
    return CampaignInfo("runs/x", 7, budget, ("val_accuracy",), "a space [of] things", 2, "float32: no GPU", "cpu")


def replay(progress: Progress, history: History, upto: int | None = None) -> History:
    """Tell a display a whole history, four trials at a time in flight."""
    shown = History((), history.objectives)
    budget = Budget(epochs=max(1, sum(t.outcome.epochs for t in history if t.outcome)))
    progress.on_begin(info(budget), shown)
    trials = list(history)[:upto]
    for number, trial in enumerate(trials):
        shown.append(replace(trial, outcome=None))
        progress.on_submit(shown[number], shown)
        if number >= 4:
            shown.tell(number - 4, trials[number - 4].outcome)
            progress.on_outcome(shown[number - 4], shown)
        progress.on_tick(number / 20, 4, shown)
    return shown


def test_plain_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    progress = Progress(Console(file=stream, width=80))
    assert not progress.live
    shown = replay(progress, make_history(200, 0))
    progress.on_message("training the survivors")
    progress.on_end("budget", shown)
    text = stream.getvalue()
    lines = text.splitlines()
    assert "\x1b" not in text
    # Not a line per trial: one per twentieth of the budget, per better model, per new cause.
    assert 10 < len(lines) < 60
    assert lines[0].startswith("runs/x: new campaign, seed 7, 2 workers, budget ")
    assert "training the survivors" in lines
    assert "the budget is spent" in lines[-1]
    # Messages with what looks like markup are shown as they are.
    assert any("[/bold]" in line for line in lines)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_live_display_fits_the_terminal_and_gives_it_back(width: int) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=width, height=24, force_terminal=True, color_system=None, legacy_windows=False)
    progress = Progress(console)
    assert progress.live
    history = replay(progress, make_history(60, 0))
    plain = Console(file=io.StringIO(), width=width, force_terminal=False)
    for line in plain.render_lines(progress.render(history), pad=False):
        assert sum(segment.cell_length for segment in line) <= width
    assert HIDE_CURSOR in stream.getvalue()
    # Whatever happens, `close` gives the terminal back; a second call does nothing.
    progress.close()
    progress.close()
    assert stream.getvalue().rindex(SHOW_CURSOR) > stream.getvalue().rindex(HIDE_CURSOR)


def test_display_without_unicode() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    progress = Progress(Console(file=stream, width=60, force_terminal=True, color_system=None))
    history = replay(progress, make_history(40, 0))
    progress.on_end("stopped", history)
    stream.flush()


def test_resumed_campaign_says_so_and_counts_on() -> None:
    history = make_history(40, 0)
    stream = io.StringIO()
    progress = Progress(Console(file=stream, width=100))
    progress.on_begin(replace(info(Budget(trials=80)), resumed=40), history)
    progress.on_end("stopped", history)
    assert "resumed after 40 trials" in stream.getvalue()
    assert " 50%" in stream.getvalue()


def test_announcements_wait_for_the_next_tick() -> None:
    stream = io.StringIO()
    progress = Progress(Console(file=stream, width=100))
    history = make_history(3, 0)
    progress.on_begin(info(Budget(epochs=10)), history)
    before = stream.getvalue()
    progress.announce("Stopping.")
    assert stream.getvalue() == before
    progress.on_tick(0.1, 1, history)
    assert stream.getvalue() == before + "Stopping.\n"


def test_display_of_several_objectives() -> None:
    history = make_history(30, 0, objectives=("val_accuracy", "-parameters"))
    progress = Progress(Console(file=io.StringIO(), width=120, force_terminal=True))
    replay(progress, history)
    text = Console(file=io.StringIO(), width=200)
    with text.capture() as capture:
        text.print(progress.render(history))
    assert "val_accuracy" in capture.get() and "parameters" in capture.get()
    progress.close()


def test_few_lines_where_a_campaign_shows_itself() -> None:
    stream = io.StringIO()
    progress = Progress(Console(file=stream, width=80), few=True)
    progress.on_end("budget", replay(progress, make_history(200, 0)))
    lines = stream.getvalue().splitlines()
    causes = [line for line in lines if line.startswith("trial ")]
    assert lines[0].startswith("runs/x: new campaign") and "space" not in lines[1]
    assert len(lines) - len(causes) <= 6 and "the budget is spent" in lines[-1]


def test_time_left_waits_for_a_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    trials = [replace(t, number=n) for n, t in enumerate(t for t in make_history(200, 0) if t.completed)][:12]
    assert len(trials) == 12
    shown = History()
    progress = Progress(Console(file=io.StringIO(), width=80))
    progress.on_begin(info(Budget(trials=100)), shown)
    clock[0] = 60.0  # workers started, which says nothing about the pace
    for number, trial in enumerate(trials):
        shown.append(trial)
        progress.on_outcome(trial, shown)
        # Two seconds per trial from the first one on; told once a twentieth has been trained at that pace.
        expected = None if number < 6 else pytest.approx((100 - number - 1) * 2 / 60)
        assert progress._left() == expected
        clock[0] += 2.0


def test_time_left_is_at_most_the_minutes_that_are_left() -> None:
    shown = History()
    progress = Progress(Console(file=io.StringIO(), width=80))
    progress.on_begin(info(Budget(minutes=1.0)), shown)
    trial = next(t for t in make_history(9, 0) if t.completed)
    shown.append(replace(trial, number=0))
    progress.on_outcome(shown[0], shown)
    progress.on_tick(0.75, 1, shown)
    left = progress._left()
    assert left is not None and left <= 0.25

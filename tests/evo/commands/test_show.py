"""``evo show`` in a terminal of 80 columns, and ``--watch`` in a real one."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import evo
from evo.cli import main
from evo.commands import show
from evo.display import summary
from evo.display.console import console as printing
from tests.evo.simulated_campaigns import campaign

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("runs") / "c"
    campaign(place, budget=evo.Budget(trials=100), algorithm=evo.algorithms.Hyperband()).run()
    return place


@pytest.mark.parametrize("width", [60, 80, 200])
def test_lines_fit_a_terminal_and_say_what_a_genome_is(
    directory: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = printing(width=width, height=200, force_terminal=True, color_system=None, highlight=False)
    monkeypatch.setattr(show, "printing", lambda **options: console)
    with console.capture() as captured:
        assert main(["show", str(directory)]) == 0
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= width
    result = evo.load_result(directory)
    for individual in result.population:
        words = individual.genome.summary()[:40]
        assert any(line.strip().startswith(words) for line in lines)
    text = captured.get()
    for rung in {trial.proposal.last_epoch for trial in result.trials}:
        assert re.search(rf"^ +{rung} +\d+ +0 +\d+", text, re.MULTILINE)
    causes = summary.causes(result.history)
    assert causes and all(name in text for name in causes)


def test_without_a_terminal_nothing_is_cut(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(directory)]) == 0
    shown = capsys.readouterr().out
    for individual in evo.load_result(directory).population:
        assert individual.genome.summary() in shown
    assert main(["show", str(directory), "--watch"]) == 2
    assert "--watch: needs a terminal" in capsys.readouterr().err


class Looks(evo.Callback):
    """Looks at the campaign as ``--watch`` does, while it runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.seen: list[str] = []

    def on_outcome(self, trial: Any, history: Any) -> None:
        console = printing(width=80, height=24, force_terminal=True, color_system=None, highlight=False)
        self.seen.append(show._now(console, self.directory))


def test_what_runs_is_listed_with_its_genome(tmp_path: Path) -> None:
    looks = Looks(tmp_path / "c")
    campaign(tmp_path / "c", budget=evo.Budget(trials=8), callbacks=[looks]).run()
    assert all("running; Ctrl-C ends this view" in text for text in looks.seen)
    assert all(len(text.splitlines()) <= 23 for text in looks.seen)
    assert any(re.search(r"under way\n +\d+ +\d+→\d+ +\w+ +\S+", text) for text in looks.seen)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are those of POSIX")
def test_watch_in_a_terminal_follows_and_ends_by_ctrl_c(directory: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    driver, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "evo", "show", str(directory), "--watch"]
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
    )
    os.close(terminal)
    seen = b""
    try:
        while b"population" not in seen:
            seen += os.read(driver, 65536)
        assert b"\x1b[?1049h" in seen, "the screen's other page"
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(OSError):  # Linux says so when the other side is closed
            while chunk := os.read(driver, 65536):
                seen += chunk
        assert process.wait(timeout=120) == 0
    finally:
        process.kill()
        os.close(driver)
    after = seen[seen.rindex(b"\x1b[?1049l") :]
    assert b"population" in after and b"Traceback" not in seen

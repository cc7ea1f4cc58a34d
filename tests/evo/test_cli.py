from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evo import cli
from evo.commands.interruption import StopOnInterrupt
from evo.commands.other_distribution import conflict
from evo.errors import SettingsError

REPOSITORY = Path(__file__).parents[2]
COMMANDS = ("run", "resume", "show", "report", "demo")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: evo {command}" in text and len(text) > 300


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == cli.WRONG
    text = capsys.readouterr().out
    assert all(command in text for command in COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert "keras 3." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "nowhere"], "evo: directory: nowhere holds no campaign"),
        (["report", "nowhere"], "evo: directory: nowhere holds no campaign"),
        (["report", "nowhere", "--ensemble", "-1"], "evo: --ensemble: expected 0 or more members, got -1"),
        (["resume", "nowhere"], "evo: directory: nowhere holds no campaign"),
        (["run", "gone.toml"], "evo: config: gone.toml cannot be read: No such file or directory"),
        (["demo", "--epochs", "0"], "evo: budget: epochs: expected a whole number of 1 or more, got 0"),
    ],
)
def test_an_error_is_one_line(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == cli.WRONG
    captured = capsys.readouterr()
    assert captured.err == message + "\n" and captured.out == ""
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SettingsError):
        cli.main(["--traceback", *arguments])


def test_a_reader_that_goes_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "evo", "--help"], stdout=writing, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    os.close(writing)
    assert done.stderr == ""


def test_help_and_errors_import_no_backend() -> None:
    program = (
        "import sys; from evo import cli; cli.main(['show', 'nowhere']);"
        "print(sorted({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.stdout == "[]\n"


class Stoppable:
    stopped = 0

    def stop(self, signal: int | None = None) -> None:
        self.stopped += 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_stops_cleanly_second_at_once(number: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    campaign = Stoppable()
    with StopOnInterrupt(campaign) as interrupt:
        os.kill(os.getpid(), number)
        assert campaign.stopped == interrupt.received == 1
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        assert interrupt.exit_code == 128 + number
        # What comes after the second one has the effect it had before.
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_another_package_of_the_same_import_name_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conflict() is None
    folder = tmp_path / "evo-1.31.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: evo\nVersion: 1.31.1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert cli.main(["--version"]) == 0
    assert "another package, evo 1.31.1, is installed" in capsys.readouterr().err

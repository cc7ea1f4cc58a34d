"""``evo fit``, ``evo predict`` and ``evo export``: from a file to predictions in a shell."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import evo
from evo.campaign.result import Result
from evo.cli import main
from evo.display.progress import Progress

CHEAP = ["--trials", "2", "--workers", "0", "--effort", "quick", "--quiet"]


def test_a_european_file_goes_in_and_its_words_come_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = np.random.default_rng(0).normal(size=80).round(2)
    kinds = np.where(sizes > 0, "groß", "NA")
    lines = [f"{size:.2f};{kind}".replace(".", ",") for size, kind in zip(sizes, kinds, strict=True)]
    (tmp_path / "daten.CSV").write_bytes("\n".join(["maß;art", *lines]).encode("cp1252"))
    (tmp_path / "neu.csv").write_bytes("maß\n1,5\n-1,5\n".replace(",", ".").encode())
    place = str(tmp_path / "c")
    assert main(["fit", str(tmp_path / "daten.CSV"), "--target", "art", "-d", place, *CHEAP]) == 0
    shown = capsys.readouterr().out
    assert f"evo predict {place} new.csv --output predictions.csv" in shown and "val_accuracy" in shown
    assert "\nTo be expected of it on new rows: error 0." in shown
    model = evo.load_fitted(place)
    assert "art, binary: NA, groß" in model._repr_html_() and "error 0." in repr(model)
    assert main(["resume", place, "--minutes", "1"]) == 2 and "begun by evo fit" in capsys.readouterr().err
    assert main(["show", str(tmp_path)]) == 2 and f"no campaign itself; name one: {place}" in capsys.readouterr().err
    output = tmp_path / "out.csv"
    assert main(["predict", place, str(tmp_path / "neu.csv"), "-o", str(output), "-p"]) == 0
    told = pd.read_csv(output, keep_default_na=False)
    assert list(told) == ["maß", "art", "art=NA", "art=groß"] and set(told["art"]) <= {"NA", "groß"}
    capsys.readouterr()
    for source, column in (("daten.CSV", "predicted art"), ("out.csv", "predicted predicted art")):
        assert main(["predict", place, str(tmp_path / source), "-o", str(output)]) == 0
        assert capsys.readouterr().out == f"80 rows with {column} are in {output}\n"
        assert list(pd.read_csv(output))[-1] == column, "what the file has is not replaced"
    assert main(["export", place, "--output", str(tmp_path / "m.keras")]) == 0 and (tmp_path / "m.keras").is_file()


def test_a_folder_of_pictures_of_all_kinds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(24):
        bright, mode = number % 2, ("L", "RGB", "RGBA", "P")[number // 2 % 4]
        folder = tmp_path / "pictures" / ("light" if bright else "dark")
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.new("L", (9 + number % 3, 12), 60 + 120 * bright).convert(mode)
        picture.save(folder / f"{number}.{'PNG' if mode != 'RGB' else 'jpeg'}")
    place = str(tmp_path / "c")
    assert main(["fit", str(tmp_path / "pictures"), "-d", place, *CHEAP, "--trials", "1"]) == 0
    assert main(["predict", place, str(tmp_path / "pictures")]) == 0
    rows = capsys.readouterr().out.partition("file,y\n")[2].splitlines()
    told = evo.load_fitted(place).predict(tmp_path / "pictures")
    assert [row.rpartition(",")[2] for row in rows] == told.tolist()
    assert len(rows) == 24 and all(row.rpartition(",")[2] in ("light", "dark") for row in rows)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "nowhere.csv", "--target", "a"], "there is no file nowhere.csv"),
        (["fit", "table.csv"], "--target: name the column to predict; table.csv has a, b"),
        (["fit", "table.csv", "--target", "c"], "there is no column 'c'; there are 'a', 'b'"),
        (["fit", ".", "--target", "c"], "leave --target out"),
        (["fit", "."], "holds no pictures"),
        (["predict", ".", "table.csv"], "holds no fitted model"),
        (["export", "."], "holds no fitted model"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("a,b\n1,2\n3,4\n")
    assert main(arguments) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("evo: ") and words in shown and shown.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_it_and_the_same_command_goes_on(
    number: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trees of the ensemble, which may have to be grown yet, are left to the resume."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=30), "y": rng.normal(size=30), "b\x1b[2J": "always"})
    frame.to_csv(tmp_path / "a.csv", index=False)
    command = [
        "fit",
        str(tmp_path / "a.csv"),
        "--target",
        "y",
        "-d",
        str(tmp_path / "a place"),
        *CHEAP[:-1],
        "--no-trees",
    ]
    # A shell starts background jobs with SIGINT ignored, which a campaign respects.
    before = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Progress, "on_submit", lambda *_: os.kill(os.getpid(), number))
            patch.setattr(Result, "ensemble", None)
            assert main(command) == code
    finally:
        signal.signal(number, before)
    shown = capsys.readouterr().out
    assert f"To resume: the same command with --directory '{tmp_path / 'a place'}'" in shown
    assert "\x1b" not in shown  # a column's name does not clear the screen
    assert main(command) == 0

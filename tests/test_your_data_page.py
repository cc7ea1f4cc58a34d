"""Every example of docs/your-data.md, from raw file to predictions, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "your-data.md").read_text(encoding="utf-8")
FOUND = re.findall(r"```(python|sh)\n(.*?)```", PAGE, re.DOTALL)
DATA = re.compile(r"[a-z_]+\.(?:csv|xlsx|npz)|pictures|Dataset|sparse")
BLOCKS = [pytest.param(*found, id=f"{number}-{DATA.findall(found[1])[0]}") for number, found in enumerate(FOUND)]
ROWS = 120
#: In place of the page's five minutes.
PYTHON_BUDGET, SHELL_BUDGET = "trials=1, epochs=2, workers=0", "--trials 1 --effort quick --workers 0"


def orders(folder: Path, rng: np.random.Generator) -> None:
    """Words, gaps and dates."""
    size = rng.normal(size=ROWS).round(2)
    frame = pd.DataFrame(
        {
            "ordered": pd.date_range("2023-01-01", periods=ROWS, freq="37h").strftime("%Y-%m-%d"),
            "size": np.where(np.arange(ROWS) % 7 == 0, np.nan, size),
            "town": rng.choice(["Rom", "Köln", ""], ROWS),
            "state": np.where(size > 0, "paid", "None"),
        }
    )
    frame.to_csv(folder / "orders.csv", index=False)
    frame.drop(columns="state").to_csv(folder / "new_orders.csv", index=False)


def prices(folder: Path, rng: np.random.Generator) -> None:
    """A sheet of a European program: numbers as texts."""
    area = rng.uniform(20, 200, ROWS).round(1)
    words = [f"{value:,.2f}".translate(str.maketrans(",.", ".,")) for value in 1000 * area]
    frame = pd.DataFrame({"Fläche": [str(value).replace(".", ",") for value in area], "Preis": words})
    frame.to_excel(folder / "preise.xlsx", index=False)
    frame[["Fläche"]].to_excel(folder / "neu.xlsx", index=False)


def labels(folder: Path, rng: np.random.Generator) -> None:
    frame = pd.DataFrame(rng.normal(size=(ROWS, 3)), columns=list("abc"))
    frame.assign(rain=(frame.a > 0).astype(int), wind=(frame.b > 0).astype(int)).to_csv(
        folder / "weather.csv", index=False
    )
    days = frame.assign(sky=np.where(frame.a > 0, "clear", "dull"), temperature=(9 * frame.b).round(1))
    days.to_csv(folder / "days.csv", index=False)
    frame.assign(fraud=np.where(frame.a > 1.2, "yes", "no")).to_csv(folder / "fraud.csv", index=False)


def pictures(folder: Path, rng: np.random.Generator) -> None:
    image = pytest.importorskip("PIL.Image")
    for number in range(24):
        place = folder / "pictures" / ("day" if number % 2 else "night")
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 120, (10 + number % 4, 12, 3)) + 120 * (number % 2)
        mode = ("L", "RGB", "RGBA", "P")[number // 2 % 4]
        suffix = "jpg" if mode == "RGB" else "PNG"
        image.fromarray(pixels.astype(np.uint8)).convert(mode).save(place / f"{number}.{suffix}")


def reviews(folder: Path, rng: np.random.Generator) -> None:
    good, bad = (
        ["очень хорошо и быстро", "sehr gut, gerne wieder", "とても良いです"],
        ["очень плохо", "nie wieder so", "悪いです"],
    )
    texts = [f"{text} {rng.integers(1000)} x" for text in (good + bad) * 15]
    pd.DataFrame({"review": texts, "mood": (["+"] * 3 + ["-"] * 3) * 15}).to_csv(folder / "reviews.csv", index=False)


def series(folder: Path, rng: np.random.Generator) -> None:
    steps = np.arange(300)
    load = 10 + 3 * np.sin(2 * np.pi * steps / 24) + rng.normal(scale=0.1, size=300)
    when = pd.date_range("2024-01-01", periods=300, freq="h")
    pd.DataFrame({"when": when, "load": load}).to_csv(folder / "load.csv", index=False)


def scans(folder: Path, rng: np.random.Generator) -> None:
    np.savez(
        folder / "scans.npz",
        scan=rng.integers(0, 255, (ROWS, 12, 12), dtype=np.uint8),
        age=rng.integers(20, 90, ROWS),
        sex=rng.choice(["f", "m"], ROWS),
        y=rng.choice(["ill", "well"], ROWS),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("openpyxl")
    made = tmp_path_factory.mktemp("data")
    for make in (orders, prices, labels, pictures, reviews, series, scans):
        make(made, np.random.default_rng(0))
    return made


#: What an example's output ends with.
SHOWN = {
    "orders.csv": r"'(None|paid)'",
    "preise.xlsx": r"\d{5}",
    "weather.csv": r"\[[01] [01]\]",
    "days.csv": r"\d\.\d",
    "fraud.csv": r"'average_precision': \d",
    "reviews.csv": r"'[+-]' '[+-]' '[+-]'",
    "scans.npz": r"'(ill|well)'",
    "load.csv": r"2024-01-13 12:00:00",
    "Dataset": r"'accuracy': ",
    "sparse": r"(True|False)",
}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "block"), BLOCKS)
def test_an_example_goes_from_raw_data_to_predictions(kind: str, block: str, folder: Path) -> None:
    lines = [line for line in block.splitlines() if line and not line.startswith("import")]
    assert len(lines) <= 3, "three lines at most"
    assert "minutes" in block
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    if kind == "python":
        commands = [[sys.executable, "-c", block.replace("minutes=5", PYTHON_BUDGET)]]
    else:
        shell = block.replace("--minutes 5", SHELL_BUDGET).splitlines()
        commands = [[sys.executable, "-m", *line.split()] for line in shell]
    for command in commands:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    if kind == "python":
        wanted = next(pattern for name, pattern in SHOWN.items() if name in block)
        assert re.search(wanted, done.stdout), done.stdout
    else:
        told = pd.read_csv(folder / "predictions.csv", keep_default_na=False)
        column, known = ("y", {"day", "night"}) if "pictures" in block else ("state", {"None", "paid"})
        assert len(told) == (24 if "pictures" in block else ROWS) and set(told[column]) <= known


def test_the_page_has_ten_kinds_of_data() -> None:
    assert len(BLOCKS) >= 11 and all(name in PAGE for name in SHOWN)

"""Every single file of a campaign's directory truncated, zeroed, changed or removed, then resumed."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import warnings
from argparse import Namespace
from pathlib import Path

import numpy as np

from benchmarks.resume.child import simulated
from benchmarks.resume.comparison import differing, snapshot
from benchmarks.resume.kills import Report

HOW = ("truncated", "zeroed", "overwritten", "removed")


def damage(path: Path, how: str, seed: int) -> bool:
    """Damage a file; False if that changed nothing."""
    before = path.read_bytes()
    rng = np.random.default_rng(seed)
    if how == "removed":
        path.unlink()
        return True
    if not before:
        return False
    place = int(rng.integers(0, len(before)))
    after = {
        "truncated": before[:place],
        "zeroed": bytes(len(before)),
        "overwritten": before[:place] + bytes(255 - b for b in before[place : place + 4096]) + before[place + 4096 :],
    }[how]
    path.write_bytes(after)
    return after != before


def _run(directory: Path, trials: int) -> str:
    """Begin or go on in this process; all that was printed."""
    arguments = Namespace(trials=trials, workers=1, concurrency=4, seed=7, options="{}")
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        simulated(str(directory), arguments).run()
    return "\n".join([printed.getvalue(), *(str(warning.message) for warning in warned)])


def damage_test(folder: Path, trials: int) -> Report:
    """Each file, each way; the campaign is resumed with a larger budget than it had.

    Either it ends with the bytes of the same campaign, gone on with undamaged, or it is
    refused with the file's name; anything else is a failure.
    """
    from evo.errors import EvoError

    os.environ["EVO_SIMULATED_SECONDS"] = "0"
    report = Report("every file damaged", {"files": 0, "cases": 0, "repaired": 0, "refused by name": 0, "said": 0})
    begun = folder / "begun"
    _run(begun, trials * 2 // 3)
    # Not a campaign with the larger budget from the start: it would begin its final training later.
    shutil.copytree(begun, folder / "whole")
    _run(folder / "whole", trials)
    whole = snapshot(folder / "whole")
    files = sorted(path.relative_to(begun) for path in begun.rglob("*") if path.is_file())
    report.counts["files"] = len(files)
    for seed, (file, how) in enumerate((file, how) for file in files for how in HOW):
        copy = folder / f"damaged-{seed}"
        shutil.copytree(begun, copy)
        if not damage(copy / file, how, seed):
            shutil.rmtree(copy)
            continue
        report.counts["cases"] += 1
        what = f"{file.as_posix()} {how}"
        try:
            printed = _run(copy, trials)
        except EvoError as error:
            if file.name in str(error):
                report.counts["refused by name"] += 1
            else:
                report.failures.append(f"{what}: refused without its name: {type(error).__name__}: {error}")
        except Exception as error:
            report.failures.append(f"{what}: {type(error).__name__}: {error}")
        else:
            report.counts["repaired"] += 1
            report.counts["said"] += file.name in printed
            names = differing(snapshot(copy), whole)
            if names:
                report.failures.append(f"{what}: a different campaign: {', '.join(names[:6])}")
        shutil.rmtree(copy)
    return report

"""Kill, damage and resume campaigns, and compare every byte with an undisturbed one.

``--kills 100`` kills the process group of campaigns with simulated evaluations a hundred
times; ``--training 15`` does so with campaigns that train. ``--all`` adds SIGTERM, SIGINT,
killed workers, a full disk, every file damaged in turn, 1, 2 and 4 workers, and ten
thousand trials.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.resume.kills import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``python -m benchmarks resume``."""
    parser.add_argument("--kills", type=int, default=0, help="SIGKILLs over campaigns with simulated evaluations")
    parser.add_argument("--training", type=int, default=0, help="SIGKILLs over campaigns that train on digits")
    parser.add_argument("--signals", type=int, default=0, help="SIGTERMs, and as many SIGINTs, to the driver")
    parser.add_argument("--worker-kills", type=int, default=0, help="campaigns in which workers are killed")
    parser.add_argument("--disk", action="store_true", help="a full disk, as a file-size limit")
    parser.add_argument("--damage", action="store_true", help="every file damaged in turn")
    parser.add_argument("--damage-trials", type=int, default=45, help="trials of the damaged campaign (default 45)")
    parser.add_argument("--workers", action="store_true", help="1, 2 and 4 workers")
    parser.add_argument("--scale", type=int, default=0, help="cost of recording and resuming so many trials")
    parser.add_argument("--all", action="store_true", help="all of these, with the figures of the issue")
    parser.add_argument("--trials", type=int, default=60, help="trials of a simulated campaign (default 60)")
    parser.add_argument("--epochs", type=int, default=24, help="epochs of a campaign that trains (default 24)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments (default 0)")
    parser.add_argument("--folder", type=Path, default=None, help="where to work (default: a temporary folder)")


def run(arguments: argparse.Namespace) -> int:
    """Run what was asked for; 0 if everything passed."""
    if arguments.all:
        arguments.kills, arguments.training = arguments.kills or 100, arguments.training or 15
        arguments.signals, arguments.worker_kills = arguments.signals or 5, arguments.worker_kills or 5
        arguments.scale = arguments.scale or 10_000
        arguments.disk = arguments.damage = arguments.workers = True
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        failed = False
        for report in _reports(arguments, folder):
            print(report, flush=True)
            failed = failed or bool(report.failures)
    return int(failed)


def _reports(arguments: argparse.Namespace, folder: Path) -> Iterator[Report]:
    from benchmarks.resume import kills
    from benchmarks.resume.damage import damage_test
    from benchmarks.resume.scale import scale_test

    simulated = ["--trials", str(arguments.trials), "--ensemble"]
    if any((arguments.kills, arguments.signals, arguments.worker_kills, arguments.disk, arguments.workers)):
        reference = kills.undisturbed(folder, simulated)
        if arguments.kills:
            yield kills.kill_test(folder, reference, arguments.kills, arguments.seed)
        for which in (signal.SIGTERM, signal.SIGINT) if arguments.signals else ():
            yield kills.signal_test(folder, reference, arguments.signals, arguments.seed, which)
        if arguments.worker_kills:
            yield kills.worker_test(folder, reference, arguments.worker_kills, arguments.seed)
        if arguments.disk:
            yield kills.disk_test(folder, reference, [500, 2500, 12000, 40000])
        if arguments.workers:
            yield kills.workers_test(folder, reference, [1, 2, 4])
    if arguments.training:
        trains = ["--training", "--trials", str(arguments.epochs), "--ensemble"]
        reference = kills.undisturbed(folder, trains, "undisturbed-training")
        report = kills.kill_test(folder, reference, arguments.training, arguments.seed)
        report.name += ", training"
        yield report
    if arguments.damage:
        yield damage_test(folder, arguments.damage_trials)
    if arguments.scale:
        yield scale_test(folder, arguments.scale)

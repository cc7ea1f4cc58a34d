"""The ``evo`` program: its arguments; each command is a module of :mod:`evo.commands`."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evo.commands.other_distribution import conflict
from evo.commands.shell_words import command_line
from evo.core.errors import EvoError, SearchStopped
from evo.display.console import printable
from evo.splits import VALIDATION_SHARE
from genomes.errors import GenomeError
from genomes.targets import CLASSIFICATION, Ordinal, Quantiles, Regression

#: What may be stated of a target that does not say it.
_TASKS = (CLASSIFICATION, Regression.task, Ordinal.task, Quantiles.task)

#: Exit codes: 0 done; 1 something failed that nobody foresaw; 2 what was asked for is wrong; 130 interrupted.
WRONG, INTERRUPTED = 2, 130


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="evo",
        description="Evolutionary search for Keras architectures. Every campaign lives in a directory: interrupted "
        "or killed at any moment, it resumes from there.",
        epilog="'evo COMMAND --help' says more about a command. Start with 'evo demo'.",
    )
    top.add_argument("--version", action="store_true", help="show the version and what it runs on")
    top.add_argument("--traceback", action="store_true", help="show where an error came from")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    _fitting(commands)
    run = commands.add_parser(
        "run",
        help="run a campaign that a TOML file describes",
        description="Run the campaign that a TOML file describes; a directory that already holds it is resumed.",
        epilog="The file's sections are explained in docs/cli.md; examples are in examples/.",
    )
    run.add_argument("config", metavar="CONFIG.toml", type=Path, help="data, space, budget and settings")
    _directory(run, "where the campaign is kept (default: the file's [campaign] directory, else runs/NAME)")
    _limits(run, "instead of the file's")
    _session(run)

    resume = commands.add_parser(
        "resume",
        help="resume a campaign, or give it a larger budget",
        description="Resume the campaign in a directory. Data and space are found by what 'evo run' or "
        "'evo demo' noted there; a campaign begun from Python needs --config with its data.",
    )
    resume.add_argument("directory", metavar="DIR", type=Path, help="the campaign's directory")
    resume.add_argument("--config", metavar="CONFIG.toml", type=Path, help="where the data is, if it has moved")
    _limits(resume, "instead of the campaign's; it may be larger than before")
    _session(resume)

    show = commands.add_parser(
        "show",
        help="show a campaign: settings, progress, best model, failures, disk use",
        description="Show where a campaign stands. Nothing is changed: it may be running meanwhile.",
    )
    show.add_argument("directory", metavar="DIR", type=Path, help="the campaign's directory")
    show.add_argument("--best", action="store_true", help="show the best model's genome in full")
    show.add_argument("--trials", action="store_true", help="list every trial, one per line")
    show.add_argument("--watch", action="store_true", help="keep showing it, anew every two seconds, until it ends")

    report = commands.add_parser(
        "report",
        help="write an HTML report of a campaign",
        description="Write one HTML file that shows what happened in a campaign; it needs no network and nothing "
        "beside it.",
    )
    report.add_argument("directory", metavar="DIR", type=Path, help="the campaign's directory")
    report.add_argument("--output", "-o", metavar="FILE", type=Path, help="default: DIR/report.html")
    report.add_argument(
        "--ensemble",
        metavar="SIZE",
        type=int,
        default=8,
        help="members of the ensemble that is shown, 0 for none (default: %(default)s)",
    )
    report.add_argument("--config", metavar="CONFIG.toml", type=Path, help="where the data is, if it has moved")

    _dashboard(commands)
    demo = commands.add_parser(
        "demo",
        help="the main job, end to end, on 1,797 real images: two to five minutes on two cores",
        description="Evolve convolutional networks for scikit-learn's digits, then form an ensemble and judge it on "
        "test images that nothing has seen. Interrupted, it resumes when it is started again.",
    )
    _directory(demo, "where the campaign is kept (default: runs/demo)")
    demo.add_argument("--seed", metavar="N", type=int, default=1, help="seed of the campaign (default: %(default)s)")
    demo.add_argument("--epochs", metavar="N", type=int, help="budget in epochs of training, over all models")
    demo.add_argument("--quick", action="store_true", help="a small budget, to see it work within a minute or two")
    _session(demo)
    return top


def _dashboard(commands: Any) -> None:
    dashboard = commands.add_parser(
        "dashboard",
        help="show campaigns in the browser while they run",
        description="Serve what the report shows to a browser on this machine, kept up to date while campaigns run; "
        "several are compared. Directories are only read.",
    )
    dashboard.add_argument(
        "directories", metavar="DIR", type=Path, nargs="+", help="a campaign's directory, or a folder of such"
    )
    dashboard.add_argument("--port", metavar="N", type=int, help="default: 8050, or a free one where that is taken")
    dashboard.add_argument(
        "--host", metavar="NAME", default="127.0.0.1", help="interface to listen on (default: this machine alone)"
    )


def _fitting(commands: Any) -> None:
    fit = commands.add_parser(
        "fit",
        help="fit a model to a table or a folder of pictures",
        description="Search and train a model for the rows of a file (.csv, .tsv, .parquet, .xlsx, also .gz) or for a "
        "folder that has a folder of pictures for each class.",
        epilog="The same call again, with the same --directory, resumes.",
    )
    fit.add_argument("data", metavar="DATA", type=Path, help="the file, or the folder")
    fit.add_argument("--target", "-t", metavar="COLUMN", help="the column to predict; several with commas between")
    _directory(fit, "where everything is kept (default: a new folder under runs)")
    fit.add_argument("--effort", choices=("quick", "good", "best"), default="good", help="1, 5 or 30 minutes")
    fit.add_argument("--minutes", metavar="N", type=float, help="wall-clock minutes, in place of the effort's")
    fit.add_argument("--trials", metavar="N", type=int, help="number of trials")
    fit.add_argument("--task", choices=_TASKS, help="what is predicted, if not as it seems")
    _judging(fit)
    fit.add_argument("--seed", metavar="N", type=int, default=0, help="seed of split and search (default: %(default)s)")
    fit.add_argument("--workers", "-w", metavar="N", type=int, help="worker processes, 0 for none (default: 2)")
    fit.add_argument("--quiet", "-q", action="store_true", help="no display while it runs")
    forecast = fit.add_argument_group("forecast", "rows are steps in the order of time")
    forecast.add_argument("--horizon", metavar="N", type=int, help="predict the next N steps of the target")
    forecast.add_argument("--known", metavar="COLUMN,...", help="columns whose next values are known beforehand")
    forecast.add_argument("--window", metavar="N", type=int, help="steps that a prediction looks at")
    forecast.add_argument("--period", metavar="N", type=int, help="steps of a season (default: found in the series)")
    _reading(fit)

    predict = commands.add_parser(
        "predict",
        help="predict new rows or pictures with a fitted model",
        description="Predict the rows of a file or the pictures of a folder with what 'evo fit' made.",
    )
    predict.add_argument("directory", metavar="DIR", type=Path, help="what 'evo fit' made")
    predict.add_argument(
        "data", metavar="DATA", type=Path, help="a file with the same columns, or a folder of pictures"
    )
    predict.add_argument("--output", "-o", metavar="FILE", type=Path, help="rows and predictions (default: shown)")
    predict.add_argument("--probabilities", "-p", action="store_true", help="a column of probabilities for each class")
    _reading(predict)

    export = commands.add_parser(
        "export",
        help="write a fitted model for other programs",
        description="Write what 'evo fit' made as one model in the format of another program.",
    )
    export.add_argument("directory", metavar="DIR", type=Path, help="what 'evo fit' made")
    export.add_argument(
        "--format", "-f", choices=("keras", "savedmodel", "onnx", "litert"), default="keras", help="default: keras"
    )
    export.add_argument("--output", "-o", metavar="PATH", type=Path, help="default: DIR/NAME with the format's suffix")


def _judging(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("how candidates are judged")
    group.add_argument("--objective", metavar="NAME", help="accuracy, auc, f1_macro, mae, ... (default: by the target)")
    group.add_argument("--no-trees", action="store_true", help="nets alone; by default trees join them on tables")
    group.add_argument(
        "--no-linear", action="store_true", help="no linear models; by default they join on texts and series"
    )
    group.add_argument(
        "--validation",
        metavar="SHARE",
        help=f"share of the rows (default: {VALIDATION_SHARE}), or a column that is true for them",
    )
    group.add_argument("--folds", metavar="N", type=int, help="cross-validate candidates on N folds; 0: never")
    group.add_argument("--groups", metavar="COLUMN", help="keep rows together that have the same value here")
    group.add_argument(
        "--time",
        metavar="COLUMN",
        help="judge by the latest rows; with --horizon the column of times (default: the one that holds dates)",
    )
    group.add_argument("--class-weight", choices=("balanced",), help="let rare classes count as much as frequent ones")


def _reading(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("reading of separated values", "found out by itself where it is not given")
    group.add_argument("--separator", metavar="SIGN", help="between values")
    group.add_argument("--decimal", metavar="SIGN", choices=(".", ","), help="of numbers")
    group.add_argument("--encoding", metavar="NAME", help="of the file: utf-8, cp1252, ...")


def _directory(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--directory", "-d", metavar="DIR", type=Path, help=text)


def _limits(command: argparse.ArgumentParser, text: str) -> None:
    group = command.add_argument_group("budget", f"what the campaign may spend in all, {text}")
    group.add_argument("--epochs", metavar="N", type=int, help="epochs of training, over all trials")
    group.add_argument("--trials", metavar="N", type=int, help="number of trials")
    group.add_argument("--minutes", metavar="N", type=float, help="wall-clock minutes, over all sessions")


def _session(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("this session", "nothing here changes what the campaign finds")
    group.add_argument("--workers", "-w", metavar="N", type=int, help="worker processes (default: 2)")
    group.add_argument("--quiet", "-q", action="store_true", help="no display while it runs")
    group.add_argument(
        "--break-lock", action="store_true", help="take the directory from a process that is known to be gone"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: the command line; that of the process by default.

    Returns:
        the exit code.
    """
    try:
        try:
            return _main(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output went away (`evo show DIR | head`): nothing is left to be said, at exit neither.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _main(arguments: Sequence[str] | None) -> int:
    # Before any command imports a backend: its start-up messages tell nobody anything.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    given = parser().parse_args(arguments)
    other = conflict()
    if other is not None:
        print(f"evo: {other}", file=sys.stderr)
    if given.version:
        print(_versions())
        return 0
    if given.command is None:
        parser().print_help()
        return WRONG

    try:
        command = importlib.import_module(f"evo.commands.{given.command}")
        return int(command.main(given) or 0)
    except (EvoError, GenomeError) as error:
        if given.traceback:
            raise
        print(f"evo: {printable(' '.join(str(error).split()))}", file=sys.stderr)
        return WRONG
    except SearchStopped as stopped:
        directory = command_line("--directory", stopped.directory)
        print(f"\nStopped and saved. To resume: the same command with {directory}", flush=True)
        return 128 + stopped.signal
    except KeyboardInterrupt:
        print("\nevo: stopped at once; what was finished is saved.", file=sys.stderr)
        return INTERRUPTED


def _versions() -> str:
    from importlib.metadata import PackageNotFoundError, version

    def of(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "not installed"

    found = ", ".join(f"{name} {of(name)}" for name in ("tensorflow", "keras", "deap", "numpy", "h5py"))
    return f"evo {of('evo-keras')} (Python {sys.version.split()[0]}; {found})"


if __name__ == "__main__":
    sys.exit(main())

"""The mutation run: change one thing at a time in the code, and see whether a test notices. Nothing is trained.

``make mutation`` resumes where it was stopped and prints the share of the changes that tests caught, module by module;
it fails below :data:`BAR`. What is changed and which tests are asked stands in ``pyproject.toml`` (``tool.mutmut``).

    make mutation                                              every module that is not done yet
    make mutation ARGS=evo/ensemble/selection/selection.py               one module (or several, or a pattern)
    make mutation ARGS="--again evo/campaign/retention.py"              ask again about what survived without a reason
    make mutation ARGS="--list evo/campaign/retention.py"               only the table and the survivors; nothing is run

Results are kept in ``mutants/``; ``make clean`` removes them. Survivors that were looked at and may stay are listed
with their reason in ``docs/decisions/mutation.md``: they count as survivors all the same, and are told apart from new
ones.
"""

from __future__ import annotations

import argparse
import fnmatch
import glob
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

#: Least share of the mutants that tests must catch.
BAR = 0.85
#: Survivors with a reason.
REVIEWED = Path("docs/decisions/mutation.md")
#: Of mutants that no test has been asked about.
OPEN = ("not checked", "check was interrupted by user")
#: Of those that a test caught, by a failure or because it never ended.
CAUGHT = ("killed", "caught by type check", "timeout")
#: Everything that a run leaves behind.
RESULTS = Path("mutants")


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; the exit code is 1 below the bar."""
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", help="such as evo/campaign/retention.py; without any: all")
    parser.add_argument("--again", action="store_true", help="ask again about what survived without a reason")
    parser.add_argument("--list", action="store_true", help="print what is known; run nothing")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args(arguments)
    modules = _modules(asked.modules)
    if not modules:
        parser.error(f"no module that is mutated matches {asked.modules}; see tool.mutmut in pyproject.toml")
    if not asked.list:
        _run(modules, asked.again, asked.processes)
    return report(modules)


def _modules(patterns: Sequence[str]) -> list[Path]:
    """The modules that match, of those that ``tool.mutmut`` names."""
    from mutmut.utils.file_utils import walk_mutatable_files

    paths = sorted(walk_mutatable_files())
    return [path for path in paths if not patterns or any(_matches(path, pattern) for pattern in patterns)]


def _matches(path: Path, pattern: str) -> bool:
    pattern = pattern.rstrip("/")
    return fnmatch.fnmatch(str(path), pattern) or str(path).startswith(pattern + "/")


def _run(modules: Iterable[Path], again: bool, processes: int) -> None:
    """Ask the tests about the mutants of these modules that are open (and again about survivors without a reason)."""
    from mutmut import __main__ as mutmut
    from mutmut.configuration import config
    from mutmut.mutation.trampoline import set_mutant_under_test
    from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, setup_source_paths

    selection = [path for pattern in config().pytest_add_cli_args_test_selection for path in sorted(glob.glob(pattern))]
    config().pytest_add_cli_args_test_selection[:] = selection
    _forget_old_tests(selection)
    set_mutant_under_test("mutant_generation")
    RESULTS.mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    for path in _mutated():  # what changed since is made anew, and is open again
        made = mutmut.create_file_mutants(path)
        if made.error is not None:
            raise made.error
    known = _known() if again else {}
    names = []
    for path in modules:
        reasons = known.get(str(path), set())
        for name, status in _results(path).items():
            survived = status not in (*OPEN, *CAUGHT)
            if status in OPEN or (again and survived and _change(path, name) not in reasons):
                names.append(name)
    print(f"{len(names)} mutants to try", flush=True)
    _fast_tests_first()
    if names:
        mutmut._run(tuple(names), processes)
        print()


def _fast_tests_first() -> None:
    """A mutant is given up at the first test that fails: ask those first that answer in milliseconds."""
    from mutmut.runners.harness import PytestRunner
    from mutmut.state import state

    as_it_is = PytestRunner._pytest_args_regular_run

    def sorted_by_time(self: PytestRunner, tests: Iterable[str]) -> list[str]:
        known = state().duration_by_test
        return as_it_is(self, sorted(tests, key=lambda test: (known.get(test, 0.0), test)))

    PytestRunner._pytest_args_regular_run = sorted_by_time  # type: ignore[method-assign]


def _mutated() -> Iterable[Path]:
    from mutmut.utils.file_utils import walk_mutatable_files

    return walk_mutatable_files()


def _forget_old_tests(selection: Sequence[str]) -> None:
    """Drop the copy of the tests, and what is known of who calls what if a test has changed since."""
    shutil.rmtree(RESULTS / "tests", ignore_errors=True)
    known = RESULTS / "mutmut-stats.json"
    files = [f for path in selection for f in (Path(path).rglob("*.py") if Path(path).is_dir() else [Path(path)])]
    if known.exists() and any(f.stat().st_mtime > known.stat().st_mtime for f in files):
        known.unlink()


def _results(path: Path) -> dict[str, str]:
    """What became of each mutant of a module."""
    from mutmut.mutation.data import SourceFileMutationData
    from mutmut.stats import status_by_exit_code

    data = SourceFileMutationData(path=path)
    data.load()
    return {name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items()}


def _change(path: Path, name: str) -> tuple[str, ...]:
    """The lines that a mutant takes away and puts in, without their indentation."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    lines = get_diff_for_mutant(name, path=path).splitlines()[2:]
    return tuple(f"{line[0]} {line[1:].strip()}" for line in lines if line[:1] in ("-", "+"))


def _known() -> dict[str, set[tuple[str, ...]]]:
    return reviewed(REVIEWED.read_text()) if REVIEWED.exists() else {}


def reviewed(text: str) -> dict[str, set[tuple[str, ...]]]:
    """Changes by module that a reviewer let stand: the blocks of ``diff`` under each heading that names a module."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        module = section.partition("\n")[0].strip().strip("`")
        if not module.endswith(".py"):
            continue
        blocks = re.findall(r"^```diff\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
        changes = {change for block in blocks for change in _changes(block.splitlines())}
        found.setdefault(module, set()).update(changes)
    return found


def _changes(lines: Iterable[str]) -> Iterable[tuple[str, ...]]:
    """Changes of a block: each a run of ``-`` lines and the ``+`` lines that follow it."""
    before: list[str] = []
    after: list[str] = []
    for line in [*(f"{line[0]} {line[1:].strip()}" for line in lines if line[:1] in ("-", "+")), "- "]:
        if line[0] == "-" and after:
            yield (*before, *after)
            before, after = [], []
        (before if line[0] == "-" else after).append(line)


def report(modules: Sequence[Path]) -> int:
    """Print a table and what survived without a reason; the exit code is 1 below the bar, or if something is open."""
    known = _known()
    columns = ("killed", "timeout", "survived", "reasons", "open", "total")
    width = max(len(str(path)) for path in modules)
    print(f"{'':{width}}  " + "  ".join(f"{name:>8}" for name in columns) + "     share")
    survivors: list[str] = []
    sums: Counter[str] = Counter()
    for path in modules:
        counts: Counter[str] = Counter()
        for name, status in _results(path).items():
            counts["total"] += 1
            if status in ("killed", "caught by type check"):
                counts["killed"] += 1
            elif status == "timeout":
                counts["timeout"] += 1
            elif status in OPEN:
                counts["open"] += 1
            else:
                counts["survived"] += 1
                change = _change(path, name)
                if change in known.get(str(path), set()):
                    counts["reasons"] += 1
                else:
                    survivors.append("\n".join([f"{name} ({status})", *change]))
        print(f"{path!s:{width}}  " + "  ".join(f"{counts[name]:8}" for name in columns) + f"  {_share(counts):8.1%}")
        sums += counts
    print(f"{'all':{width}}  " + "  ".join(f"{sums[name]:8}" for name in columns) + f"  {_share(sums):8.1%}")
    if survivors:
        print(f"\n{len(survivors)} survived without a reason in {REVIEWED}:\n")
        print("\n\n".join(survivors))
    if sums["open"]:
        print(f"\n{sums['open']} mutants have not been tried yet")
    elif _share(sums) < BAR:
        print(f"\n{_share(sums):.1%} were caught; at least {BAR:.0%} must be")
    return int(sums["open"] > 0 or _share(sums) < BAR)


def _share(counts: Counter[str]) -> float:
    """Caught mutants (those that ended in a timeout among them) of those tried."""
    tried = counts["total"] - counts["open"]
    return (counts["killed"] + counts["timeout"]) / tried if tried else 0.0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

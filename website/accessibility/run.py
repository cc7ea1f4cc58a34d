"""``make accessibility``: axe over the report, the dashboard and every kind of page of the site.

Needs Node with npm, Chromium or Chrome (``CHROMIUM`` names another than the one on PATH), and the site in build/site.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SITE = ROOT / "build" / "site"
RUNS = ROOT / "build" / "accessibility"
#: Long tables, of the same few templates as the rest.
LEFT_OUT = ("decisions/", "benchmarks/results/search/", "benchmarks/results/tuners/p", "benchmarks/results/tuners/s")


def main() -> int:
    browser = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if browser is None or shutil.which("npm") is None:
        print(
            "make accessibility: needs npm, and Chromium or Chrome on PATH (or CHROMIUM=/path/to/it)", file=sys.stderr
        )
        return 2
    if not (SITE / "index.html").is_file():
        print("make accessibility: needs the site: make docs", file=sys.stderr)
        return 2
    subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit"], cwd=HERE, check=True)
    campaigns = [campaign(seed) for seed in (1, 2)]
    report = RUNS / "report.html"
    evo("report", campaigns[0], "--output", report)
    with site() as server, dashboard(campaigns) as (_, url):
        pages = sorted(path.parent.relative_to(SITE).as_posix() for path in SITE.rglob("index.html"))
        pages = ["" if page == "." else f"{page}/" for page in pages if not page.startswith(LEFT_OUT)]
        own = f"http://127.0.0.1:{server.server_address[1]}/"
        addresses = [report.as_uri(), url, f"{url}campaign/0", *(own + page for page in pages)]
        page, directory = f"{url}campaign/0", str(campaigns[0])
        return max(
            subprocess.run(["node", *words], cwd=HERE, check=False).returncode
            for words in (
                ["tables.cjs", browser, report.as_uri()],
                ["live.cjs", browser, page, directory],
                ["check.cjs", browser, *addresses],
            )
        )


def campaign(seed: int) -> Path:
    """A small campaign with test rows and an ensemble; kept."""
    directory = RUNS / f"digits-{seed}"
    if not (directory / "results.json").exists():
        evo("demo", "--quick", "--quiet", "--seed", seed, "--directory", directory)
    return directory


def evo(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "evo", *map(str, words)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def site() -> http.server.ThreadingHTTPServer:
    """The site, served from now on."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class dashboard:
    """``evo dashboard`` on a free port, while the block lasts."""

    def __init__(self, directories: list[Path]) -> None:
        command = [sys.executable, "-m", "evo", "dashboard", "--port", "0", *map(str, directories)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> tuple[subprocess.Popen[str], str]:
        assert self.process.stdout is not None
        return self.process, self.process.stdout.readline().split()[0]

    def __exit__(self, *exception: object) -> None:
        self.process.terminate()
        self.process.wait()


if __name__ == "__main__":
    sys.exit(main())

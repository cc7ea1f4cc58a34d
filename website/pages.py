"""A hook of MkDocs: pages that stand elsewhere in the repository than in docs/, and links that hold in both places.

A link of a page is written for the repository, where people read it too. In the site it leads to the page made of the
file that it names; a file that is no page is linked in the repository, if its address is known (``EVO_REPOSITORY``).
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
#: Files outside docs/ that are pages, or pictures of such pages.
MOUNTED = (
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
    "benchmarks/results/**/*.md",
    "benchmarks/results/**/*.png",
)
_LINK = re.compile(r"(?P<before>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Decisions and results of benchmarks, which are many, stand in the navigation by themselves."""
    section = next(section["Benchmarks"] for section in config.nav if "Benchmarks" in section)
    named = {page for entry in section for page in (entry.values() if isinstance(entry, dict) else [entry])}
    results = (path.relative_to(ROOT).as_posix() for path in (ROOT / "benchmarks" / "results").glob("*/README.md"))
    section += sorted(page for page in results if page not in named)
    section = next(iter(config.nav[-1].values()))
    section += sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs" / "decisions").glob("*.md"))
    return config


def on_files(files: Any, config: Any) -> Any:
    """Bring in what stands outside docs/."""
    for pattern in MOUNTED:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn links between files of the repository into links between pages."""
    here = page.file.src_uri
    known = {file.src_uri for file in files}

    def turned(match: re.Match[str]) -> str:
        target, anchor = match["target"], match["anchor"] or ""
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        # Where the page's file and the file that it names are in the repository, then in the site.
        folder = "examples/notebooks" if here.startswith("tutorials/") else posixpath.dirname(_in_repository(here))
        named = posixpath.normpath(posixpath.join(folder, target))
        inside = named.removeprefix("docs/")
        if inside in known:
            relative = posixpath.relpath(inside, posixpath.dirname(here) or ".")
            return f"{match['before']}[{match['text']}]({relative}{anchor})"
        if not (ROOT / named).exists():
            return match[0]  # MkDocs says that it leads nowhere
        address = (config.repo_url or "").rstrip("/")
        return f"[{match['text']}]({address}/blob/main/{named}{anchor})" if address else match["text"]

    # Every second piece is code.
    pieces = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(piece if number % 2 else _LINK.sub(turned, piece) for number, piece in enumerate(pieces))


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Headings of tables that say nothing are none."""
    return re.sub(r"<th(?: [^>]*)?>\s*</th>", "<td></td>", html)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """The theme's search has no name."""
    return output.replace('role="dialog"', 'role="dialog" aria-label="Search"', 1)


def _in_repository(page: str) -> str:
    return page if page in _mounted() else f"docs/{page}"


def _mounted() -> set[str]:
    return {path.relative_to(ROOT).as_posix() for pattern in MOUNTED for path in ROOT.glob(pattern)}

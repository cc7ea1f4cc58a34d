"""The dashboard's server: answers GET with a few fixed addresses, none of which names a file.

It is the standard library's: there is nothing to send but a handful of pages that are made from what is read, no form,
no session, no file. A request that is not meant for it, by a page of somebody else's whose name was made to lead here
(DNS rebinding), names that page's host in ``Host``, and gets nothing.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from evo.core.errors import SettingsError
from evo.dashboard.overview import overview
from evo.dashboard.watched import Snapshot, Watched
from evo.report.html import document, tables_script

#: Where the dashboard is to be found by default; a free port where it is taken.
PORT = 8050
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_SCRIPTS: Mapping[str, Callable[[], str]] = {
    "/live.js": lambda: resources.files("evo.dashboard").joinpath("live.js").read_text(encoding="utf-8"),
    "/tables.js": tables_script,
}
_FOOTER = (
    "<footer>evo dashboard: read from the directories, which it never writes to. "
    '<span id="live" role="status">live</span></footer>'
)


class Dashboard(ThreadingHTTPServer):
    """Serves campaigns until :meth:`shutdown`.

    Args:
        campaigns: what is shown, one at least.
        host: name or number of the interface; only this machine reaches ``127.0.0.1``.
        port: 0 for any free one; None for the usual one, or any free one where it is taken.

    Raises:
        SettingsError: the address cannot be taken.
    """

    daemon_threads = True

    def __init__(self, campaigns: Sequence[Watched], host: str = "127.0.0.1", port: int | None = None) -> None:
        self.campaigns = list(campaigns)
        self._overview = ("", "")
        self.host = host
        try:
            super().__init__((host, PORT if port is None else port), _Handler)
        except OSError as error:
            if port is not None:
                raise SettingsError(f"port: {host}:{port} cannot be taken: {error.strerror or error}") from error
            try:
                super().__init__((host, 0), _Handler)
            except OSError as also:
                raise SettingsError(f"host: {host} cannot be taken: {also.strerror or also}") from also

    @property
    def url(self) -> str:
        """Where it is to be found."""
        return f"http://{self.host}:{self.server_address[1]}/"

    def is_meant(self, host: str | None) -> bool:
        """Whether a request with this ``Host`` is meant for this server: a number, ``localhost``, or its own name."""
        try:
            name = urlsplit(f"//{host or ''}").hostname or ""
        except ValueError:
            return False
        if name in ("localhost", self.host.lower()):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def page(self, path: str) -> tuple[str, str] | None:
        """The version and the HTML of a page; None where there is none."""
        titles = titles_of(self.campaigns)
        links = {title: f"/campaign/{number}" for number, title in enumerate(titles)}
        if path == "/" and len(self.campaigns) > 1:
            snapshots = {title: campaign.snapshot() for title, campaign in zip(titles, self.campaigns, strict=True)}
            version = "-".join(snapshot.version for snapshot in snapshots.values())
            if self._overview[0] != version:
                folder = shared_folder(self.campaigns)
                page = overview(snapshots, links, "" if folder is None else str(folder))
                self._overview = version, _whole(version, "campaigns", page)
            return self._overview
        pages = {link: number for number, link in enumerate(links.values())} | ({"/": 0} if len(titles) == 1 else {})
        if path not in pages:
            return None
        found: Snapshot = self.campaigns[pages[path]].snapshot()
        back = '<p><a href="/">All campaigns</a></p>' if len(self.campaigns) > 1 else ""
        return found.version, _whole(found.version, titles[pages[path]], back + found.page)


def titles_of(campaigns: Sequence[Watched]) -> list[str]:
    """The directories as they were given, without what all are in; the same one is shown once, so they differ."""
    folder = shared_folder(campaigns)
    return [
        str(campaign.directory if folder is None else campaign.directory.relative_to(folder)) for campaign in campaigns
    ]


def shared_folder(campaigns: Sequence[Watched]) -> Path | None:
    """The folder that all of several campaigns are in; None where there is one campaign, or no such folder is named."""
    parents = [campaign.directory.parent for campaign in campaigns]
    if len(parents) < 2 or len({parent.is_absolute() for parent in parents}) > 1:
        return None
    shared = Path(os.path.commonpath(parents)) if all(map(str, parents)) else Path()
    return None if shared == Path() or ".." in shared.parts else shared


def _whole(version: str, title: str, main: str) -> str:
    head = '<script src="/tables.js" defer></script><script src="/live.js" defer></script>'
    page = document(title, main + _FOOTER, head)
    return page.replace('<html lang="en">', f'<html lang="en" data-version="{version}">', 1)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Dashboard
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "evo", ""
    #: Seconds until a silent connection is given up.
    timeout = 30

    def do_GET(self) -> None:
        if not self.server.is_meant(self.headers.get("Host")):
            self._answer(HTTPStatus.FORBIDDEN, "This is not the host that was asked for.")
            return
        path = urlsplit(self.path).path if self.path.startswith("/") else ""
        if path in _SCRIPTS:
            self._answer(HTTPStatus.OK, _SCRIPTS[path](), "text/javascript")
            return
        found = self.server.page(path)
        if found is None:
            self._answer(HTTPStatus.NOT_FOUND, "There is no such page.")
            return
        version = json.dumps(found[0])
        if self.headers.get("If-None-Match") == version:
            self._answer(HTTPStatus.NOT_MODIFIED, "", etag=version)
        else:
            self._answer(HTTPStatus.OK, found[1], "text/html", version)

    do_HEAD = do_GET

    def _refused(self) -> None:
        self.close_connection = True  # what it sends is not read
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, "This dashboard is only read.")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refused

    def _answer(self, status: HTTPStatus, text: str, kind: str = "text/plain", etag: str = "") -> None:
        content = text.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        if etag:
            self.send_header("ETag", etag)
        if status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status is not HTTPStatus.NOT_MODIFIED:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: a page that looks every two seconds would fill the terminal."""

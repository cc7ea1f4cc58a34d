"""The dashboard: what is served, to whom, and that nothing is written."""

from __future__ import annotations

import hashlib
import http.client
import re
import socket
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import evo
from evo.commands.dashboard import campaigns_in, read
from evo.core.errors import SettingsError
from evo.dashboard.server import Dashboard, shared_folder, titles_of
from evo.dashboard.watched import Watched
from tests.evo.simulated_campaigns import campaign


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for seed, trials in ((1, 12), (2, 20)):
        campaign(folder / f"seed {seed} <b>", seed=seed, budget=evo.Budget(trials=trials)).run()
    return folder


@pytest.fixture(scope="module")
def server(runs: Path) -> Iterator[Dashboard]:
    served = Dashboard([Watched(directory, read) for directory in campaigns_in([runs])], port=0)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()
    thread.join()


def ask(server: Dashboard, path: str, method: str = "GET", **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=60)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_campaigns_are_compared_and_each_has_its_page(server: Dashboard, runs: Path) -> None:
    status, text, headers = ask(server, "/")
    assert status == 200 and "2 campaigns" in text and headers["Content-Type"] == "text/html; charset=utf-8"
    links = re.findall(r'<a href="(/campaign/\d)">([^<]*)</a>', text)
    assert [link for link, _ in links] == ["/campaign/0", "/campaign/1"]
    assert [title for _, title in links] == ["seed 1 &lt;b&gt;", "seed 2 &lt;b&gt;"]
    assert f"<p>In {runs}; 0 running.</p>" in text
    best = evo.load_result(runs / "seed 2 <b>").best
    row = text[text.index("/campaign/1") :]
    assert f'<td class="number">{best.number}</td>' in row[: row.index("</tr>")]
    assert "Best val_accuracy so far over epochs trained" in text
    differences = text[text.index('<section id="differences">') :]
    assert re.findall(r'<th scope="col">([^<]*)</th>', differences) == ["campaign", "seed", "budget"]
    assert re.findall(r"<td>([^<]*)</td>", differences)[1:3] == ["1", "trials=12"]
    for link, _ in links:
        status, page, _ = ask(server, link)
        assert status == 200
        for section in ("course", "rungs", "best", "population", "outcomes", "settings", "again"):
            assert f'<section id="{section}">' in page


def test_pages_are_well_formed(server: Dashboard) -> None:
    empty = {"meta", "br", "path", "use", "rect", "circle", "image", "link"}

    class Tags(HTMLParser):
        open: list[str] = []

        def handle_starttag(self, tag: str, attributes: object) -> None:
            if tag not in empty:
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag not in empty:
                assert self.open.pop() == tag

    for path in ("/", "/campaign/0"):
        Tags.open = []
        Tags().feed(ask(server, path)[1])
        assert Tags.open == []


@pytest.mark.parametrize(
    ("given", "folder", "titles"),
    [
        (["runs/a", "runs/b"], "runs", ["a", "b"]),
        (["runs/a", "runs/old/b"], "runs", ["a", "old/b"]),
        (["a", "b"], None, ["a", "b"]),
        (["runs/a"], None, ["runs/a"]),
        (["../x/a", "../y/a"], None, ["../x/a", "../y/a"]),
        (["/data/runs/a", "runs/a"], None, ["/data/runs/a", "runs/a"]),
    ],
)
def test_campaigns_are_called_by_what_tells_them_apart(given: list[str], folder: str | None, titles: list[str]) -> None:
    watched = [Watched(Path(directory), read) for directory in given]
    assert shared_folder(watched) == (None if folder is None else Path(folder))
    assert [Path(title) for title in titles_of(watched)] == [Path(title) for title in titles]


def test_one_campaign_is_the_first_page(runs: Path) -> None:
    served = Dashboard([Watched(runs / "seed 1 <b>", read)], port=0)
    found = served.page("/")
    served.server_close()
    assert found is not None and '<section id="course">' in found[1] and "All campaigns" not in found[1]


@pytest.mark.parametrize(
    "path",
    [
        "/../etc/passwd",
        "/campaign/../../etc/passwd",
        "/campaign/2",
        "/campaign/-1",
        "/campaign/0/",
        "/campaign/0/journal",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/live.js/..",
        "/campaign/0%00",
        "file:///etc/passwd",
        "http://example.org/",
        "*",
    ],
)
def test_no_address_leads_to_a_file(server: Dashboard, path: str) -> None:
    status, text, _ = ask(server, path)
    # Of an address with a host, the host is another one already.
    assert (status, text[:14]) in ((404, "There is no su"), (403, "This is not th"))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_sent(server: Dashboard, method: str) -> None:
    status, _, headers = ask(server, "/", method)
    assert status == 405 and headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("LOCALHOST", 200),
        ("[::1]:{port}", 200),
        ("192.168.0.7:{port}", 200),  # a number cannot be made to lead elsewhere
        ("evil.example:{port}", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example:{port}", 403),
        ("evil.example@127.0.0.1x", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
def test_a_name_that_was_made_to_lead_here_gets_nothing(server: Dashboard, host: str, status: int) -> None:
    given, text, _ = ask(server, "/", Host=host.format(port=server.server_address[1]))
    assert given == status
    assert ("campaigns" in text) == (status == 200)


def test_a_request_without_a_host_gets_nothing(server: Dashboard) -> None:
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert b" 403 " in answer.split(b"\r\n")[0] and b"campaigns" not in answer


def test_only_this_machine_is_listened_to_by_default(server: Dashboard) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_scripts_and_styles_come_from_here_alone(server: Dashboard) -> None:
    _, text, headers = ask(server, "/")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert re.findall(r'(?:src|href)="(?!#|/)([^"]*)"', text) == []
    assert re.findall(r"<script[^>]*>", text) == [f'<script src="/{name}.js" defer>' for name in ("tables", "live")]
    for name in ("tables", "live"):
        status, script, kind = ask(server, f"/{name}.js")
        assert status == 200 and '"use strict"' in script and kind["Content-Type"].startswith("text/javascript")


def test_a_page_that_has_not_changed_is_not_sent_again(server: Dashboard) -> None:
    _, text, headers = ask(server, "/")
    assert f"data-version={headers['ETag']}" in text
    status, text, _ = ask(server, "/", If_None_Match=headers["ETag"])
    assert (status, text) == (304, "")
    assert ask(server, "/", "HEAD")[:2] == (200, "")


def test_directories_are_only_read(server: Dashboard, runs: Path) -> None:
    before = contents(runs)
    for path in ("/", "/campaign/0", "/campaign/1"):
        ask(server, path)
    assert contents(runs) == before


def test_it_follows_a_campaign(tmp_path: Path) -> None:
    directory = tmp_path / "c"
    campaign(directory, budget=evo.Budget(trials=4)).run()
    now = 0.0
    watched = Watched(directory, read, lambda: now)
    first = watched.snapshot()
    assert first.content is not None and len(first.content.history) == 4 and not first.running
    now = 1e6
    assert watched.snapshot() is first
    campaign(directory, budget=evo.Budget(trials=9)).run()
    assert watched.snapshot() is not first
    assert watched.snapshot().content.history.completed()  # type: ignore[union-attr]


class Looks(evo.Callback):
    """Looks at the campaign from another side while it runs."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.seen: list[tuple[bool, str]] = []

    def on_outcome(self, trial: evo.Trial, history: evo.History) -> None:
        snapshot = self.watched.snapshot()
        self.seen.append((snapshot.running, snapshot.page))


def test_a_running_campaign_says_so_and_what_is_under_way(tmp_path: Path) -> None:
    looks = Looks(Watched(tmp_path / "c", read, lambda: 0.0))
    campaign(tmp_path / "c", budget=evo.Budget(trials=3), callbacks=[looks]).run()
    assert all(running for running, _ in looks.seen)
    assert all("It is running." in page for _, page in looks.seen)
    assert any('<section id="running">' in page for _, page in looks.seen)
    after = looks.watched.snapshot()
    assert not after.running and '<section id="running">' not in after.page and "The budget is spent." in after.page


def test_a_directory_that_goes_away_is_said_on_the_page(tmp_path: Path, runs: Path) -> None:
    campaign(tmp_path / "c", budget=evo.Budget(trials=3)).run()
    watched = Watched(tmp_path / "c", read, lambda: 0.0)
    served = Dashboard([watched, Watched(runs / "seed 1 <b>", read)], port=0)
    (tmp_path / "c").rename(tmp_path / "elsewhere")
    overview, page = served.page("/"), served.page("/campaign/0")
    served.server_close()
    assert overview is not None and "cannot be read" in overview[1]
    assert page is not None and "holds no campaign" in page[1]


def test_wrong_arguments_are_said(tmp_path: Path, runs: Path) -> None:
    with pytest.raises(SettingsError, match="holds no campaign"):
        campaigns_in([tmp_path])
    inside = [runs / "seed 1 <b>", runs / "seed 2 <b>"]
    assert campaigns_in([runs]) == inside == campaigns_in([*inside, runs])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingsError, match="port: .* cannot be taken"):
            Dashboard([Watched(inside[0], read)], port=taken.getsockname()[1])
    with pytest.raises(SettingsError, match="host: no-such-host.invalid cannot be taken"):
        Dashboard([Watched(inside[0], read)], host="no-such-host.invalid")

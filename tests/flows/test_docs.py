"""/docs is a page that needs nothing from any other host."""

import asyncio
import gzip
import html.parser
import re
import subprocess
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.pages import assets
from tests.browser.conftest import CHROMIUM, needs_chromium
from tests.flows.conftest import Live, refused
from tests.patience import PATIENCE

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nor does the browser itself ask anybody
)


class Page(html.parser.HTMLParser):
    """What a page loads, links to, and says without JavaScript."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.inline_scripts = 0
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag in ("script", "img"):
            self.loads += [given["src"]] if "src" in given else []
            self.inline_scripts += "src" not in given
        elif tag == "link":
            self.loads.append(given["href"])
        elif tag == "a":
            self.links.append(given["href"])

    def handle_data(self, data: str) -> None:
        self.text += data


async def page_of(live: Live) -> Page:
    answer = await live.http.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Page(answer.text)


async def test_everything_that_the_page_loads_is_there_and_from_here(live: Live):
    page = await page_of(live)
    assert {Path(path).suffix for path in page.loads} == {".js", ".css", ".svg"}
    for path in page.loads:
        assert path.startswith("docs/")
        assert (await live.http.get(path)).status_code == 200


async def test_the_page_has_no_script_of_its_own_and_allows_none_from_elsewhere(live: Live):
    page = await page_of(live)
    assert page.inline_scripts == 0
    policy = (await live.http.get("/docs")).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy
    assert "http" not in policy


async def test_without_javascript_the_page_says_what_it_is_and_what_there_is(live: Live):
    page = await page_of(live)
    assert "openapi.json" in page.links
    assert "OAuth 2.0 authorization server" in page.text
    assert "POST /api/v1/auth/clients" in page.text


async def test_what_the_page_loads_is_kept_for_ever_for_its_name_changes_with_it(live: Live):
    for path in (await page_of(live)).loads:
        assert re.search(r"\.[0-9a-f]{12}\.(js|css|svg)$", path)
        assert "immutable" in (await live.http.get(path)).headers["cache-control"]
    assert (await live.http.get("/docs")).headers["cache-control"] == "no-cache"


async def test_the_bundle_is_sent_packed_to_those_who_can_unpack_it(live: Live):
    path = next(path for path in (await page_of(live)).loads if "scalar" in path)
    async with live.http.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    plain = await live.http.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["content-type"].startswith("text/javascript")
    assert len(packed) < 1_100_000
    assert gzip.decompress(packed) == plain.content


async def test_what_few_want_unpacked_is_unpacked_once_and_beside_the_event_loop(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    threads: list[threading.Thread] = []

    def decompress(packed: bytes) -> bytes:
        threads.append(threading.current_thread())
        return decompressed(packed)

    decompressed = gzip.decompress
    monkeypatch.setattr(gzip, "decompress", decompress)
    assets._unpacked.cache_clear()
    path = next(path for path in (await page_of(live)).loads if path.endswith(".js"))
    for _ in range(3):
        answer = await live.http.get(f"/{path}", headers={"Accept-Encoding": "identity"})
        assert answer.status_code == 200
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


async def test_there_is_no_file_but_those_of_the_page(live: Live):
    for name in ("docs.css", "scalar-LICENSE.txt", "..%2Freference.py", "%2e%2e", "x.js"):
        refused(await live.http.get(f"/docs/{name}"), 404)


async def test_the_licence_of_the_bundle_is_kept_beside_it():
    static = Path(__file__).parents[2] / "service" / "pages" / "static"
    assert "MIT License" in (static / "scalar-LICENSE.txt").read_text()
    assert (static / "scalar-1.46.4.js.gz").exists()


@needs_chromium
async def test_a_browser_shows_the_reference_and_asks_no_other_host(live: Live, tmp_path: Path):
    assert CHROMIUM
    log = tmp_path / "net.json"
    command = [
        CHROMIUM,
        *FLAGS,
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--log-net-log={log}",
        "--virtual-time-budget=10000",
        "--dump-dom",
        f"{live.url}/docs",
    ]
    shown = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert "Create OAuth client" in shown.stdout
    by_a_page = re.findall(
        r'"initiator":"http.*"url":"(https?://[^"]*)"', log.read_text()
    )  # the browser's own say "not an origin"
    assert {urlsplit(url).netloc for url in by_a_page} == {urlsplit(live.url).netloc}

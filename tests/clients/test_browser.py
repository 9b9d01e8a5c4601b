"""oidc-client-ts in Chromium: a single-page application at another origin logs a person in, renews, and has its requests let through."""

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.clients.conftest import HERE
from tests.clients.test_node import packages
from tests.flows.conftest import Live
from tests.flows.people import PASSWORD, registered

__all__ = ["packages"]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so is it called in the standard library
        """The test says what went wrong."""


@pytest.fixture
def site(packages: Path, tmp_path: Path) -> Iterator[str]:
    """The URL of the application's own files, of another origin than the issuer's."""
    shutil.copytree(HERE / "browser", tmp_path, dirs_exist_ok=True)
    shutil.copy(packages / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js", tmp_path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (Debian: chromium)")
async def test_oidc_client_ts_logs_a_person_in(live: Live, site: str):
    client_id, _ = await live.interactive(public=True, redirectUri=f"{site}/index.html")
    user, email = await registered(live)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = await chromium.new_page()
        await page.goto(f"{site}/index.html?authority={live.url}&client_id={client_id}")
        await page.fill("input[name=username]", email)
        await page.fill("input[name=password]", PASSWORD)
        await page.press("input[name=password]", "Enter")
        await page.click("button[value=allow]")
        await page.wait_for_function("document.getElementById('told')?.textContent")
        told = json.loads(await page.text_content("#told") or "")
        await chromium.close()
    assert told == {"sub": str(user), "email": email, "name": "Ada Lovelace", "renewed": True}

"""Debian's own Chromium in front of a live service, a client for it to come back to, and the rules of accessibility."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import urlencode

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from msgspec import Struct
from playwright.async_api import Browser, BrowserContext, Page, Playwright, ViewportSize, async_playwright, expect

from tests.flows.conftest import Live, new_database, serving
from tests.flows.people import proof, registered
from tests.patience import PATIENCE

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium") or shutil.which("google-chrome")
"""Debian's chromium-headless-shell draws no window that nobody sees: 40 % of the CPU time of the whole browser."""
ISSUER = "http://localhost"
"""Passkeys belong to hosts with a name; Chromium is told where this one really answers."""

PHONE, DESKTOP = ViewportSize({"width": 360, "height": 740}), ViewportSize({"width": 1280, "height": 800})
LOOKS = {"runOnly": {"type": "rule", "values": ["color-contrast", "target-size", "link-in-text-block"]}}
# What passes is neither described nor sent from the browser to here, because nobody reads it and it is most of the answer.
# Nor are style sheets and media fetched before each run: only rules about rotated screens, which are off, and about sound look at them.
VIOLATIONS = """options => axe.run({ ...options, preload: false, resultTypes: ["violations"] })
    .then(found => found.violations.map(each => [each.id, each.nodes.map(node => node.html)]))"""
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")

expect.set_options(timeout=1000 * PATIENCE)

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to look at the pages with")


class Stage(Struct):
    """The service, the browser, and where the client is that people come from and go back to."""

    live: Live
    chromium: Any
    callback: str

    async def client(self, **body: Any) -> str:
        """The address at which a new client sends people to log in."""
        client_id, _ = await self.live.interactive(
            **{"displayName": "Ledger Reports", "redirectUri": self.callback, **body}
        )
        return self.asking(client_id)

    def asking(self, client_id: str, **more: str) -> str:
        query = {
            "client_id": client_id,
            "redirect_uri": self.callback,
            "response_type": "code",
            "scope": "openid profile email offline_access",
            "state": "st-1",
            "code_challenge": proof().challenge,
            "code_challenge_method": "S256",
            **more,
        }
        return f"{ISSUER}/openid/authorize?{urlencode(query)}"

    async def person(self) -> str:
        """The e-mail address of somebody new."""
        return (await registered(self.live))[1]

    @asynccontextmanager
    async def window(self, **how: Any) -> AsyncGenerator[Page]:
        """A page of a new browser profile, that must not complain of anything."""
        context: BrowserContext = await self.chromium.new_context(
            **{"viewport": DESKTOP, "locale": "en-GB", "color_scheme": "light", "reduced_motion": "reduce", **how}
        )
        context.set_default_timeout(1000 * PATIENCE)
        page = await context.new_page()
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("console", lambda message: broken.append(message.text) if _is_broken(message.text) else None)
        try:
            yield page
        finally:
            await context.close()
        assert broken == []


def _is_broken(text: str) -> bool:
    """Chromium itself says of every refused form that its page is one."""
    return not text.startswith("Failed to load resource: the server responded with a status of 4")


async def _client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = b"<!doctype html><title>The client</title>Welcome back"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    writer.write(head + body)
    await writer.drain()
    writer.close()


@pytest.fixture(scope="module")
async def stage(postgres: str) -> AsyncIterator[Stage]:
    """One browser for the tests of a module; each test has a profile of its own."""
    client = await asyncio.start_server(_client, "127.0.0.1", 0)
    port = client.sockets[0].getsockname()[1]
    database = await new_database(postgres)
    async with (
        serving(database, rate_limit=0, issuer=ISSUER, audience=ISSUER) as live,
        async_playwright() as playwright,
    ):
        chromium = await _launched(playwright, live.url.removeprefix("http://"))
        yield Stage(live=live, chromium=chromium, callback=f"http://127.0.0.1:{port}/cb")
        await chromium.close()
    client.close()
    await client.wait_closed()


async def _launched(playwright: Playwright, where: str) -> Browser:
    mapped = f"--host-resolver-rules=MAP localhost:80 {where}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    return await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, mapped])


async def accessible(page: Page) -> None:
    """On a phone by day no rule of axe (WCAG 2.2 AA and best practice) is violated; at a desk by night none of those about looks."""
    before = page.viewport_size or DESKTOP
    await _seen(page, DESKTOP if before["width"] >= PHONE["width"] else before, "dark", LOOKS)
    await _seen(page, PHONE if before["width"] >= PHONE["width"] else before, "light", {})
    await page.set_viewport_size(before)


async def _seen(page: Page, size: ViewportSize, scheme: Literal["dark", "light"], options: dict[str, Any]) -> None:
    await page.set_viewport_size(size)
    await page.emulate_media(color_scheme=scheme)
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    assert await page.evaluate(VIOLATIONS, options) == []
    await uncut(page)


async def uncut(page: Page) -> None:
    """Nothing is cut off at the side."""
    width, view = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= view


@pytest.fixture(scope="module", autouse=True)
def _cheap_passwords(cheap_passwords: None) -> None:
    """For every test here."""

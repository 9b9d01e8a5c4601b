"""Somebody who uses the console, in a browser without JavaScript; and what its pages need to show something."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from msgspec import Struct

from events.user import Role
from service.clock import utc_now
from service.commands.handle import USER, handle
from service.commands.user import GiveRole, SetGroupRoles, TakeRole
from service.console.registry import screens
from service.values.scopes import ACRS
from tests.flows.browsing import AGENT, Browser, Form, Shown, cookie_of
from tests.flows.conftest import META, Live
from tests.flows.people import registered
from tests.flows.test_blast_radius import jti_of

CONSOLE = "/console"


class Staff(Struct, frozen=True):
    """Somebody with an account, and a browser that is signed in to the console."""

    user: UUID
    email: str
    browser: Browser

    async def look(self, path: str, **headers: str) -> Shown:
        return await self.browser.look(f"{CONSOLE}{path}", **headers)

    async def send(self, page: Shown, which: str, /, **fields: str) -> httpx.Response:
        """What comes of the form with this field, or of what it does (`do`), filled in."""
        return await self.browser.send(form(page, which), **fields)

    async def led(self, answer: httpx.Response) -> httpx.Response:
        """The page to which a form that was carried out leads."""
        assert answer.status_code == 303, answer.text
        return await self.browser.http.get(answer.headers["location"])


def form(page: Shown, which: str) -> Form:
    found = [each for each in page.forms if which == each.fields.get("do")]
    return found[0] if found else page.form(which)


async def give(live: Live, user: UUID, *roles: Role) -> None:
    for role in roles:
        await handle(live.beside.ledger, USER, user, GiveRole(role=role, at=utc_now()), META)


async def take(live: Live, user: UUID, role: Role) -> None:
    await handle(live.beside.ledger, USER, user, TakeRole(role=role, at=utc_now()), META)


@asynccontextmanager
async def visitor(
    live: Live, user: UUID | None = None, acr: str = ACRS[0], proved_at: datetime | None = None
) -> AsyncGenerator[Staff]:
    """Somebody with a session, who has not opened the console yet. The browser follows no redirect by itself.

    `proved_at` is when they authenticated, if that is not now.
    """
    email = ""
    if user is None:
        user, email = await registered(live)
    session = await live.beside.sessions.start(user, ("pwd",), acr, None, proved_at=proved_at)
    cookies = {live.beside.sessions.cookie: session}
    async with httpx.AsyncClient(
        verify=False, base_url=live.url, headers={"User-Agent": AGENT}, cookies=cookies
    ) as http:
        yield Staff(user, email, Browser(http))


@asynccontextmanager
async def staff(
    live: Live, *roles: Role, acr: str = ACRS[0], proved_at: datetime | None = None
) -> AsyncGenerator[Staff]:
    """Somebody new with these roles, signed in to the console."""
    async with visitor(live, acr=acr, proved_at=proved_at) as somebody:
        await give(live, somebody.user, *roles)
        await _signed_in(somebody)
        yield somebody


async def _signed_in(somebody: Staff) -> None:
    """Follows the redirects of the sign-in up to the one that leads back: the overview itself costs as much as all of them."""
    path, headers = CONSOLE, {"Accept": "text/html"}
    for _ in range(4):
        answer = await somebody.browser.http.get(path, headers=headers)
        if answer.status_code != 303 or urlsplit(answer.headers["location"]).path == CONSOLE:
            break
        path = answer.headers["location"]


async def opened(somebody: Staff, path: str = "") -> httpx.Response:
    """The page that somebody with a session gets, once the redirects of the sign-in are followed."""
    answer = await somebody.browser.http.get(f"{CONSOLE}{path}", headers={"Accept": "text/html"})
    for _ in range(4):
        if answer.status_code != 303:
            break
        answer = await somebody.browser.http.get(answer.headers["location"], headers={"Accept": "text/html"})
    return answer


async def places(live: Live, *, bot: str = "", **client: Any) -> Mapping[str, str]:
    """A value for each parameter in the path of a page. A page with a new parameter gets its value here. `bot` is an email address."""
    made, secret = await live.register(**client)
    user, _ = await registered(live)
    await give(live, user, "owner")
    by_groups = SetGroupRoles(roles=("auditor", "owner"), at=utc_now())
    await handle(live.beside.ledger, USER, user, by_groups, META)
    email = bot or f"{user}@example.com"
    made_bot = await live.http.post("/api/v1/auth/bots", json={"email": email}, headers=live.bearer)
    of_token = {"jti": jti_of(await live.access_token(made, secret)), "position": "1"}
    api = {"identifier": f"urn:example:{user}", "name": "CRM", "scopes": {"crm:read": {"en": "Read your contacts"}}}
    made_api = await live.http.post("/api/v1/auth/apis", json=api, headers=live.bearer)
    of_token["api_id"] = made_api.json()["id"]
    trusted = {"issuer": f"https://{user}.example.com", "name": "Example Corp", "purposes": ["id_jag", "workload"]}
    made_issuer = await live.http.post("/api/v1/auth/trusted-issuers", json=trusted, headers=live.bearer)
    of_token["issuer_id"] = made_issuer.json()["id"]
    initial = {"name": "Support agents", "uses": 25}
    tokens = "/api/v1/auth/initial-access-tokens"
    if not (known := (await live.http.get(tokens, headers=live.bearer)).json()):
        known = [(await live.http.post(tokens, json=initial, headers=live.bearer)).json()]
    of_token["token_id"] = known[0]["id"]
    device = {"m2m": False, "public": True, "deviceGrant": True, "displayName": "Television"}
    made_device = await live.http.post("/api/v1/auth/clients", json=device, headers=live.bearer)
    form = {"client_id": made_device.json()["clientId"], "scope": "openid profile"}
    assert (await live.http.post("/openid/device_authorization", data=form)).is_success
    return {"client_id": made, "user_id": str(user), "bot_id": made_bot.json()["id"], "name": "last_used", **of_token}


def paths(known: Mapping[str, str]) -> list[str]:
    """The path of every page that is registered, below /console."""
    return [re.sub(r"\{(\w+)\}", lambda found: known[found[1]], screen.path) for screen in screens()]


def picture(path: str) -> str:
    """The name of the file in docs/console that shows the page at this path."""
    return f"{re.sub(r'[^a-z]+', '-', path).strip('-') or 'overview'}.png"


def console_cookie(live: Live) -> str:
    return cookie_of(live, "console")

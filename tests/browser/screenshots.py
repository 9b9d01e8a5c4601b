"""`make screenshots`: a small picture of every page of the console, and docs/console.md, which shows them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Page, ViewportSize

from events.ids import client_stream
from service.clock import utc_now
from service.console.registry import screens
from service.crypto.credentials import new_id
from tests.browser.conftest import ISSUER, PHONE, Stage, needs_chromium
from tests.browser.test_console import at_the_console
from tests.flows.conftest import Live
from tests.flows.consoles import paths, picture, places

pytestmark = needs_chromium

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "console"
SIZE = ViewportSize({"width": 1120, "height": 700})
ON_A_PHONE = "/clients"

TEXT = """# The console

`/console` is for users with a role: an operator reads and changes everything, an auditor reads
everything, an owner manages their own clients. `muniment users create --operator` makes the first one.
Each page asks the management API, so that what the API refuses, records and limits is the same here.

Changes that cannot be undone, reach far or give power need a sign-in of the last ten minutes: to stop
all that follows from a compromise, to give a role, to rotate the signing keys, to register, change or
delete an API, to register, change, enable or delete a trusted issuer, to delete, enable or restore a
client or a bot, to enable or erase a user, to make a secret, to give a client a scope of the
management API or one to introspect tokens, to change how a client authenticates, to let it act for
others, to send its codes to one more address, to let users sign in to it on devices or without their
consent, and to demand less of it than before. After an older sign-in, the console asks for a new one
of the same person, and then shows the form as it was. Pages that only show something never ask for it.

Many reads are events, so nobody else may cause them. A page that another site requests as a part of its
own (a frame, an image, a script), or that a browser requests ahead of time, is refused before anything
is read. A link from another site opens the page: the person sees what is read in their name.

Whose a secret or a token is that somebody found, the form under Blast radius says: it is sent in the body,
recognized by its hash or its signature, and kept nowhere. Filters take what the rows show, such as the email
address of a user or the name of a client, and lead to the list with the IDs. An address of a page with a
secret or a token in it is refused; what a read was filtered by is recorded only if it is an ID, a type, a
position, a time or another value of a closed form.

These are its pages. `make screenshots` takes the pictures again.
"""


async def test_every_page_of_the_console_has_a_picture(stage: Stage):
    known = await _deployment(stage.live)
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    told = [TEXT]
    async with stage.window(viewport=SIZE) as page:
        await at_the_console(stage, page)
        for screen, path in zip(screens(), paths(known), strict=True):
            await page.goto(f"{ISSUER}/console{path}")
            title = await page.locator("h1").inner_text()
            told.append(f"## {title}\n\n`/console{screen.path}`\n\n![{title}](console/{picture(screen.path)})\n")
            await _taken(page, picture(screen.path))
        await page.goto(f"{ISSUER}/console{ON_A_PHONE}")
        await page.set_viewport_size(PHONE)
        await page.emulate_media(color_scheme="dark")
        await _taken(page, "phone.png")
        told.append("## On a phone, in the dark\n\n![The list of clients on a phone](console/phone.png)\n")
    (DOCS / "console.md").write_text("\n".join(told))


async def _taken(page: Page, name: str) -> None:
    await page.screenshot(path=PICTURES / name)


async def _deployment(live: Live) -> dict[str, str]:
    """A few clients with a past, and one of which every page tells something."""
    for number, (name, bot) in enumerate((("CRM sync", "crm"), ("Nightly export", "export"), ("Billing", "billing"))):
        client, _ = await live.register(displayName=name, botUserId=f"bot-{bot}", scopes=["api:public", "crm:read"])
        if number:
            await _used(live, client, number)
    known = await places(
        live, bot="stock@example.com", displayName="Warehouse", scopes=["api:public", "crm:read", "crm:write"]
    )
    await _used(live, known["client_id"], 3)
    place = f"/api/v1/auth/clients/{known['client_id']}"
    await _changed(live, "POST", f"{place}/disable", "It sent too many requests")
    await _changed(live, "POST", f"{place}/enable", "The loop is fixed")
    await _changed(live, "PATCH", place, "STOCK-12", {"scopes": ["api:public", "crm:read", "stock:read"]})
    await _changed(live, "POST", f"{place}/secrets", "Rotation of May", {"name": "May"})
    return dict(known)


USED = """
insert into read.usage_daily (client, day, use, secret, tokens, first_at, last_at) values ($1, $2::timestamptz::date, $3, $3, $4, $2, $2)
"""
LAST = "insert into read.last_used values ('client', $1, $2, 1) on conflict do nothing"


async def _used(live: Live, client: str, number: int) -> None:
    """As if it had got tokens for a month: fewer at weekends, and more from week to week."""
    pool, now = live.beside.ledger.pool, utc_now() - timedelta(hours=number)
    for before in range(1, 30):
        at = now - timedelta(days=before)
        tokens = (1600 - 40 * before + 210 * number * (before % 3)) // (1 if at.weekday() < 5 else 6)
        await pool.execute(USED, client_stream(client), at, new_id(), tokens)
    await pool.execute(LAST, client, now)


async def _changed(live: Live, method: str, path: str, reason: str, body: dict[str, Any] | None = None) -> None:
    headers = {**live.bearer, "Muniment-Reason": reason, "If-Match": "*"}
    answer = await live.http.request(method, path, json=body, headers=headers)
    assert answer.is_success, answer.text

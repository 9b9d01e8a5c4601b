"""/console/tokens: the tokens that were issued, found by what they were issued to, with and by; and those of one client."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from events.ids import bot_stream
from service.console import client, feeds, filters, past_client, resolved
from service.console.feeds import Search
from service.console.filters import Resolve
from service.console.language import N_
from service.console.names import Names, Ref, holder
from service.console.places import page_about, page_of_client
from service.console.registration import CLIENT_ID, STREAM
from service.console.screen import ConsoleVisit, Link, Screen, Tab
from service.endpoints.audit_tokens import FILTERS, TOKENS_PATH, AuditToken
from service.values.scopes import AUDIT_READ

NOTHING: Mapping[str, str] = {}
STOPS: Mapping[str, str] = {
    "revoked": N_("Revoked"),
    "client deleted": N_("Its client is deleted"),
    "client disabled": N_("Its client is disabled"),
    "bot deleted": N_("Its bot is deleted"),
    "bot disabled": N_("Its bot is disabled"),
}


class Row(Struct, frozen=True, kw_only=True):
    """`client` and `subject` are names, or "" for what stays an id. The addresses are "" if there is no page."""

    token: AuditToken
    client_id: str
    client: str
    client_url: str
    subject: str
    subject_url: str


BY_NAME: Mapping[str, Resolve] = {
    "client": resolved.client,
    "bot": filters.bot,
    "user": filters.user,
    "subject": filters.subject,
}


async def find(visit: ConsoleVisit) -> Response:
    led = await filters.led(visit, filters.typed(visit), (*FILTERS, *feeds.PLACE), BY_NAME)
    return led if isinstance(led, Response) else await _page(visit, Search(form=led, chosen=led.values))


async def show(visit: ConsoleVisit) -> Response:
    if filters.has_address(visit, BY_NAME):
        return await find(visit)
    if feeds.export_asked(visit):
        return await feeds.exported(visit, TOKENS_PATH, FILTERS, NOTHING, "tokens")
    return await _page(visit, await feeds.searched(visit, TOKENS_PATH, FILTERS, NOTHING))


async def _page(visit: ConsoleVisit, search: Search) -> Response:
    context = await _context(visit, search)
    return visit.page(
        "tokens.html",
        title=visit.gettext("Tokens"),
        status=search.status,
        client=None,
        layout="console.html",
        **context,
    )


async def find_of_client(visit: ConsoleVisit) -> Response:
    led = await filters.led(visit, filters.typed(visit), (*FILTERS, *feeds.PLACE), BY_NAME)
    return led if isinstance(led, Response) else await _page_of_client(visit, Search(form=led, chosen=led.values))


async def show_of_client(visit: ConsoleVisit) -> Response:
    if filters.has_address(visit, BY_NAME):
        return await find_of_client(visit)
    fixed = {"client": visit.param("client_id")}
    if feeds.export_asked(visit):
        return await feeds.exported(visit, TOKENS_PATH, FILTERS, fixed, "tokens")
    return await _page_of_client(visit, await feeds.searched(visit, TOKENS_PATH, FILTERS, fixed))


async def _page_of_client(visit: ConsoleVisit, search: Search) -> Response:
    return await past_client.page(visit, "tokens.html", status=search.status, **await _context(visit, search))


async def _context(visit: ConsoleVisit, search: Search) -> dict[str, Any]:
    found = [] if search.answer is None else search.answer.of(list[AuditToken])
    names = Names(visit)
    await names.learn(thing for each in found for thing in (_client(each), _subject(each)))
    return {
        "search": search,
        "hints": await filters.named(visit, search.chosen),
        "rows": [_row(visit, each, names) for each in found],
        "stops": {state: visit.gettext(text) for state, text in STOPS.items()},
        "exports": feeds.exports(visit, search.chosen),
    }


def _client(token: AuditToken) -> Ref:
    return "client", CLIENT_ID if token.client_id == str(STREAM) else token.client_id


def _subject(token: AuditToken) -> Ref:
    return holder(token.sub) if token.authorization is None else ("user", token.sub)


def _row(visit: ConsoleVisit, token: AuditToken, names: Names) -> Row:
    client, subject = _client(token), _subject(token)
    has_page = token.authorization is not None or bot_stream(token.sub) is not None
    return Row(
        token=token,
        client_id=client[1],
        client=names.known(client),
        client_url=page_of_client(visit, client[1]),
        subject=names.known(subject),
        subject_url=page_about(visit, *subject) if has_page else "",
    )


SCREENS = (
    Screen(
        path="/tokens",
        get=show,
        post=find,
        needs=AUDIT_READ,
        link=Link(group="evidence", order=20, label=N_("Tokens"), icon="tokens"),
    ),
    Screen(
        path=f"{client.PATH}/tokens",
        get=show_of_client,
        post=find_of_client,
        needs=AUDIT_READ,
        tab=Tab(of=client.PATH, order=30, label=N_("Tokens")),
    ),
)

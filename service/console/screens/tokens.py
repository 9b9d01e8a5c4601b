"""/console/tokens: the tokens that were issued, found by what they were issued to, with and by; and those of one client."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from service.clock import utc_now
from service.console import client, feeds, past_client
from service.console.feeds import Search
from service.console.language import N_
from service.console.places import page_about, page_of_client
from service.console.registration import CLIENT_ID, STREAM
from service.console.screen import ConsoleVisit, Link, Screen, Tab
from service.endpoints.audit_tokens import FILTERS, TOKENS_PATH, AuditToken
from service.values.scopes import AUDIT_READ

NOTHING: Mapping[str, str] = {}


class Row(Struct, frozen=True, kw_only=True):
    token: AuditToken
    client_id: str
    client_url: str
    user_url: str


async def show(visit: ConsoleVisit) -> Response:
    if feeds.export_asked(visit):
        return await feeds.exported(visit, TOKENS_PATH, FILTERS, NOTHING, "tokens")
    search = await feeds.searched(visit, TOKENS_PATH, FILTERS, NOTHING)
    context = _context(visit, search)
    return visit.page(
        "tokens.html",
        title=visit.gettext("Tokens"),
        status=search.status,
        client=None,
        layout="console.html",
        **context,
    )


async def show_of_client(visit: ConsoleVisit) -> Response:
    fixed = {"client": visit.param("client_id")}
    if feeds.export_asked(visit):
        return await feeds.exported(visit, TOKENS_PATH, FILTERS, fixed, "tokens")
    search = await feeds.searched(visit, TOKENS_PATH, FILTERS, fixed)
    return await past_client.page(visit, "tokens.html", status=search.status, **_context(visit, search))


def _context(visit: ConsoleVisit, search: Search) -> dict[str, Any]:
    found = [] if search.answer is None else search.answer.of(list[AuditToken])
    return {
        "search": search,
        "rows": [_row(visit, each) for each in found],
        "now": utc_now(),
        "exports": feeds.exports(visit, search.chosen),
    }


def _row(visit: ConsoleVisit, token: AuditToken) -> Row:
    client_id = CLIENT_ID if token.client_id == str(STREAM) else token.client_id
    return Row(
        token=token,
        client_id=client_id,
        client_url=page_of_client(visit, client_id),
        user_url="" if token.authorization is None else page_about(visit, "user", token.sub),
    )


SCREENS = (
    Screen(
        path="/tokens",
        get=show,
        needs=AUDIT_READ,
        link=Link(group="evidence", order=20, label=N_("Tokens"), icon="tokens"),
    ),
    Screen(
        path=f"{client.PATH}/tokens",
        get=show_of_client,
        needs=AUDIT_READ,
        tab=Tab(of=client.PATH, order=30, label=N_("Tokens")),
    ),
)

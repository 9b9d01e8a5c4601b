"""/api/v1/auth/clients: register, list, read, change, disable, enable, delete."""

from collections.abc import Awaitable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from msgspec import UNSET
from starlette.responses import Response

from events.client_secret import StoredSecret
from events.database import read
from events.ids import client_stream, stream_in_path
from events.log import Receipt
from projections import client_history, client_lists, clients, last_used, listed_clients
from projections.client_lists import View, Wanted
from projections.clients import Row
from projections.listed_clients import Lifetime, Listed
from service.clock import utc_now
from service.commands.authority import may_import
from service.commands.client import (
    ClientCommand,
    DeleteClient,
    DisableClient,
    EnableClient,
)
from service.commands.handle import CLIENT, Handled, handle
from service.endpoints import (
    api_grants,
    as_of,
    client_order,
    client_settings,
    deleted_clients,
    if_match,
    imported,
    key_fields,
    paging,
    registration,
    several,
    workload_fields,
)
from service.endpoints.as_of import Page
from service.endpoints.bot_user import check_bot
from service.endpoints.call import Call
from service.endpoints.client_schemas import (
    CreateOAuthClientRequest,
    CreateOAuthClientResponse,
    DeletedClients,
    ListedClient,
)
from service.endpoints.client_settings import ChangeOAuthClientRequest
from service.endpoints.document_fields import shown_document
from service.endpoints.fields import Fields
from service.endpoints.idempotent_create import create
from service.endpoints.paging import PageRequest
from service.endpoints.responses import answered
from service.problems import NotFound
from service.reactions import client_deletion

PATH = "/api/v1/auth/clients"
DELETED = "deleted"
STATES = ("active", "disabled", DELETED)
NEWEST = "newest"
ORDERS = ("oldest", NEWEST, *client_order.ORDERS)
MOST_DAYS = 31
MOST_AHEAD = 366
FILTERS = (
    several.IDS,
    "botUserId",
    "state",
    "displayName",
    "owner",
    "scope",
    "api",
    "q",
    "order",
    "usageDays",
    "expiresWithin",
)
CHECKS = {
    several.IDS: several.check,
    "state": paging.one_of(STATES),
    "order": paging.one_of(ORDERS),
    "usageDays": paging.whole(1, MOST_DAYS),
    "expiresWithin": paging.whole(1, MOST_AHEAD),
}


async def register(call: Call) -> Response:
    fields = Fields(CreateOAuthClientRequest, call.content_type, call.body)
    if imported.brings(fields):
        may_import(call.caller.holder)
    if (bot := fields.good("botUserId")) is not None:
        await check_bot(call.resources.ledger.pool, call.caller.holder, bot, fields)
    registration.check(fields, call.resources.settings)
    await _check_apis(call, fields)
    asked = fields.done()
    usual = registration.is_usual(fields)
    new = registration.prepared(asked, owner=call.caller.sub, by=call.caller.holder, usual=usual)
    answer = CreateOAuthClientResponse(client_id=new.client_id, client_secret=new.secret and new.secret.reveal())

    def carry_out(receipt: Receipt | None) -> Awaitable[Handled]:
        fresh = asked.client_id is None
        return handle(call.resources.ledger, CLIENT, new.stream, new.command, call.meta, fresh=fresh, receipt=receipt)

    async def is_there(client_id: str) -> bool:
        made = client_stream(client_id)
        return made is not None and await read(call.resources.ledger.pool, lambda c: clients.find(c, made)) is not None

    name = quote(new.client_id, safe="") if asked.client_id else new.client_id  # our own ids need no quoting
    return await create(call, answer, f"{PATH}/{name}", carry_out, is_there)


async def _check_apis(call: Call, fields: Fields[Any]) -> None:
    if fields.good("apis"):
        await call.resources.lookup.be_certain()
        api_grants.check(fields, call.resources.lookup.apis)


async def list_clients(call: Call) -> Response:
    order = client_order.order_of(call.request.query_params.get("order"))
    page = await as_of.page_asked(call, FILTERS, CHECKS, valued=order is not None)
    days = _days(page)
    ids, owner = several.ids(page), page.filters.get("owner", call.caller.reach)
    if call.caller.reach not in (None, owner):
        return answered([], headers=as_of.headers(page.position))
    wanted = Wanted(
        streams=None if ids is None else several.client_streams(ids),
        owner=owner,
        after=page.after if order is None else None,
        bot_user_id=page.filters.get("botUserId"),
        state=page.filters.get("state"),
        name=page.filters.get("displayName"),
        scope=page.filters.get("scope"),
        api=page.filters.get("api"),
        expiring_until=_expiring_until(page),
        text=page.filters.get("q"),
        newest_first=page.filters.get("order") == NEWEST,
    )
    if wanted.state == DELETED:
        return await deleted_clients.answer(call, PATH, page, wanted)
    view = listed_clients.view(days)
    if order is None:
        found = await _page(call, page, wanted, view)
    else:
        found = await client_order.page_of(call, PATH, page, wanted, view, order=order)
    now = None if found.position is not None else utc_now()
    return answered([listed(row, now) for row in found.rows], headers=found.headers)


async def _page(call: Call, page: PageRequest, wanted: Wanted, view: View[Listed]) -> Page[Listed | Row]:
    return await as_of.page_of(
        call,
        PATH,
        page,
        lambda connection, most: client_lists.listed(connection, wanted, view, limit=most),
        history=client_history.HISTORY,
        filters=client_history.filters(wanted),
        newest_first=wanted.newest_first,
    )


def _expiring_until(page: PageRequest) -> datetime | None:
    """Return the time until which a secret is to expire. Raises Invalid."""
    days = page.filters.get("expiresWithin")
    if days is not None and page.position is not None:
        raise paging.invalid({"expiresWithin": [paging.NOT_OF_THE_PAST]})
    return None if days is None else utc_now() + timedelta(days=int(days))


def _days(page: PageRequest) -> Sequence[date]:
    """Return the days of which the usage is asked for. Raises Invalid."""
    count = int(page.filters.get("usageDays", "0"))
    if count and page.position is not None:
        raise paging.invalid({"usageDays": [paging.NOT_OF_THE_PAST]})
    today = utc_now().date()
    return [today - timedelta(days=before) for before in reversed(range(count))]


async def read_client(call: Call) -> Response:
    position, stream = await as_of.asked(call), stream_asked(call)
    if position is None:
        return await _shown(call, stream)
    row = await row_then(call, stream, position)
    return answered(client_settings.shown(row, None), headers=as_of.headers(position))


async def change_client(call: Call) -> Response:
    only_at = if_match.versions(call, required=True)
    fields = Fields(ChangeOAuthClientRequest, call.content_type, call.body)
    client_settings.check_changed(fields, call.resources.settings)
    key_fields.check_certificate_names(fields)
    await _check_apis(call, fields)
    command = client_settings.change(fields.done(), call.caller.holder)
    stream = stream_asked(call)
    handled = await handle(call.resources.ledger, CLIENT, stream, command, call.meta, only_at=only_at)
    return await _shown(call, stream, handled)


async def disable_client(call: Call) -> Response:
    return await _shown(call, stream_asked(call), await _carry_out(call, DisableClient(by=call.caller.holder)))


async def enable_client(call: Call) -> Response:
    return await _shown(call, stream_asked(call), await _carry_out(call, EnableClient(by=call.caller.holder)))


async def delete_client(call: Call) -> Response:
    handled = await _carry_out(call, DeleteClient(by=call.caller.holder))
    return Response(status_code=204, headers=position(handled))


async def delete_clients(call: Call) -> Response:
    """Delete all clients of the caller. An operator too deletes only its own, because deleting every owner's at once is never intended."""
    own = await read(call.resources.ledger.pool, lambda c: client_lists.of_owner(c, call.caller.sub))
    deleted = await client_deletion.delete_clients(call.resources.ledger, own, call.caller.holder, call.meta)
    return answered(DeletedClients(deleted=deleted.count), headers=position(deleted))


def stream_asked(call: Call) -> UUID:
    """Return the stream of the client in the path. Raises NotFound."""
    stream = stream_in_path(call.request.path_params["client_id"])
    if stream is None:
        raise NotFound("You have no client with this id.")
    return stream


async def row_asked(call: Call, stream: UUID) -> Row:
    """Return the client's row, if the caller may see it. Raises NotFound."""
    found = await read(call.resources.ledger.pool, lambda c: clients.find(c, stream))
    if found is None or call.caller.reach not in (None, found.client.owner):
        raise NotFound("You have no client with this id.")
    return found.client


async def row_then(call: Call, stream: UUID, position: int) -> Row:
    """Return the client as it was at the position, if the caller may see it. Raises NotFound."""
    row = await as_of.find(call, client_history.HISTORY, stream, position)
    if row is None or call.caller.reach not in (None, row.owner):
        raise NotFound(f"You had no client with this id at position {position} of the log.")
    return row


def position(handled: Handled | client_deletion.Deleted) -> dict[str, str]:
    return {} if handled.position is None else {"Muniment-Position": str(handled.position)}


async def _carry_out(call: Call, command: ClientCommand) -> Handled:
    only_at = if_match.versions(call)
    return await handle(call.resources.ledger, CLIENT, stream_asked(call), command, call.meta, only_at=only_at)


async def _shown(call: Call, stream: UUID, handled: Handled | None = None) -> Response:
    row = await row_asked(call, stream)
    used, ids = await _used(call, [row]), workload_fields.ids(row)
    workloads = await read(call.resources.ledger.pool, lambda c: last_used.secrets_used(c, ids)) if ids else {}
    shown = client_settings.shown(row, used.get(row.stream_id), workloads)
    return answered(shown, headers={"ETag": f'"{row.version}"', **(position(handled) if handled else {})})


async def _used(call: Call, rows: Sequence[Row]) -> dict[UUID, datetime]:
    """Return when each of these clients last got a token, by its stream."""
    return await read(call.resources.ledger.pool, lambda c: last_used.clients_used(c, [row.stream_id for row in rows]))


def listed(row: Listed | Row, now: datetime | None) -> ListedClient:
    """Return the client of a list. Without `now`, it is one of the past: the log says neither when it was used nor which secrets are live."""
    oldest, next_expiry = (None, None) if now is None else _of_live(row.secrets, now)
    used, tokens = (row.used_at, row.tokens) if isinstance(row, Listed) else (None, UNSET)
    shown = ListedClient(
        client_id=row.client_id,
        display_name=row.display_name,
        redirect_uris=list(row.redirect_uris),
        created_utc=row.created_at,
        bot_user_id=row.bot_user_id,
        owner=row.owner,
        state=row.state,
        scopes=list(row.scopes),
        last_used_utc=used,
        oldest_secret_utc=oldest,
        next_expiry_utc=next_expiry,
        daily_tokens=tokens,
    )
    return shown if row.document is None else shown.__replace__(**shown_document(row))


def _of_live(secrets: Iterable[Lifetime | StoredSecret], now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return when the oldest of the live secrets was made, and when the next of them expires. It is one loop, because a list has many."""
    oldest = next_expiry = None
    for each in secrets:
        ends = each.expires_at
        if ends is None or ends > now:
            oldest = each.created_at if oldest is None or each.created_at < oldest else oldest
            next_expiry = ends if ends is not None and (next_expiry is None or ends < next_expiry) else next_expiry
    return oldest, next_expiry

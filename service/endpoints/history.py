"""…/history of a client, bot, user, API, trusted issuer, initial access token or device authorization: each change with its fields before and after it, who caused it, and why."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

from starlette.responses import Response

from events.bot import BotRegistered
from events.client import ClientRegistered
from events.codec import Recorded
from events.database import read
from events.device_authorization import DeviceAuthorizationRequested
from events.ids import bot_stream, stream_in_path
from events.initial_access_token import InitialAccessTokenIssued
from events.replay import history
from projections import apis, bots, clients, trusted_issuers, users
from projections import device_authorizations as devices
from projections import initial_access_tokens as initial_token_rows
from projections.table import Table
from service.endpoints import device_authorizations, differences, history_page, history_schemas, initial_access_tokens
from service.endpoints.apis import NONE as NO_API
from service.endpoints.apis import stream_asked as apis_asked
from service.endpoints.call import Call
from service.endpoints.differences import Represented, Version, versions
from service.endpoints.history_page import HistoryPage
from service.endpoints.responses import answered
from service.endpoints.trusted_issuers import NONE, stream_asked
from service.endpoints.users import user_asked
from service.people.accounts import is_erased, profile_under
from service.problems import NotFound
from service.values.scopes import AUDIT_READ
from service.vault.reasons import readable


async def client_history(call: Call) -> Response:
    page = history_page.asked(call.request)
    past = await _past(call, stream_in_path(call.request.path_params["client_id"]), clients.TABLE)
    if not past or not _reaches(call, past[0]):
        raise NotFound("You have no client with this id.")
    return _answer(call, page, versions(clients.TABLE, past), differences.of_client)


async def bot_history(call: Call) -> Response:
    page = history_page.asked(call.request)
    past = await _past(call, bot_stream(call.request.path_params["bot_id"]), bots.TABLE)
    if not past or not _reaches(call, past[0]):
        raise NotFound("You have no bot with this id.")
    return _answer(call, page, versions(bots.TABLE, past), differences.of_bot)


async def user_history(call: Call) -> Response:
    page, user, people = history_page.asked(call.request), user_asked(call), call.resources.people
    past = await _past(call, user, users.TABLE)
    if not past:
        raise NotFound("There is no user with this id.")
    seal = None if is_erased(past) else await people.vault.key(user)
    found = versions(users.TABLE, await readable(people.vault, past))
    return _answer(call, page, found, lambda row: differences.of_user(row, profile_under(seal, row)))


async def api_history(call: Call) -> Response:
    return await _of_operators(call, apis_asked, apis.TABLE, differences.of_api, NO_API)


async def trusted_issuer_history(call: Call) -> Response:
    return await _of_operators(call, stream_asked, trusted_issuers.TABLE, differences.of_trusted_issuer, NONE)


async def initial_access_token_history(call: Call) -> Response:
    page, stream = history_page.asked(call.request), initial_access_tokens.stream_asked(call)
    past = await _past(call, stream, initial_token_rows.TABLE)
    if not past or not _reaches(call, past[0]):
        raise NotFound(initial_access_tokens.NONE)
    return _answer(call, page, versions(initial_token_rows.TABLE, past), differences.of_initial_access_token)


async def device_authorization_history(call: Call) -> Response:
    page, past = (
        history_page.asked(call.request),
        await _past(call, device_authorizations.stream_asked(call), devices.TABLE),
    )
    if not past or not isinstance(first := past[0].event, DeviceAuthorizationRequested):
        raise NotFound(device_authorizations.NONE)
    client_id = await device_authorizations.name_of(call, first.client)
    found = versions(devices.TABLE, past)
    return _answer(call, page, found, lambda row: differences.of_device_authorization(row, client_id))


async def _of_operators(
    call: Call,
    stream: Callable[[Call], UUID],
    table: Table,
    represent: Callable[[Any], Represented | None],
    none: str,
) -> Response:
    """The history of what nobody owns. Raises NotFound, which says `none`."""
    page = history_page.asked(call.request)
    past = await _past(call, stream(call), table)
    if not past:
        raise NotFound(none)
    return _answer(call, page, versions(table, past), represent)


async def _past(call: Call, stream: UUID | None, table: Table) -> Sequence[Recorded]:
    """Return the events of the stream; none if it is not a stream of this table."""
    if stream is None:
        return ()
    past = await read(call.resources.ledger.pool, lambda connection: history(connection, stream))
    return past if past and past[0].type in table.tags else ()


def _reaches(call: Call, first: Recorded) -> bool:
    """Return whether the caller reaches the owner, who stays the same after the deletion."""
    event = first.event
    if isinstance(event, InitialAccessTokenIssued):
        return call.caller.reach in (None, event.allows.owner)
    return isinstance(event, ClientRegistered | BotRegistered) and call.caller.reach in (None, event.owner)


def _answer(
    call: Call, page: HistoryPage, found: Sequence[Version], represent: Callable[[Any], Represented | None]
) -> Response:
    newest = len(found)
    shown = [found[number - 1] for number in page.versions(newest)]
    url = f"{call.resources.settings.issuer}{quote(call.request.scope['path'])}"
    # The address may be an operator's, who owes the owner a reason and not where they were.
    seen = AUDIT_READ in call.caller.scopes
    content = [history_schemas.entry(each, differences.changed(each, represent), with_address=seen) for each in shown]
    return answered(content, headers=page.links(url, newest))

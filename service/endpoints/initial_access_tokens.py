"""/api/v1/auth/initial-access-tokens: the tokens with which clients register themselves. Each is shown once."""

from datetime import datetime
from uuid import UUID

from starlette.responses import Response

from events.database import read
from events.initial_access_token import Allowance
from events.log import Receipt
from projections import initial_access_token_history, initial_access_tokens
from projections.initial_access_tokens import Row
from service.clock import utc_now
from service.commands.authority import Holder
from service.commands.handle import INITIAL_ACCESS_TOKEN, Handled, handle
from service.commands.initial_access_token import IssueInitialAccessToken, RevokeInitialAccessToken
from service.crypto import opaque_tokens
from service.crypto.credentials import Secret, hash_secret, hint_of, new_id
from service.endpoints import as_of, client_settings, if_match, secret_expiry
from service.endpoints.call import Call
from service.endpoints.clients import position
from service.endpoints.fields import Fields
from service.endpoints.idempotent_create import create
from service.endpoints.initial_token_schemas import (
    CreateInitialAccessTokenRequest,
    CreateInitialAccessTokenResponse,
    InitialAccessToken,
)
from service.endpoints.responses import answered
from service.problems import NotFound
from service.values.scopes import NEW_CLIENT
from service.values.uuids import is_uuid

PATH = "/api/v1/auth/initial-access-tokens"
NONE = "You have no initial access token with this id."


async def issue(call: Call) -> Response:
    fields, now = (
        Fields(CreateInitialAccessTokenRequest, call.content_type, call.body),
        utc_now(),
    )
    client_settings.check_scopes(fields)
    expires_at = secret_expiry.expiry(fields, "expiresUtc", now)
    stream, asked = new_id(), fields.done()
    token = opaque_tokens.make(opaque_tokens.INITIAL_ACCESS_TOKEN, stream)
    command = issuing(asked, token, expires_at, now, by=call.caller.holder, owner=call.caller.sub)

    async def carry_out(receipt: Receipt | None) -> Handled:
        ledger = call.resources.ledger
        return await handle(ledger, INITIAL_ACCESS_TOKEN, stream, command, call.meta, fresh=True, receipt=receipt)

    async def is_there(token_id: str) -> bool:
        row = await read(call.resources.ledger.pool, lambda c: initial_access_tokens.find(c, UUID(token_id)))
        return row is not None and row.state == "active"

    answer = CreateInitialAccessTokenResponse(id=str(stream), token=token.reveal())
    return await create(call, answer, f"{PATH}/{stream}", carry_out, is_there)


def issuing(
    asked: CreateInitialAccessTokenRequest,
    token: Secret,
    expires_at: datetime | None,
    now: datetime,
    *,
    by: Holder,
    owner: str,
) -> IssueInitialAccessToken:
    """Return the command. `owner` owns the clients that register with the token."""
    usual = tuple(scope for scope in NEW_CLIENT if scope in by.scopes)
    return IssueInitialAccessToken(
        by=by,
        name=asked.name,
        allows=Allowance(
            owner=owner,
            scopes=usual if asked.scopes is None else tuple(dict.fromkeys(asked.scopes)),
            machines=asked.machine_clients,
            uses=asked.uses,
            expires_at=expires_at,
        ),
        hash=hash_secret(token.reveal()),
        hint=hint_of(token),
        at=now,
    )


async def list_tokens(call: Call) -> Response:
    page, owner = await as_of.page_asked(call), call.caller.reach
    found = await as_of.page_of(
        call,
        PATH,
        page,
        lambda connection, most: initial_access_tokens.listed(connection, owner=owner, after=page.after, limit=most),
        history=initial_access_token_history.HISTORY,
        filters=initial_access_token_history.filters(owner),
    )
    return answered([shown(row) for row in found.rows], headers=found.headers)


async def read_token(call: Call) -> Response:
    then, stream = await as_of.asked(call), stream_asked(call)
    if then is None:
        row = await read(call.resources.ledger.pool, lambda c: initial_access_tokens.find(c, stream))
    else:
        row = await as_of.find(call, initial_access_token_history.HISTORY, stream, then)
    if row is None or call.caller.reach not in (None, row.owner):
        raise NotFound(NONE if then is None else f"You had no initial access token with this id at position {then}.")
    return answered(shown(row), headers={"ETag": f'"{row.version}"'} if then is None else as_of.headers(then))


async def revoke(call: Call) -> Response:
    command = RevokeInitialAccessToken(by=call.caller.holder, at=utc_now())
    only_at, stream = if_match.versions(call), stream_asked(call)
    handled = await handle(call.resources.ledger, INITIAL_ACCESS_TOKEN, stream, command, call.meta, only_at=only_at)
    return Response(status_code=204, headers=position(handled))


def stream_asked(call: Call) -> UUID:
    """Return the stream of the token in the path. Raises NotFound."""
    given = call.request.path_params["token_id"]
    if not is_uuid(given):
        raise NotFound(NONE)
    return UUID(given)


def shown(row: Row) -> InitialAccessToken:
    return InitialAccessToken(
        id=str(row.stream_id),
        name=row.name,
        hint=row.hint,
        owner=row.owner,
        scopes=list(row.scopes),
        machine_clients=row.machines,
        uses=row.uses,
        used=row.used,
        state=row.state,
        created_utc=row.created_at,
        expires_utc=row.expires_at,
        last_used_utc=row.last_used_at,
    )

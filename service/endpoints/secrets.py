"""/api/v1/auth/clients/{client_id}/secrets: a client has several live secrets, so that a rotation causes no outage."""

from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID

from starlette.responses import Response

from events.database import read
from events.log import Receipt
from projections import clients, last_used
from service.clock import utc_now
from service.commands.client import AddSecret, RevokeSecret
from service.commands.handle import CLIENT, Handled, handle
from service.crypto.credentials import new_secret, stored
from service.endpoints import if_match
from service.endpoints.clients import PATH, position, row_asked, stream_asked
from service.endpoints.fields import Fields
from service.endpoints.idempotent_create import create
from service.endpoints.management import Call
from service.endpoints.responses import answered
from service.endpoints.secret_schemas import AddSecretRequest, AddSecretResponse, ClientSecret
from service.problems import NotFound


async def list_secrets(call: Call) -> Response:
    row = await row_asked(call, stream_asked(call))
    used = await read(
        call.resources.ledger.pool, lambda c: last_used.secrets_used(c, [s.secret_id for s in row.secrets])
    )
    return answered(
        [
            ClientSecret(
                secret_id=s.secret_id,
                name=s.name,
                hint=s.hint,
                created_utc=s.created_at,
                expires_utc=s.expires_at,
                last_used_utc=used.get(s.secret_id),
            )
            for s in row.secrets
        ]
    )


async def add_secret(call: Call) -> Response:
    fields = Fields(AddSecretRequest, call.request.headers.get("content-type"), call.body)
    now = utc_now()
    expires_at = _expiry(fields, now)
    asked = fields.done()
    secret = new_secret()
    kept = stored(secret, name=asked.name or f"added {now:%Y-%m-%d}", at=now, expires_at=expires_at)
    stream, only_at = stream_asked(call), if_match.versions(call)
    command = AddSecret(by=call.caller.holder, secret=kept, at=now)
    answer = AddSecretResponse(
        secret_id=kept.secret_id,
        client_secret=secret.reveal(),
        name=kept.name,
        hint=kept.hint,
        expires_utc=kept.expires_at,
    )

    async def carry_out(receipt: Receipt | None) -> Handled:
        return await handle(call.resources.ledger, CLIENT, stream, command, call.meta, only_at=only_at, receipt=receipt)

    async def is_there(secret_id: str) -> bool:
        found = await read(call.resources.ledger.pool, lambda c: clients.find(c, stream))
        return found is not None and secret_id in [str(each.secret_id) for each in found.client.secrets]

    location = f"{PATH}/{quote(call.request.path_params['client_id'], safe='')}/secrets/{kept.secret_id}"
    return await create(call, answer, location, carry_out, is_there)


async def revoke_secret(call: Call) -> Response:
    command = RevokeSecret(by=call.caller.holder, secret_id=_secret_asked(call))
    only_at = if_match.versions(call)
    handled = await handle(call.resources.ledger, CLIENT, stream_asked(call), command, call.meta, only_at=only_at)
    return Response(status_code=204, headers=position(handled))


def _expiry(fields: Fields[AddSecretRequest], now: datetime) -> datetime | None:
    """Return the requested time in UTC, if it is in the future."""
    asked: datetime | None = fields.good("expiresUtc")
    if asked is None:
        return None
    if asked <= now:
        fields.fault("expiresUtc", "must be in the future")
        return None
    try:
        return asked.astimezone(UTC)
    except OverflowError:
        fields.fault("expiresUtc", "must be before the year 10000 in UTC")
        return None


def _secret_asked(call: Call) -> UUID:
    try:
        return UUID(call.request.path_params["secret_id"])
    except ValueError as fault:
        raise NotFound("This client has no secret with this id.") from fault

"""/api/v1/auth/clients/{client_id}/secrets: a client has several live secrets, so that a rotation causes no outage."""

from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from starlette.responses import Response

from events.client_secret import StoredSecret
from events.database import read
from events.log import Receipt
from projections import clients, last_used
from service.clock import utc_now
from service.commands.client import AddSecret, RevokeSecret
from service.commands.handle import CLIENT, Handled, handle
from service.crypto.credentials import new_secret, stored
from service.endpoints import as_of, if_match
from service.endpoints.call import Call
from service.endpoints.clients import PATH, position, row_asked, row_then, stream_asked
from service.endpoints.fields import Fields
from service.endpoints.idempotent_create import create
from service.endpoints.responses import answered
from service.endpoints.secret_expiry import expiry
from service.endpoints.secret_schemas import AddSecretRequest, AddSecretResponse, ClientSecret
from service.problems import NotFound
from service.values.uuids import uuid_of


async def list_secrets(call: Call) -> Response:
    then, stream = await as_of.asked(call), stream_asked(call)
    if then is None:
        row = await row_asked(call, stream)
        used = await read(
            call.resources.ledger.pool, lambda c: last_used.secrets_used(c, [s.secret_id for s in row.secrets])
        )
    else:
        row, used = await row_then(call, stream, then), {}
    return answered(
        [shown_secret(s, used.get(s.secret_id)) for s in row.secrets],
        headers=as_of.headers(then),
    )


def shown_secret(secret: StoredSecret, used: datetime | None) -> ClientSecret:
    return ClientSecret(
        secret_id=secret.secret_id,
        name=secret.name,
        hint=secret.hint,
        created_utc=secret.created_at,
        expires_utc=secret.expires_at,
        last_used_utc=used,
    )


async def add_secret(call: Call) -> Response:
    fields = Fields(AddSecretRequest, call.content_type, call.body)
    now = utc_now()
    expires_at, others_expire_at = expiry(fields, "expiresUtc", now), expiry(fields, "othersExpireUtc", now)
    asked = fields.done()
    secret = new_secret()
    kept = stored(secret, name=asked.name or f"added {now:%Y-%m-%d}", at=now, expires_at=expires_at)
    stream, only_at = stream_asked(call), if_match.versions(call)
    command = AddSecret(by=call.caller.holder, secret=kept, at=now, others_expire_at=others_expire_at)
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


def _secret_asked(call: Call) -> UUID:
    secret = uuid_of(call.request.path_params["secret_id"])
    if secret is None:
        raise NotFound("This client has no secret with this id.")
    return secret

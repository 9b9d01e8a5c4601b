"""/api/v1/auth/clients/{client_id}/keys: a client has several live public keys, so that a rotation causes no outage."""

from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from msgspec import to_builtins
from starlette.responses import Response

from events.client_key import StoredKey
from events.database import read
from events.log import Receipt
from projections import clients, last_used
from service.clock import utc_now
from service.commands.client import AddKey, RevokeKey
from service.commands.handle import CLIENT, Handled, handle
from service.crypto.credentials import stored_key
from service.endpoints import as_of, if_match
from service.endpoints.call import Call
from service.endpoints.clients import PATH, position, row_asked, row_then, stream_asked
from service.endpoints.fields import Fields
from service.endpoints.idempotent_create import create
from service.endpoints.key_fields import parsed_key
from service.endpoints.key_schemas import AddKeyRequest, AddKeyResponse, ClientKey
from service.endpoints.responses import answered
from service.endpoints.secret_expiry import expiry
from service.oauth.client_keys import UnusableKey, algorithms
from service.problems import NotFound
from service.values.uuids import uuid_of


async def list_keys(call: Call) -> Response:
    then, stream = await as_of.asked(call), stream_asked(call)
    if then is None:
        row = await row_asked(call, stream)
        ids = [key.key_id for key in row.keys]
        used = await read(call.resources.ledger.pool, lambda c: last_used.secrets_used(c, ids))
    else:
        row, used = await row_then(call, stream, then), {}
    return answered([shown_key(key, used.get(key.key_id)) for key in row.keys], headers=as_of.headers(then))


def shown_key(key: StoredKey, used: datetime | None) -> ClientKey:
    return ClientKey(
        key_id=key.key_id,
        name=key.name,
        kid=key.kid,
        thumbprint=key.thumbprint,
        algorithms=list(algorithms(key)),
        jwk=to_builtins(key.jwk),
        created_utc=key.created_at,
        expires_utc=key.expires_at,
        last_used_utc=used,
    )


async def add_key(call: Call) -> Response:
    fields = Fields(AddKeyRequest, call.content_type, call.body)
    now = utc_now()
    expires_at, others_expire_at = expiry(fields, "expiresUtc", now), expiry(fields, "othersExpireUtc", now)
    kept = _kept(fields, now, expires_at)
    stream, only_at = stream_asked(call), if_match.versions(call)
    command = AddKey(by=call.caller.holder, key=kept, at=now, others_expire_at=others_expire_at)
    answer = AddKeyResponse(
        key_id=kept.key_id,
        name=kept.name,
        kid=kept.kid,
        thumbprint=kept.thumbprint,
        algorithms=list(algorithms(kept)),
        expires_utc=kept.expires_at,
    )

    async def carry_out(receipt: Receipt | None) -> Handled:
        return await handle(call.resources.ledger, CLIENT, stream, command, call.meta, only_at=only_at, receipt=receipt)

    async def is_there(key_id: str) -> bool:
        found = await read(call.resources.ledger.pool, lambda c: clients.find(c, stream))
        return found is not None and key_id in [str(each.key_id) for each in found.client.keys]

    location = f"{PATH}/{quote(call.request.path_params['client_id'], safe='')}/keys/{kept.key_id}"
    return await create(call, answer, location, carry_out, is_there)


def _kept(fields: Fields[AddKeyRequest], now: datetime, expires_at: datetime | None) -> StoredKey:
    """Raises Invalid, with every fault of the request."""
    try:
        key = parsed_key(fields.good("jwk") or {})
    except UnusableKey as fault:
        if "jwk" not in fields.errors:
            fields.fault("jwk", str(fault))
        fields.done()
        raise AssertionError("a request with a fault was accepted") from fault
    asked = fields.done()
    return stored_key(key, name=asked.name or f"added {now:%Y-%m-%d}", at=now, expires_at=expires_at)


async def revoke_key(call: Call) -> Response:
    command = RevokeKey(by=call.caller.holder, key_id=_key_asked(call))
    only_at = if_match.versions(call)
    handled = await handle(call.resources.ledger, CLIENT, stream_asked(call), command, call.meta, only_at=only_at)
    return Response(status_code=204, headers=position(handled))


def _key_asked(call: Call) -> UUID:
    key = uuid_of(call.request.path_params["key_id"])
    if key is None:
        raise NotFound("This client has no key with this id.")
    return key

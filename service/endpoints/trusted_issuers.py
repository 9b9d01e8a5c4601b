"""/api/v1/auth/trusted-issuers: other servers whose signed tokens are accepted. Operators say which, and for what."""

from uuid import UUID

import asyncpg
from starlette.responses import Response

from events.database import read
from events.log import Receipt
from events.trusted_issuer import KeysAt, KeysGiven
from projections import trusted_issuer_history, trusted_issuers
from projections.trusted_issuers import Row
from service.clock import utc_now
from service.commands.handle import TRUSTED_ISSUER, Handled, handle
from service.commands.trusted_issuer import (
    DeleteTrustedIssuer,
    DisableTrustedIssuer,
    EnableTrustedIssuer,
    RegisterTrustedIssuer,
    TrustedIssuerCommand,
)
from service.crypto.credentials import new_id
from service.endpoints import as_of, if_match, trusted_issuer_schemas
from service.endpoints.call import Call
from service.endpoints.clients import position
from service.endpoints.fields import Fields
from service.endpoints.idempotent_create import create
from service.endpoints.responses import answered
from service.endpoints.trusted_issuer_schemas import (
    ChangeTrustedIssuerRequest,
    CreateTrustedIssuerRequest,
    TrustedIssuer,
)
from service.problems import Clash, NotFound
from service.values.uuids import is_uuid

PATH = "/api/v1/auth/trusted-issuers"
NONE = "There is no trusted issuer with this id."


async def register(call: Call) -> Response:
    fields = Fields(CreateTrustedIssuerRequest, call.content_type, call.body)
    settings = call.resources.settings
    trusted_issuer_schemas.check_new(fields, settings.issuer, settings.insecure_http_hosts)
    asked = fields.done()
    stream, trust = new_id(), trusted_issuer_schemas.trust_of(asked)
    command = RegisterTrustedIssuer(issuer=asked.issuer, trust=trust, at=utc_now())
    row = Row(stream_id=stream, issuer=asked.issuer, trust=trust, state="active", created_at=command.at, version=1)

    async def carry_out(receipt: Receipt | None) -> Handled:
        ledger = call.resources.ledger
        try:
            return await handle(ledger, TRUSTED_ISSUER, stream, command, call.meta, fresh=True, receipt=receipt)
        except asyncpg.UniqueViolationError as fault:
            raise Clash("This issuer is trusted already; change it instead.") from fault

    async def is_there(issuer_id: str) -> bool:
        return await read(call.resources.ledger.pool, lambda c: trusted_issuers.find(c, UUID(issuer_id))) is not None

    return await create(call, shown(row), f"{PATH}/{stream}", carry_out, is_there)


async def list_trusted_issuers(call: Call) -> Response:
    page = await as_of.page_asked(call)
    found = await as_of.page_of(
        call,
        PATH,
        page,
        lambda connection, most: trusted_issuers.listed(connection, after=page.after, limit=most),
        history=trusted_issuer_history.HISTORY,
        filters={},
    )
    return answered([shown(row) for row in found.rows], headers=found.headers)


async def read_trusted_issuer(call: Call) -> Response:
    then, stream = await as_of.asked(call), stream_asked(call)
    if then is None:
        return await _shown(call, stream)
    row = await as_of.find(call, trusted_issuer_history.HISTORY, stream, then)
    if row is None:
        raise NotFound(f"There was no trusted issuer with this id at position {then} of the log.")
    return answered(shown(row), headers=as_of.headers(then))


async def change_trusted_issuer(call: Call) -> Response:
    only_at = if_match.versions(call, required=True)
    fields = Fields(ChangeTrustedIssuerRequest, call.content_type, call.body)
    trusted_issuer_schemas.check_changed(fields, call.resources.settings.insecure_http_hosts)
    command, stream = trusted_issuer_schemas.change_of(fields.done()), stream_asked(call)
    handled = await handle(call.resources.ledger, TRUSTED_ISSUER, stream, command, call.meta, only_at=only_at)
    return await _shown(call, stream, handled)


async def disable_trusted_issuer(call: Call) -> Response:
    return Response(status_code=204, headers=position(await _carry_out(call, DisableTrustedIssuer())))


async def enable_trusted_issuer(call: Call) -> Response:
    return Response(status_code=204, headers=position(await _carry_out(call, EnableTrustedIssuer())))


async def delete_trusted_issuer(call: Call) -> Response:
    return Response(status_code=204, headers=position(await _carry_out(call, DeleteTrustedIssuer())))


def stream_asked(call: Call) -> UUID:
    """Return the stream of the trusted issuer in the path. Raises NotFound."""
    given = call.request.path_params["issuer_id"]
    if not is_uuid(given):
        raise NotFound(NONE)
    return UUID(given)


async def _carry_out(call: Call, command: TrustedIssuerCommand) -> Handled:
    only_at = if_match.versions(call)
    return await handle(call.resources.ledger, TRUSTED_ISSUER, stream_asked(call), command, call.meta, only_at=only_at)


async def _shown(call: Call, stream: UUID, handled: Handled | None = None) -> Response:
    row = await read(call.resources.ledger.pool, lambda c: trusted_issuers.find(c, stream))
    if row is None:
        raise NotFound(NONE)
    return answered(shown(row), headers={"ETag": f'"{row.version}"', **(position(handled) if handled else {})})


def shown(row: Row) -> TrustedIssuer:
    trust = row.trust
    return TrustedIssuer(
        id=str(row.stream_id),
        issuer=row.issuer,
        name=trust.name,
        purposes=list(trust.purposes),
        jwks_uri=trust.keys.jwks_uri if isinstance(trust.keys, KeysAt) else None,
        jwks={"keys": list(trust.keys.keys)} if isinstance(trust.keys, KeysGiven) else None,
        algorithms=list(trust.algorithms),
        audiences=list(trust.audiences),
        provisions=trust.provisions,
        state=row.state,
        created_utc=row.created_at,
    )

"""/api/v1/audit/revocations: revokes everything that follows from a compromise, or first says what that would be."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from starlette.responses import Response

from events.database import AnyConnection, read
from events.verify import BEGINNING
from service.blast_radius import report, seeds
from service.blast_radius.graph import Node
from service.endpoints.audit_query import first_of
from service.endpoints.call import Call
from service.endpoints.fields import Fields
from service.endpoints.responses import POSITION, answered
from service.problems import Forbidden
from service.refusals import InvalidValue
from service.revocation import tree
from service.revocation.tree import Order
from service.values.scopes import BOTS_WRITE, CLIENTS_WRITE, USERS_WRITE

PATH = "/api/v1/audit/revocations"
NEEDED = frozenset({CLIENTS_WRITE, BOTS_WRITE, USERS_WRITE})
"""Beside `operate`: what follows from anything may be clients, bots and users."""


class RevokeTreeRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    id: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=500,
            description="Where the compromise began: the id of a client, secret, bot, user, session or authorization, the jti of a token, a trusted issuer (its "
            "id or its identifier), a `kid`, or `actor:NAME` for an operator or a `sub`.",
        ),
    ]
    client_key: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=1100,
                description="If `id` is a client: it began with this key of the client, as in `readBlastRadius`.",
            ),
        ]
        | None
    ) = None
    since: (
        Annotated[
            str,
            Meta(
                max_length=100,
                description="When it began: a time, a day, or `position:N`. If omitted, all that ever followed is revoked.",
            ),
        ]
        | None
    ) = None
    dry_run: Annotated[bool, Meta(description="Whether to answer what would be revoked, and to change nothing.")]


async def revoke(call: Call) -> Response:
    ledger = call.resources.ledger
    fields = Fields(RevokeTreeRequest, call.content_type, call.body)
    since = await _since(call, fields)
    asked, meta = fields.done(), call.meta
    if lacking := sorted(NEEDED - call.caller.scopes):
        raise Forbidden(f"This also requires the scopes: {' '.join(lacking)}.", scope=" ".join(lacking))
    origin, user = await read(ledger.pool, lambda connection: _origin(connection, asked))
    if user is not None:
        meta = await call.resources.people.private(user, meta)
    person = UUID(call.caller.sub) if call.caller.is_user else None
    order = Order(
        origin=origin,
        since=since,
        own=call.caller.client_id,
        user=person,
        upstream=call.resources.settings.upstream,
        meta=meta,
    )
    done = await (tree.preview(ledger, order) if asked.dry_run else tree.revoke(ledger, order))
    return answered(done, headers={POSITION: str(done.position)})


async def _since(call: Call, fields: Fields[RevokeTreeRequest]) -> datetime:
    text: str | None = fields.good("since")
    moment = None if text is None else first_of(text)
    if text is not None and moment is None:
        fields.fault("since", "must be position:N, a time such as 2026-03-03T14:02:00Z, or a day such as 2026-03-03")
    try:
        return await read(call.resources.ledger.pool, lambda connection: report.past_moment_of(connection, moment))
    except InvalidValue as refused:
        for fault in refused.faults["since"]:
            fields.fault("since", fault)
        return BEGINNING


async def _origin(connection: AnyConnection, asked: RevokeTreeRequest) -> tuple[Node, UUID | None]:
    """Return what the id names, and the user whom that is about. Raises DoesNotExist."""
    origin = await seeds.named(connection, asked.id, asked.client_key)
    return origin, await seeds.user_of(connection, origin)

"""/api/v1/audit/blast-radius: what follows from a compromised secret, client, bot, user, session, key or actor."""

import re
from collections.abc import Mapping
from typing import get_args

from msgspec import Struct
from starlette.responses import Response

from events.database import AnyConnection, read
from service.blast_radius import report, seeds
from service.blast_radius.bounds import bounds_of, bring_feed_near
from service.blast_radius.graph import Kind
from service.blast_radius.report import BlastRadius
from service.endpoints import paging
from service.endpoints.audit_query import A_PLACE, NOT_BLANK, first_of, named, value
from service.endpoints.call import Call
from service.endpoints.moments import Moment
from service.endpoints.responses import POSITION, answered

PATH = "/api/v1/audit/blast-radius"
KINDS = tuple(kind for kind in get_args(Kind) if kind != "actor")
CURSOR = "^[0-9]{1,6}$"
_cursor = re.compile(CURSOR).fullmatch


class RadiusRequest(Struct, frozen=True, kw_only=True):
    id: str
    client_key: str | None
    since: Moment | None
    kinds: frozenset[str]
    first: int
    limit: int
    given: Mapping[str, str]


async def blast_radius(call: Call) -> Response:
    asked = _asked(call)
    await bring_feed_near(call.resources.ledger.pool)
    found = await read(call.resources.ledger.pool, lambda connection: _found(connection, asked))
    headers, end = {POSITION: str(found.position)}, asked.first + len(found.affected)
    if end < sum(count for kind, count in found.counts.items() if not asked.kinds or kind in asked.kinds):
        query = {**asked.given, "limit": str(asked.limit), "cursor": str(end)}
        headers |= paging.next_link(call.resources.settings.issuer, PATH, query)
    return answered(found, headers=headers, found=len(found.affected))


async def _found(connection: AnyConnection, asked: RadiusRequest) -> BlastRadius:
    origin = await seeds.named(connection, asked.id, asked.client_key)
    since = await report.moment_of(connection, asked.since)
    radius = await report.radius(connection, origin, since, await bounds_of(connection, since))
    return await report.report(connection, radius, asked.kinds, asked.first, asked.limit)


def _asked(call: Call) -> RadiusRequest:
    query = paging.read(call.request.scope, ("id", "client_key", "since", "kind", "limit", "cursor"))
    given = query.given
    if not given.get("id"):
        query.fault(
            "id",
            "is required: the id of a client, secret, bot, user, session, authorization or trusted issuer, the jti of a token, a kid, or actor:NAME",
        )
    kinds = given["kind"].split(",") if "kind" in given else []
    if not set(kinds) <= set(KINDS):
        query.fault("kind", f"must be one or more of: {', '.join(KINDS)}")
    if "cursor" in given and not _cursor(given["cursor"]):
        query.fault("cursor", "is not a cursor of this server; follow the Link header")
    limit = paging.limit(given.get("limit"), query.errors)
    since, client_key = value(query, "since", first_of, A_PLACE), value(query, "client_key", named, NOT_BLANK)
    paging.refuse(query)
    return RadiusRequest(
        id=given["id"],
        client_key=client_key,
        since=since,
        kinds=frozenset(kinds),
        first=int(given.get("cursor", "0")),
        limit=limit,
        given={name: text for name, text in given.items() if name not in ("limit", "cursor")},
    )

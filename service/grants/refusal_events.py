"""Refused attempts that matter, before there was anything that they could be events of: each is an event of its own, without what was sent.

They are sampled, for a stranger must not be able to fill the log: so many of each kind in a minute, for one client and for all.
"""

import logging
from uuid import UUID

from events.database import AnyConnection, read
from events.envelope import ByService, Meta
from events.log import Append
from events.refusal import AuthorizationRefused, ClientAuthenticationRefused, RefusalEvent, RequestsThrottled, WhyNot
from projections.clients import Found, stream_of
from service.clock import utc_now
from service.crypto.credentials import new_id
from service.oauth.authentication import Presented, why_not
from service.request_id import this_request
from service.resources import Resources

MOST_OF_A_CLIENT = 10
MOST_OF_ALL = 100

WAS_REGISTERED = "select exists(select from log.events where stream_id = $1 and type = 'client.registered')"

log = logging.getLogger("muniment.refusals")


async def remember_refusal(resources: Resources, client_id: str, why: str) -> None:
    """Of an authorization request, a code or a refresh token. The client_id is that of a client that there is."""
    if await _is_sampled(resources, "authorization", client_id, MOST_OF_A_CLIENT):
        await _remember(resources, AuthorizationRefused(client_id=client_id, why=why, at=utc_now()), None)


async def remember_failure(resources: Resources, given: Presented, found: Found | None, address: str) -> None:
    """Of a client authentication."""
    why = why_not(given, found, utc_now())
    if why is None or not await _is_sampled(resources, why, found.client.client_id if found else "", MOST_OF_A_CLIENT):
        return
    if found is not None:
        await _remember_failure(resources, found.client.client_id, why, None if found.client.public else address)
    elif await _was_registered(resources, given.client_id):
        await _remember_failure(resources, given.client_id, "client_deleted", None)
    else:
        await _remember_failure(resources, None, why, None)


async def remember_throttling(resources: Resources, found: Found | None, address: str) -> None:
    """Of failed client authentications: once a minute for each client."""
    client_id = found.client.client_id if found else None
    if await _is_sampled(resources, "throttled", client_id or "", 1):
        await _remember_failure(
            resources, client_id, "throttled", address if found and not found.client.public else None
        )


async def remember_throttled_requests(resources: Resources, client_id: str | None, limit: int, address: str) -> None:
    """Of the management API, by an authenticated client, or (None) by an address."""
    if await _is_sampled(resources, "throttled requests", client_id or "", MOST_OF_A_CLIENT):
        await _remember(resources, RequestsThrottled(client_id=client_id, limit=limit, at=utc_now()), address)


async def _remember_failure(resources: Resources, client_id: str | None, why: WhyNot, address: str | None) -> None:
    """The address is kept of confidential clients alone: that of a public one is a person's."""
    log.info("client authentication of %s was refused: %s", client_id or "an unknown client", why.replace("_", " "))
    await _remember(resources, ClientAuthenticationRefused(client_id=client_id, why=why, at=utc_now()), address)


async def _remember(resources: Resources, event: RefusalEvent, address: str | None) -> None:
    actor = ByService(why="a request in the name of a client was refused")
    meta = Meta(actor=actor, request_id=str(this_request()), address=address)
    await resources.ledger.log.append(Append(stream=new_id(), expected=0, events=[event], meta=meta))


async def _is_sampled(resources: Resources, kind: str, client_id: str, most: int) -> bool:
    own = await resources.limits.count(f"refusal {kind} {client_id}")
    return own.used <= most and (await resources.limits.count(f"refusals {kind}")).used <= MOST_OF_ALL


async def _was_registered(resources: Resources, client_id: str) -> bool:
    stream = stream_of(client_id)
    return stream is not None and await read(resources.ledger.pool, lambda connection: _registered(connection, stream))


async def _registered(connection: AnyConnection, stream: UUID) -> bool:
    return await connection.fetchval(WAS_REGISTERED, stream) is True

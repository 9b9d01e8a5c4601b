"""Events for refused requests that belong to no other stream. Each has a stream of its own and holds no credential that was sent.

They are sampled, so that an attacker cannot fill the log: each kind has a limit per minute, for one client and for all clients.
"""

import logging
from uuid import UUID

from events.database import AnyConnection, read
from events.envelope import ByService, Meta
from events.ids import client_stream
from events.log import Append
from events.refusal import AuthorizationRefused, ClientAuthenticationRefused, RefusalEvent, RequestsThrottled, WhyNot
from projections.clients import Found
from service.clock import utc_now
from service.crypto.credentials import new_id
from service.request_id import this_request
from service.resources import Resources

MOST_OF_A_CLIENT = 10
MOST_OF_ALL = 100

WAS_REGISTERED = "select exists(select from log.events where stream_id = $1 and type = 'client.registered')"

log = logging.getLogger("muniment.refusals")


async def record_refusal(resources: Resources, client_id: str, why: str) -> None:
    """Record that an authorization request, a code or a refresh token was refused. `client_id` must name a registered client."""
    if await _is_sampled(resources, "authorization", client_id, MOST_OF_A_CLIENT):
        await _record(resources, AuthorizationRefused(client_id=client_id, why=why, at=utc_now()), None)


async def record_failure(resources: Resources, client_id: str, why: WhyNot, found: Found | None, address: str) -> None:
    """Record a failed client authentication of the client that is named `client_id` in the request."""
    if not await _is_sampled(resources, why, found.client.client_id if found else "", MOST_OF_A_CLIENT):
        return
    if found is not None:
        await _record_failure(resources, found.client.client_id, why, None if found.client.public else address)
    elif await _was_registered(resources, client_id):
        await _record_failure(resources, client_id, "client_deleted", None)
    else:
        await _record_failure(resources, None, why, None)


async def record_throttling(resources: Resources, found: Found | None, address: str) -> None:
    """Record, at most once a minute for each client, that failed client authentications were throttled."""
    client_id = found.client.client_id if found else None
    if await _is_sampled(resources, "throttled", client_id or "", 1):
        await _record_failure(resources, client_id, "throttled", address if found and not found.client.public else None)


async def record_throttled_requests(resources: Resources, client_id: str | None, limit: int, address: str) -> None:
    """Record that requests to the management API were throttled, of an authenticated client or (None) of an address."""
    if await _is_sampled(resources, "throttled requests", client_id or "", MOST_OF_A_CLIENT):
        await _record(resources, RequestsThrottled(client_id=client_id, limit=limit, at=utc_now()), address)


async def _record_failure(resources: Resources, client_id: str | None, why: WhyNot, address: str | None) -> None:
    """The address is kept for confidential clients only: the address of a public client is personal data of its user."""
    log.info("client authentication of %s was refused: %s", client_id or "an unknown client", why.replace("_", " "))
    await _record(resources, ClientAuthenticationRefused(client_id=client_id, why=why, at=utc_now()), address)


async def _record(resources: Resources, event: RefusalEvent, address: str | None) -> None:
    actor = ByService(why="a request in the name of a client was refused")
    meta = Meta(actor=actor, request_id=str(this_request()), address=address)
    await resources.ledger.log.append(Append(stream=new_id(), expected=0, events=[event], meta=meta))


async def _is_sampled(resources: Resources, kind: str, client_id: str, most: int) -> bool:
    own = await resources.limits.count(f"refusal {kind} {client_id}")
    return own.used <= most and (await resources.limits.count(f"refusals {kind}")).used <= MOST_OF_ALL


async def _was_registered(resources: Resources, client_id: str) -> bool:
    stream = client_stream(client_id)
    return stream is not None and await read(resources.ledger.pool, lambda connection: _registered(connection, stream))


async def _registered(connection: AnyConnection, stream: UUID) -> bool:
    return await connection.fetchval(WAS_REGISTERED, stream) is True

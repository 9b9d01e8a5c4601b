"""Events for refused requests that belong to no other stream. Each has a stream of its own and holds no credential that was sent.

An attacker cannot fill the log with them: each kind has limits per minute, for one client, for one network of addresses and for all. Nor
can the noise of an attacker hide an attack on an auditor's or an operator's client: these clients have limits of their own. What is beyond
the limits is counted, and one event a minute says how many refusals of which kinds these were.
"""

import logging
from collections.abc import Collection
from typing import Literal
from uuid import UUID

from msgspec import Struct

from events.database import AnyConnection, Unavailable, read
from events.envelope import ByService, ByUser, Meta
from events.ids import client_stream
from events.log import Append
from events.refusal import (
    AuthorizationRefused,
    ClientAuthenticationRefused,
    RefusalEvent,
    RequestNotPermitted,
    RequestsThrottled,
    UserCodeRefused,
    WhyNot,
)
from projections.clients import Found
from service.audit.read_counts import MINUTE
from service.clock import utc_now
from service.crypto.credentials import new_id
from service.people.throttle import network
from service.request_id import envelope
from service.resources import Resources
from service.tracing.spans import span
from service.values.scopes import AUDIT_READ, OPERATE

LONGEST_REQUEST, LONGEST_WHY = 200, 500
MOST_OF_A_CLIENT = 10
MOST_OF_A_NETWORK = 20
MOST_OF_ALL = 100

POWERFUL = frozenset({OPERATE, AUDIT_READ})
"""Clients with one of these scopes reach everything, so attacks on them have limits of their own."""

WAS_REGISTERED = "select exists(select from log.events where stream_id = $1 and type = 'client.registered')"

log = logging.getLogger("muniment.refusals")


class Sender(Struct, frozen=True, kw_only=True):
    """Who sent a refused request, as far as the limits are concerned. `whose` is the client (of a user: both), "" if none is known."""

    whose: str
    scopes: Collection[str]
    address: str


class Attempt(Struct, frozen=True, kw_only=True):
    """A refused request, as far as the limits are concerned."""

    kind: str
    sender: Sender
    most: int = MOST_OF_A_CLIENT

    @property
    def limits(self) -> tuple[tuple[str, int], ...]:
        kind = f"{self.kind} of the powerful" if POWERFUL.intersection(self.sender.scopes) else self.kind
        own = (f"refusal {self.kind} {self.sender.whose}", self.most)
        near = (f"refusals {kind} from {network(self.sender.address)}", MOST_OF_A_NETWORK)
        return own, near, (f"refusals {kind}", MOST_OF_ALL)


async def record_refusal(resources: Resources, client_id: str, found: Found | None, why: str, address: str) -> None:
    """Record that an authorization request, a code or a refresh token was refused. `client_id` must name a registered client."""
    if await _is_sampled(resources, _attempt("authorization", found, address, client_id)):
        await _record(resources, AuthorizationRefused(client_id=client_id, why=why, at=utc_now()), None)


async def record_failure(resources: Resources, client_id: str, why: WhyNot, found: Found | None, address: str) -> None:
    """Record a failed client authentication of the client that is named `client_id` in the request."""
    if not await _is_sampled(resources, _attempt(why, found, address)):
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
    if await _is_sampled(resources, _attempt("throttled", found, address).__replace__(most=1)):
        await _record_failure(resources, client_id, "throttled", address if found and not found.client.public else None)


async def record_throttled_requests(
    resources: Resources, throttled: RequestsThrottled, sender: Sender, shown: str | None
) -> None:
    """Record that requests to the management API were throttled. `shown` is the address, unless it is a user's."""
    if await _is_sampled(resources, Attempt(kind="throttled_requests", sender=sender)):
        await _record(resources, throttled, shown)


async def record_not_permitted(resources: Resources, refused: RequestNotPermitted, sender: Sender, meta: Meta) -> None:
    """Record that an authenticated client sent a request that it may not send. `meta` names it as the actor."""
    if await _is_sampled(resources, Attempt(kind="not_permitted", sender=sender)):
        await _append(resources, refused, meta)


async def record_user_code(
    resources: Resources, why: Literal["not_known", "throttled"], user: ByUser | None, address: str
) -> None:
    """Record that somebody typed a code of no device. The address is not kept, because it is a user's."""
    sender = Sender(whose=network(address) if user is None else str(user.user_id), scopes=(), address=address)
    if await _is_sampled(resources, Attempt(kind="user_code", sender=sender)):
        meta = envelope(user or ByService(why="a code of a device was refused"))
        await _append(resources, UserCodeRefused(why=why, at=utc_now()), meta)


def not_permitted(client_id: str, request: str, why: str) -> RequestNotPermitted:
    """`request` is the method and the path of the route."""
    return RequestNotPermitted(
        client_id=client_id, request=request[:LONGEST_REQUEST], why=why[:LONGEST_WHY], at=utc_now()
    )


async def record_left_out(resources: Resources, *, at_end: bool = False) -> None:
    """Record how many refusals were left out, if the minute is over or the process ends. Raises Unavailable."""
    now = utc_now()
    taken = resources.refusals.take(now if at_end else now - MINUTE)
    if taken is None:
        return
    try:
        meta = Meta(actor=ByService(why="more requests were refused than are recorded"), request_id=str(new_id()))
        await _append(resources, taken.event(now), meta)
    except Unavailable:
        resources.refusals.put_back(taken)
        raise


async def _record_failure(resources: Resources, client_id: str | None, why: WhyNot, address: str | None) -> None:
    """The address is kept for confidential clients only: the address of a public client is personal data of its user."""
    log.info("client authentication of %s was refused: %s", client_id or "an unknown client", why.replace("_", " "))
    await _record(resources, ClientAuthenticationRefused(client_id=client_id, why=why, at=utc_now()), address)


async def _record(resources: Resources, event: RefusalEvent, address: str | None) -> None:
    actor = ByService(why="a request in the name of a client was refused")
    await _append(resources, event, envelope(actor, address=address))


async def _append(resources: Resources, event: RefusalEvent, meta: Meta) -> None:
    with span("append"):
        await resources.ledger.log.append(Append(stream=new_id(), expected=0, is_fresh=True, events=[event], meta=meta))


def _attempt(kind: str, found: Found | None, address: str, client_id: str = "") -> Attempt:
    whose, scopes = (client_id, ()) if found is None else (found.client.client_id, found.client.scopes)
    return Attempt(kind=kind, sender=Sender(whose=whose, scopes=scopes, address=address))


async def _is_sampled(resources: Resources, attempt: Attempt) -> bool:
    resources.metrics.refusals[attempt.kind].inc()
    for key, most in attempt.limits:
        if (await resources.limits.count(key)).used > most:
            resources.refusals.count(attempt.kind, utc_now())
            return False
    return True


async def _was_registered(resources: Resources, client_id: str) -> bool:
    stream = client_stream(client_id)
    return stream is not None and await read(resources.ledger.pool, lambda connection: _registered(connection, stream))


async def _registered(connection: AnyConnection, stream: UUID) -> bool:
    return await connection.fetchval(WAS_REGISTERED, stream) is True

"""Pushes the events of the log to an endpoint such as a SIEM, in order, each at least once, signed as Standard Webhooks specifies.

A batch is repeated until the endpoint accepts it. Its id names its positions, so the endpoint recognizes a repetition.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import asyncio
import base64
import hashlib
import hmac
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, json

from events import locks
from events.codec import Recorded
from events.database import Connection
from events.database_session import DatabaseSession
from events.election import Election
from events.replay import head, pages
from service.audit.event_json import AuditEvent, audit_event
from service.configuration.webhook import Webhook
from service.reactions.not_delivered import NotTaken

if TYPE_CHECKING:
    from service.reactions.audit_push_delivery import Delivery

LOCK = locks.in_session_if_free(locks.PUSH)
NAME = "audit"
MOST_EVENTS = 100
LONGEST_PAUSE_SECONDS = 300
TYPE = "audit.events"

CLAIM = "insert into push.checkpoints values ($1, 0, 0) on conflict (name) do update set name = excluded.name returning position, sent_upto"
BEGIN = "update push.checkpoints set sent_upto = $2 where name = $1"
ACCEPTED = "update push.checkpoints set position = $2 where name = $1 and position < $2"
"""Another process may be further: it pushes, too, once the connection with the lock is lost while a request is under way."""


log = logging.getLogger("muniment.push")


class Batch(Struct, frozen=True, kw_only=True):
    """The events from `first` to `last`."""

    first: int
    last: int
    events: Sequence[AuditEvent]


class Message(Struct, frozen=True, kw_only=True):
    """The body of a request. `timestamp` is the time of the last event."""

    type: str
    timestamp: str
    data: Batch


class Signed(Struct, frozen=True, kw_only=True):
    """A request. A repeated batch has the same id and body; its timestamp and signature are those of the attempt."""

    id: str
    timestamp: int
    signature: str
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "webhook-id": self.id,
            "webhook-timestamp": str(self.timestamp),
            "webhook-signature": self.signature,
        }


def message_of(events: Sequence[Recorded]) -> tuple[str, bytes]:
    """Return the id and the body of a batch, which has at least one event."""
    first, last = events[0].position, events[-1].position
    batch = Batch(first=first, last=last, events=[audit_event(past) for past in events])
    body = Message(type=TYPE, timestamp=events[-1].recorded_at.isoformat(), data=batch)
    return f"{NAME}_{first}_{last}", json.encode(body)


def signed(key: bytes, name: str, body: bytes, at: int) -> Signed:
    """Return the request, signed by HMAC-SHA256 over id, timestamp (seconds since 1970) and body."""
    mac = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    return Signed(id=name, timestamp=at, signature=f"v1,{base64.b64encode(mac).decode()}", body=body)


class Pusher:
    """One per process. Call `look` every second; one process at a time pushes."""

    def __init__(self, webhook: Webhook, url: str) -> None:
        self._webhook = webhook
        self._session = DatabaseSession(url)
        self._election = Election(LOCK)
        self._delivery: Delivery | None = None
        self._failed = 0
        self._next_at = 0.0
        self._fault = ""

    async def look(self) -> None:
        """Push until the end of the log, or until the endpoint does not accept a batch. Raises Unavailable."""
        while time.monotonic() >= self._next_at:
            async with self._session.using() as connection:
                if not await self._election.is_won(connection):
                    return
                events = await _next_batch(connection)
            if not events:
                return
            name, body = message_of(events)
            try:
                await self._send(signed(self._webhook.key, name, body, int(time.time())))
            except NotTaken as fault:
                self._not_taken(fault)
                return
            self._taken()
            async with self._session.using() as connection:
                await connection.execute(ACCEPTED, NAME, events[-1].position)
            await asyncio.sleep(0)

    async def close(self) -> None:
        if self._delivery is not None:
            await self._delivery.aclose()
        await self._session.close()

    async def _send(self, request: Signed) -> None:
        if self._delivery is None:
            from service.reactions.audit_push_delivery import Delivery  # noqa: PLC0415 - only who pushes needs an HTTP client

            self._delivery = Delivery(self._webhook.url)
        await self._delivery.send(request.body, request.headers)

    def _taken(self) -> None:
        if self._fault:
            log.info("the audit webhook accepts events again")
        self._failed, self._fault = 0, ""

    def _not_taken(self, fault: NotTaken) -> None:
        """Wait twice as long after each attempt. The log gets each reason once."""
        self._next_at = time.monotonic() + min(2.0**self._failed, LONGEST_PAUSE_SECONDS)
        self._failed = min(self._failed + 1, 16)
        if str(fault) != self._fault:
            self._fault = str(fault)
            log.warning("the audit webhook did not accept events, which are repeated until it does: %s", fault)


async def _next_batch(connection: Connection) -> list[Recorded]:
    """Return the batch that is under way, or begin the next one; [] at the end of the log. Raises UnreadableEvent."""
    row = await connection.fetchrow(CLAIM, NAME)
    assert row is not None
    after, upto = row["position"], row["sent_upto"]
    if upto == after:
        upto = min((await head(connection)).position, after + MOST_EVENTS)
        if upto <= after:
            return []
        await connection.execute(BEGIN, NAME, upto)
    async for page in pages(connection, after=after, upto=upto, size=MOST_EVENTS):
        return page
    return []

"""Clients without registration: the document at the URL that is their client_id is fetched when they ask for an authorization.

Each process remembers until when a document is fresh. What a document says is in the log, so that a token is decided from what was there
when it was read. A document that is gone or has become invalid allows no new authorization; what was issued before stays valid.
"""

import asyncio
import time
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

from msgspec import Struct

from events.client import ClientRegistered, ClientRestored
from events.codec import Event
from events.database import read
from events.envelope import ByService
from events.ids import client_stream, is_document
from projections import self_registered
from service.clock import utc_now
from service.commands.client_document import SeeDocument
from service.commands.client_registration import MOST_NEVER_USED
from service.commands.handle import CLIENT, Ledger, handle
from service.configuration.settings import Settings
from service.crypto.credentials import stored_key
from service.limits import A_DAY, Limits
from service.lookup import Lookup
from service.metrics.process import ProcessMetrics
from service.network.fetching import JSON, AllBusy, CannotFetch, Fetched, Fetcher, Reach
from service.network.freshness import Kept
from service.network.hosts import site
from service.oauth.client_metadata import ClientMetadata
from service.oauth.document_client import MOST_BYTES, InvalidDocument, check_url, metadata_of, policy_of
from service.people.throttle import network
from service.refusals import Contradiction
from service.request_id import envelope

KEPT = Kept(least=300, most=86400)
PAUSE_SECONDS, LONGEST_PAUSE = 10, 300
"""A document that could not be used is not asked for again before, and each time after twice as long. It is no cache of an error
(section 5.2): it only bounds the rate.
"""

STALE_SECONDS = 300
"""How much longer a document is used if this server is too busy to fetch it again."""

MOST_NEW_OF_A_NETWORK = 20
MOST_NEW_OF_A_SITE = 60
MOST_NEW = 300
"""New documents in a minute: of one network of addresses, of all hosts of one domain, of all."""

MOST_NEW_IN_A_DAY = 300
"""New documents of one network of addresses."""

MOST_REMEMBERED = 10_000
"""URLs until when they are fresh, and as many that are left alone. These take 5 MB each, and 25 MB more with the longest reasons."""

NOT_FETCHED = "It could not be fetched: {}."

Remembered = TypeVar("Remembered")


class NoDocument(Exception):
    """The document of a client cannot be used. `why` is a sentence for its developer, and contains no text of the response."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Pause(Struct, frozen=True):
    until: float
    seconds: int
    why: str


class ClientDocuments:
    """One per process."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        lookup: Lookup,
        limits: Limits,
        *,
        fetcher: Fetcher,
        metrics: ProcessMetrics,
    ) -> None:
        self._allowed = settings.client_metadata_documents
        self._policy = policy_of(settings.issuer, settings.insecure_http_hosts)
        self._ledger, self._lookup, self._limits, self._fetcher = ledger, lookup, limits, fetcher
        self._outcomes = metrics.documents
        self._fresh: dict[str, float] = {}
        self._paused: dict[str, _Pause] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def see(self, client_id: str, address: str) -> None:
        """Make sure that the client is known as its document is now. Does nothing for other clients. Raises NoDocument, Unavailable."""
        if not is_document(client_id):
            return
        reach = self._reach(client_id)
        known = await self._lookup.named(client_id)
        if known is not None and (not known.may_act or self._is_fresh(client_id)):
            return
        self._may_ask(client_id)
        if client_id not in self._under_way:
            if known is None:
                await self._are_few(client_id, address)
                if self._is_fresh(client_id):  # somebody else's request has read it meanwhile
                    return
            self._begin(client_id, reach, network(address))
        await asyncio.shield(self._under_way[client_id])

    async def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    def _is_fresh(self, url: str) -> bool:
        return self._fresh.get(url, 0) > time.time()

    def _reach(self, url: str) -> Reach:
        try:
            reach = self._allowed.reach(check_url(url))
        except InvalidDocument as fault:
            raise self._refused("invalid", fault.why) from fault
        if reach is None:
            raise self._refused(
                "not_allowed",
                "This server does not accept documents of this host. Register the client, or ask the operator, who names hosts in"
                " MUNIMENT_CLIENT_METADATA_DOCUMENTS.",
            )
        return reach

    def _may_ask(self, url: str) -> None:
        pause = self._paused.get(url)
        if pause is not None and pause.until > time.monotonic():
            raise self._refused("paused", pause.why)

    async def _are_few(self, url: str, address: str) -> None:
        """Raises NoDocument. Strangers must not make this server a client of too many others, nor fill its log."""
        near = f"client documents from {network(address)}"
        for key, most in (
            (near, MOST_NEW_OF_A_NETWORK),
            (f"{A_DAY}{near}", MOST_NEW_IN_A_DAY),
            (f"client documents of {site(check_url(url))}", MOST_NEW_OF_A_SITE),
            ("client documents", MOST_NEW),
        ):
            counted = await self._limits.count(key)
            if counted.used > most:
                why = f"Too many new documents; try again in {counted.seconds} s."
                raise self._refused("throttled", why)
        if await self._never_used() >= MOST_NEVER_USED:
            raise self._refused("throttled", "There are too many clients that never signed a user in; try again later.")

    async def _never_used(self) -> int:
        return await read(self._ledger.pool, lambda c: self_registered.never_used(c, "document", MOST_NEVER_USED))

    def _begin(self, url: str, reach: Reach, asker: str) -> None:
        """One fetch at a time for each URL, which goes on if the one who asked first has gone away."""
        if url in self._under_way:
            return
        task = self._under_way[url] = asyncio.create_task(self._read(url, reach, asker))
        task.add_done_callback(lambda done: self._ended(url, done))

    def _ended(self, url: str, task: asyncio.Task[None]) -> None:
        del self._under_way[url]
        if not task.cancelled():
            task.exception()  # it was raised to whoever waited

    async def _read(self, url: str, reach: Reach, asker: str) -> None:
        try:
            fetched = await self._fetcher.get(
                url, reach=reach, accept=JSON, most_bytes=MOST_BYTES, kept=KEPT, asker=asker
            )
            await self._append(url, fetched, metadata_of(url, fetched.body, self._policy))
        except AllBusy as fault:  # it was not asked, so it may be asked at once
            if time.time() < self._fresh.get(url, 0) + STALE_SECONDS:
                return
            raise self._refused("not_fetched", NOT_FETCHED.format(fault.why)) from fault
        except CannotFetch as fault:
            raise self._paused_by(url, "not_fetched", NOT_FETCHED.format(fault.why)) from fault
        except InvalidDocument as fault:
            raise self._paused_by(url, "invalid", fault.why) from fault
        except Contradiction as fault:
            raise self._paused_by(url, "not_allowed", fault.detail) from fault
        except Exception:  # ours: but whoever asks again must not make this server fetch and fail again each time
            self._pause(url, "This server could not read it; try again in a moment")
            raise
        self._paused.pop(url, None)
        _remember(self._fresh, url, fetched.fresh_until)

    async def _append(self, url: str, fetched: Fetched, found: ClientMetadata) -> None:
        stream, now = client_stream(url), utc_now()
        assert stream is not None
        command = SeeDocument(
            url=url,
            digest=sha256(fetched.body).hexdigest(),
            display_name=found.display_name,
            redirect_uris=found.redirect_uris,
            scopes=found.scopes,
            login=found.login,
            security=found.security,
            about=found.about,
            keys=tuple(stored_key(key, name=f"document {number}", at=now) for number, key in enumerate(found.keys, 1)),
            at=now,
            position=self._lookup.position,
        )
        meta = envelope(ByService(why="a client's metadata document was read"))
        handled = await handle(self._ledger, CLIENT, stream, command, meta)
        if handled.position is not None:
            await self._lookup.reach(handled.position)
        self._outcomes[_outcome(handled.events)].inc()

    def _paused_by(self, url: str, outcome: str, why: str) -> NoDocument:
        self._pause(url, why)
        return self._refused(outcome, why)

    def _pause(self, url: str, why: str) -> None:
        before = self._paused.get(url)
        seconds = PAUSE_SECONDS if before is None else min(2 * before.seconds, LONGEST_PAUSE)
        _remember(self._paused, url, _Pause(time.monotonic() + seconds, seconds, why))

    def _refused(self, outcome: str, why: str) -> NoDocument:
        self._outcomes[outcome].inc()
        return NoDocument(why)


def _outcome(events: Sequence[Event]) -> str:
    if not events:
        return "unchanged"
    return "new" if isinstance(events[0], ClientRegistered | ClientRestored) else "changed"


def _remember(remembered: dict[str, Remembered], url: str, value: Remembered) -> None:
    remembered.pop(url, None)  # it goes to the end, for the first is forgotten first
    remembered[url] = value
    if len(remembered) > MOST_REMEMBERED:
        del remembered[next(iter(remembered))]

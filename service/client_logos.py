"""The logos of clients that nobody has verified. This server fetches them, so the host of a logo learns nothing about who sees it.

A logo is fetched when a browser asks for it on the consent page, which does not wait for it. Each process keeps some in memory.
"""

import asyncio
import time

from msgspec import Struct

from projections.clients import Row
from service.configuration.documents import Documents
from service.limits import Limits
from service.metrics.process import ProcessMetrics
from service.network import hosts
from service.network.fetching import AllBusy, CannotFetch, Fetcher, Reach
from service.network.freshness import Kept
from service.oauth.document_client import InvalidDocument, check_url, host_of
from service.people.throttle import network
from service.values import images

ACCEPTED = ", ".join(images.TYPES)
NOT_FETCHED = "It could not be fetched: {}."
MOST_BYTES = 100_000
MOST_BYTES_KEPT = 4_000_000
ENTRY_BYTES = 4_000
"""What an entry takes beside its image, with a long URL."""

KEPT = Kept(least=3600, most=86400)
FAILED_SECONDS = 600
"""How long a logo that could not be used is not asked for again."""

MOST_NEW_OF_A_NETWORK = 20
MOST_NEW_OF_A_SITE = 60
MOST_NEW = 300
"""Fetches in a minute: for one network of addresses, from all hosts of one domain, of all."""


class Logo(Struct, frozen=True):
    media_type: str
    body: bytes


class NoLogo(Struct, frozen=True):
    """`why` is a sentence for the client's developer, and contains nothing of the response."""

    why: str


class _Place(Struct, frozen=True):
    """What one client may have fetched from a private network, another one does not get from memory."""

    url: str
    reach: Reach


class _Entry(Struct, frozen=True):
    """`until` is in seconds since 1970."""

    found: Logo | NoLogo
    until: float

    @property
    def size(self) -> int:
        return ENTRY_BYTES + (len(self.found.body) if isinstance(self.found, Logo) else 0)


class Logos:
    """One per process. Its fetcher is its own, so that no logo holds up a document or a key."""

    def __init__(self, documents: Documents, limits: Limits, fetcher: Fetcher, metrics: ProcessMetrics) -> None:
        self._documents, self._limits, self._fetcher = documents, limits, fetcher
        self._outcomes = metrics.logos
        self._kept: dict[_Place, _Entry] = {}
        self._kept_bytes = 0
        self._under_way: dict[_Place, asyncio.Task[Logo | NoLogo]] = {}

    async def of(self, client: Row, url: str, address: str) -> Logo | NoLogo:
        """Return the logo at the URL that the client names. `address` is that of who sees it. Raises Unavailable."""
        reach = self._reach(client, url)
        if reach is None:
            return NoLogo("This server does not accept documents of this host.")
        place = _Place(url, reach)
        if self._fresh(place) is None and place not in self._under_way and not await self._are_few(url, address):
            return self._without("throttled", "Too many logos were fetched; try again in a minute.")
        fresh = self._fresh(place)
        if fresh is not None:
            return fresh.found
        if place not in self._under_way:
            task = self._under_way[place] = asyncio.create_task(self._read(place, network(address)))
            task.add_done_callback(lambda done: self._ended(place, done))
        return await asyncio.shield(self._under_way[place])

    async def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        await self._fetcher.aclose()

    def _reach(self, client: Row, url: str) -> Reach | None:
        """A logo at the host of the client's document may be where the document may be. Every other one is on the public internet."""
        if client.document is None or host_of(url) != host_of(client.client_id):
            return "public"
        try:
            return self._documents.reach(check_url(client.client_id))
        except InvalidDocument:
            return None

    def _fresh(self, place: _Place) -> _Entry | None:
        entry = self._kept.get(place)
        return entry if entry is not None and entry.until > time.time() else None

    async def _are_few(self, url: str, address: str) -> bool:
        """Whoever is signed in must not make this server a client of too many others."""
        for key, most in (
            (f"logos for {network(address)}", MOST_NEW_OF_A_NETWORK),
            (f"logos of {hosts.site(hosts.split(url).hostname or '')}", MOST_NEW_OF_A_SITE),
            ("logos", MOST_NEW),
        ):
            if (await self._limits.count(key)).used > most:
                return False
        return True

    def _ended(self, place: _Place, task: asyncio.Task[Logo | NoLogo]) -> None:
        del self._under_way[place]
        if not task.cancelled():
            task.exception()  # it was raised to whoever waited

    async def _read(self, place: _Place, asker: str) -> Logo | NoLogo:
        until = time.time() + FAILED_SECONDS
        try:
            fetched = await self._fetcher.get(
                place.url, reach=place.reach, accept=ACCEPTED, most_bytes=MOST_BYTES, kept=KEPT, asker=asker
            )
        except AllBusy as fault:  # it was not asked, so it may be asked at once
            return self._without("not_fetched", NOT_FETCHED.format(fault.why))
        except CannotFetch as fault:
            found = self._without("not_fetched", NOT_FETCHED.format(fault.why))
        else:
            media_type = images.type_of(fetched.body)
            if media_type is None:
                found = self._without("invalid", f"Its bytes are none of {ACCEPTED}.")
            else:
                until, found = fetched.fresh_until, Logo(media_type, fetched.body)
                self._outcomes["fetched"].inc()
        self._keep(place, _Entry(found, until))
        return found

    def _without(self, outcome: str, why: str) -> NoLogo:
        self._outcomes[outcome].inc()
        return NoLogo(why)

    def _keep(self, place: _Place, entry: _Entry) -> None:
        """The one that was fetched first is forgotten first."""
        self._forget(place)
        self._kept[place] = entry
        self._kept_bytes += entry.size
        while self._kept_bytes > MOST_BYTES_KEPT:
            self._forget(next(iter(self._kept)))

    def _forget(self, place: _Place) -> None:
        former = self._kept.pop(place, None)
        self._kept_bytes -= former.size if former else 0

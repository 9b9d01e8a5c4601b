"""Keys at URLs (JWK Sets, RFC 7517 section 5) of clients and trusted issuers: fetched when they are needed, and kept as long as their
headers say.

Each URL has one fetch at a time, so one that hangs holds up only those who need its keys. A `kid` that is not among the keys makes it
fetch again, at a bounded rate, for the keys may have been rotated.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, cast

from msgspec import Struct

from events.client_key import PublicKey
from projections.clients import Row
from service.network.fetching import AllBusy, CannotFetch, Fetched, Reach
from service.oauth.client_keys import OF_CLIENTS, Accepted, UnusableKey, parse
from service.values.strict_json import NotAnObject, strict_object

ACCEPT = "application/json"
MOST_KEYS = 50
MOST_URLS = 1_000
MOST_KEPT = 10_000
"""Keys of all URLs together. One takes 1.2 KB at most, of RSA with 4096 bits and the longest kid, so these take 12 MB."""

AGAIN_SECONDS = 30.0
"""How long after a fetch an unknown `kid` does not cause another one."""

STALE_SECONDS = 300.0
"""How long keys are used beyond their time, if they cannot be fetched."""

FIRST_REST, LONGEST_REST = 5.0, 300.0
"""How long a URL that failed is left alone: twice as long after each further failure."""

NO_KEYSET = "what it returned is not a JWK Set"


def reach_of(client: Row) -> Reach:
    """Where the keys of a client may be. A stranger chose the URL of one that anybody could register, or that is a document."""
    by_itself = client.registration is not None and client.registration.initial_access_token is None
    return "public" if by_itself or client.document is not None else "private_too"


Outcome = Literal["fetched", "failed", "busy"]
"""`failed` is also an answer that is not what was asked for; `busy` was not fetched because of others."""

Count = Callable[[Outcome], None]


def uncounted(_outcome: Outcome) -> None:
    pass


class Fetches(Protocol):
    async def get(self, url: str, *, reach: Reach, accept: str, asker: str = "") -> Fetched: ...


class _Keyset(Struct):
    """What is known of a URL. `failures` counts those since the last success; `fault` is the last one."""

    keys: Sequence[PublicKey] = ()
    fetched_at: float = -LONGEST_REST
    fresh_until: float = 0.0
    failures: int = 0
    failed_at: float = 0.0
    fault: CannotFetch | None = None
    fetching: "asyncio.Task[None] | None" = None


class RemoteKeys:
    """One for each process, and for each kind of keys that is accepted."""

    def __init__(
        self,
        fetcher: Fetches,
        clock: Callable[[], float] = time.time,
        accepted: Accepted = OF_CLIENTS,
        count: Count = uncounted,
    ) -> None:
        self._fetcher, self._clock, self._accepted, self._count = fetcher, clock, accepted, count
        self._known: dict[tuple[Reach, str], _Keyset] = {}

    async def find(self, url: str, kid: str | None, *, reach: Reach, asker: str = "") -> Sequence[PublicKey]:
        """Return the usable keys at the URL, fetched again if none of them has this `kid`. Raises CannotFetch.

        `asker` is the network of who needs them: of those that strangers chose, one network gets few at once.
        """
        keyset = self._keyset(reach, url)
        if self._is_due(keyset, kid):
            await self._fetched(keyset, url, reach, asker if reach == "public" else "")
        if self._clock() < keyset.fresh_until + (STALE_SECONDS if keyset.fault else 0):
            return keyset.keys
        raise keyset.fault or CannotFetch(NO_KEYSET)

    def _keyset(self, reach: Reach, url: str) -> _Keyset:
        """The one that was not asked for longest gives way to a new one."""
        keyset = self._known.pop((reach, url), None) or _Keyset()
        self._known[reach, url] = keyset
        if len(self._known) > MOST_URLS:
            self._known.pop(next(iter(self._known)))
        return keyset

    def _make_room(self) -> None:
        while sum(len(keyset.keys) for keyset in self._known.values()) > MOST_KEPT:
            self._known.pop(next(iter(self._known)))

    def _is_due(self, keyset: _Keyset, kid: str | None) -> bool:
        now = self._clock()
        rest = min(FIRST_REST * 2 ** min(keyset.failures - 1, 10), LONGEST_REST) if keyset.failures else 0.0
        if now < keyset.failed_at + rest:
            return False
        is_known = kid is None or any(kid in (key.kid, key.thumbprint) for key in keyset.keys)
        return now >= keyset.fresh_until or (not is_known and now >= keyset.fetched_at + AGAIN_SECONDS)

    async def _fetched(self, keyset: _Keyset, url: str, reach: Reach, asker: str) -> None:
        """Callers wait for the fetch that is under way. One who is cancelled does not stop it for the others."""
        if keyset.fetching is None:
            keyset.fetching = asyncio.create_task(self._fetch(keyset, url, reach, asker))
        await asyncio.shield(keyset.fetching)

    async def _fetch(self, keyset: _Keyset, url: str, reach: Reach, asker: str) -> None:
        try:
            fetched = await self._fetcher.get(url, reach=reach, accept=ACCEPT, asker=asker)
            keys = usable(fetched.body, self._accepted)
        except AllBusy as fault:  # it is the fault of others, so this URL is asked again without any rest
            keyset.fault = fault
            self._count("busy")
        except CannotFetch as fault:
            self._count("failed")
            keyset.failures, keyset.failed_at, keyset.fault = keyset.failures + 1, self._clock(), fault
        else:
            keyset.keys, keyset.fetched_at, keyset.fresh_until = keys, self._clock(), fetched.fresh_until
            keyset.failures, keyset.fault = 0, None
            self._count("fetched")
            self._make_room()
        finally:
            keyset.fetching = None


def usable(body: bytes, accepted: Accepted = OF_CLIENTS) -> list[PublicKey]:
    """Return the keys of a JWK Set that verify signatures. Others may be in it, too (RFC 7517 section 5). Raises CannotFetch."""
    try:
        given: Any = strict_object(body).get("keys")
    except NotAnObject as fault:
        raise CannotFetch(f"{NO_KEYSET}: it {fault}") from fault
    if not isinstance(given, list):
        raise CannotFetch(NO_KEYSET)
    found: list[PublicKey] = []
    for jwk in cast("list[object]", given)[:MOST_KEYS]:
        if isinstance(jwk, dict):
            found += _parsed(cast("Mapping[str, object]", jwk), accepted)
    return found


def _parsed(jwk: Mapping[str, object], accepted: Accepted) -> list[PublicKey]:
    try:
        return [parse(jwk, accepted)]
    except UnusableKey:
        return []

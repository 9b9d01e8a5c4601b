"""Secrets that were imported from another server as slow hashes. Once proved, a secret is stored as SHA-256, like all others. A short
secret could be guessed from that, and the log is permanent, so it keeps its slow hash, and each process proves it once for itself.

Guessing strangers could make this server compute slow hashes. So one thread computes them, few callers may wait for it, and
attempts are counted for each address and for each client before anything is computed. Timing reveals that a client has such a
hash. That is acceptable, because a client_id is not a secret (RFC 6749 section 2.2).
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from uuid import UUID

from events.client_secret import StoredSecret
from events.database import Overloaded
from events.envelope import ByService
from service.clock import utc_now
from service.commands.handle import CLIENT, Ledger, handle
from service.commands.secret import RehashSecret
from service.crypto.credentials import Secret, SecretHash, hash_secret, hint_of, proven
from service.crypto.foreign_hash import matches
from service.limits import Counted, Limits
from service.lookup import Lookup, Seen
from service.oauth.errors import TooManyFailures
from service.people.throttle import network
from service.request_id import envelope

ADDRESS_LIMIT = 10
"""Wrong secrets from one address (IPv6: one /64 network) in a minute, for all clients whose secret is not proved yet."""

CLIENT_LIMIT = 30
"""Wrong secrets for one such client in a minute, from all addresses."""

MOST_WAITING = 32
_imported = attrgetter("imported")

LONG_ENOUGH = 16
"""The minimum length of a secret whose fast hash may be stored and whose last four characters may be shown."""


class ImportedSecrets:
    """One per process."""

    def __init__(self, ledger: Ledger, lookup: Lookup, limits: Limits) -> None:
        self._ledger, self._lookup, self._limits = ledger, lookup, limits
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="imported")
        self._one_at_a_time = asyncio.Lock()
        self._asked = 0
        self._short: dict[UUID, SecretHash] = {}

    def known(self, seen: Seen) -> Seen:
        """Return the client with the SHA-256 of its short secrets that this process has proved."""
        if not self._short or self._short.keys().isdisjoint(secret.secret_id for secret in seen.client.secrets):
            return seen
        secrets = [s.__replace__(hash=self._short.get(s.secret_id, s.hash)) for s in seen.client.secrets]
        return seen.__replace__(client=seen.client.__replace__(secrets=secrets))

    async def settle(self, seen: Seen, text: str, address: str) -> Seen | None:
        """Return the client after this text was tried against its imported secrets. A long enough secret is then stored as SHA-256.

        Raises TooManyFailures, or Overloaded if too many callers are waiting.
        """
        if not _unproved(seen, text):
            return seen
        if self._asked >= MOST_WAITING:
            raise Overloaded("imported_secrets")
        self._asked += 1
        try:
            async with self._one_at_a_time:
                now = await self._client(seen.client.stream_id)
                left = _unproved(now, text) if now else []
                # Several processes of one client may authenticate at once when they start: the first one proves the secret for all.
                if now and left and await self._prove(now.client.stream_id, left, text, address):
                    return await self._client(now.client.stream_id)
                return now
        finally:
            self._asked -= 1

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _prove(self, stream: UUID, left: list[StoredSecret], text: str, address: str) -> bool:
        counts = [
            await self._count(f"imported from {network(address)}", ADDRESS_LIMIT),
            await self._count(f"imported to {stream}", CLIENT_LIMIT),
        ]
        loop = asyncio.get_running_loop()
        for secret in left:
            if not await loop.run_in_executor(self._executor, matches, str(secret.imported), text):
                continue
            if len(text) < LONG_ENOUGH:
                self._short[secret.secret_id] = hash_secret(text)
            else:
                await self._rehash(stream, secret.secret_id, text, address)
            for key, counted in counts:
                await self._limits.give_back(key, counted)
            return True
        return False

    async def _client(self, stream: UUID) -> Seen | None:
        seen = await self._lookup.client(stream)
        return None if seen is None else self.known(seen)

    async def _rehash(self, stream: UUID, secret: UUID, text: str, address: str) -> None:
        command = RehashSecret(secret_id=secret, hash=hash_secret(text), hint=hint_of(Secret(text)))
        meta = envelope(ByService(why="an imported secret was proved"), address=address)
        handled = await handle(self._ledger, CLIENT, stream, command, meta)
        await self._lookup.reach(handled.position or 0)

    async def _count(self, key: str, limit: int) -> tuple[str, Counted]:
        counted = await self._limits.count(key)
        if counted.used > limit:
            raise TooManyFailures(counted.seconds)
        return key, counted


def has_imported(seen: Seen) -> bool:
    """Whether the client has a secret that may have to be proved by its slow hash."""
    return any(map(_imported, seen.client.secrets))


def _unproved(seen: Seen, text: str) -> list[StoredSecret]:
    """Return the live imported secrets that the text may be, unless it is a secret whose SHA-256 is known."""
    now = utc_now()
    if not seen.may_act or proven(text, seen.client.secrets, now):
        return []
    return [s for s in seen.client.secrets if s.imported and (s.expires_at is None or now < s.expires_at)]

"""Rotation of signing keys. For each algorithm, one key signs, and a next one is already published in the JWKS."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from events import locks
from events.database import connected, read
from events.envelope import Meta
from projections import signing_keys
from service.clock import utc_now
from service.commands.handle import SIGNING_KEY, Ledger, handle
from service.commands.signing_key import ActivateKey, PublishKey, RetireKey
from service.crypto.credentials import new_id
from service.crypto.sealing import Seal
from service.oauth import keys
from service.oauth.signing import ALGORITHMS
from service.refusals import Contradiction
from service.vault import private_keys

ONE_AT_A_TIME = locks.in_session(locks.KEYS)


@asynccontextmanager
async def alone(url: str) -> AsyncGenerator[None]:
    """Admit one process at a time, on any host, because the functions below read first and then write."""
    async with connected(url) as connection:
        await connection.execute(ONE_AT_A_TIME)
        yield


async def rotate(url: str, ledger: Ledger, seal: Seal, meta: Meta, *, active: str | None = None) -> dict[str, str]:
    """Activate the next keys, retire the present ones, and publish new next ones.

    Returns the kid of the active key by algorithm. With `active`, the kid of a key that signs, a repetition changes nothing: it
    raises Contradiction, because that key signs no more.
    """
    async with alone(url):
        # Wrapped by another master key than the others, the new key would be found useless at its turn, not now.
        await read(ledger.pool, lambda connection: private_keys.check(connection, seal))
        if active is not None:
            _check_active(await read(ledger.pool, signing_keys.every), active)
        await prepare(ledger, seal, meta)
        rows = await read(ledger.pool, signing_keys.every)
        following = {alg: _published(rows, alg)[0] for alg in ALGORITHMS}
        now = utc_now()
        for row in following.values():
            await handle(ledger, SIGNING_KEY, row.stream_id, ActivateKey(at=now), meta)
        for row in rows:
            if row.state == "active":
                await handle(ledger, SIGNING_KEY, row.stream_id, RetireKey(at=now), meta)
        for alg in ALGORITHMS:
            await _publish(ledger, seal, meta, now, alg)
        return {alg: row.kid for alg, row in following.items()}


async def prepare(ledger: Ledger, seal: Seal, meta: Meta) -> None:
    """Ensure that each algorithm has an active key and a published next one. Call it inside `alone`."""
    rows = await read(ledger.pool, signing_keys.every)
    now = utc_now()
    for alg in ALGORITHMS:
        published = [row.stream_id for row in _published(rows, alg)]
        if signing_keys.active(rows, alg) is None:
            first = published.pop(0) if published else await _publish(ledger, seal, meta, now, alg)
            await handle(ledger, SIGNING_KEY, first, ActivateKey(at=now), meta)
        if not published:
            await _publish(ledger, seal, meta, now, alg)


def _check_active(rows: list[signing_keys.Row], kid: str) -> None:
    if kid not in [row.kid for row in rows if row.state == "active"]:
        raise Contradiction(f"The key {kid} does not sign now. Read the keys again: somebody may have rotated them.")


def _published(rows: list[signing_keys.Row], alg: str) -> list[signing_keys.Row]:
    return [row for row in rows if row.state == "published" and row.alg == alg]


async def _publish(ledger: Ledger, seal: Seal, meta: Meta, now: datetime, alg: str) -> UUID:
    """Create a key and publish it. Its private part is in the vault before its public part is in the log."""
    stream = new_id()
    key = await asyncio.to_thread(keys.generate, seal, stream, alg)
    await read(ledger.pool, lambda connection: private_keys.keep(connection, stream, key.wrapped))
    command = PublishKey(kid=key.kid, alg=alg, public_jwk=key.public_jwk, at=now)
    await handle(ledger, SIGNING_KEY, stream, command, meta, fresh=True)
    return stream

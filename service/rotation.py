"""Signing keys over time. There is always one that signs and a next one that resource servers have in their JWKS already."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from events.database import connect, read
from events.envelope import Meta
from projections import signing_keys
from service.commands.handle import SIGNING_KEY, Ledger, handle
from service.commands.signing_key import ActivateKey, PublishKey, RetireKey
from service.credentials import new_id
from service.oauth import keys
from service.oauth.server import utc_now
from service.sealing import Seal

ONE_AT_A_TIME = "select pg_advisory_lock(4704)"


@asynccontextmanager
async def alone(url: str) -> AsyncGenerator[None]:
    """One process at a time, on any host: what follows looks first and then acts."""
    connection = await connect(url)
    try:
        await connection.execute(ONE_AT_A_TIME)
        yield
    finally:
        await connection.close()


async def rotate(url: str, ledger: Ledger, seal: Seal, meta: Meta) -> str:
    """The next key signs from now on, the present one retires, and a new next one is published. Returns the kid that signs now."""
    async with alone(url):
        await prepare(ledger, seal, meta)
        rows = await read(ledger.pool, signing_keys.every)
        following = next(row for row in rows if row.state == "published")
        now = utc_now()
        await handle(ledger, SIGNING_KEY, following.stream_id, ActivateKey(at=now), meta)
        for row in rows:
            if row.state == "active":
                await handle(ledger, SIGNING_KEY, row.stream_id, RetireKey(at=now), meta)
        await _publish(ledger, seal, meta, now)
        return following.kid


async def prepare(ledger: Ledger, seal: Seal, meta: Meta) -> None:
    """Sees to it that a key signs and a next one is published. Call it inside `alone`."""
    rows = await read(ledger.pool, signing_keys.every)
    now = utc_now()
    published = [row.stream_id for row in rows if row.state == "published"]
    if signing_keys.active(rows) is None:
        first = published.pop(0) if published else await _publish(ledger, seal, meta, now)
        await handle(ledger, SIGNING_KEY, first, ActivateKey(at=now), meta)
    if not published:
        await _publish(ledger, seal, meta, now)


async def _publish(ledger: Ledger, seal: Seal, meta: Meta, now: datetime) -> UUID:
    """Its private part is in the vault before its public part is in the log."""
    stream = new_id()
    key = keys.generate(seal, stream)
    await read(ledger.pool, lambda connection: keys.keep(connection, stream, key.wrapped))
    await handle(
        ledger,
        SIGNING_KEY,
        stream,
        PublishKey(kid=key.kid, alg=keys.ALGORITHM, public_jwk=key.public_jwk, at=now),
        meta,
        fresh=True,
    )
    return stream

"""Rotation of signing keys. For each algorithm, one key signs, and a next one is already published in the JWKS."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
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

A_MICROSECOND = timedelta(microseconds=1)
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
    raises Contradiction, because that key signs no more. What a rotation left undone, because its process died, the next one finishes
    first; if it is a repetition, or says no kid, that is all it does.
    """
    async with alone(url):
        # Wrapped by another master key than the others, the new key would be found useless at its turn, not now.
        await read(ledger.pool, lambda connection: private_keys.check(connection, seal))
        rows = await read(ledger.pool, signing_keys.every)
        begun = _begun(rows)
        if active is not None:
            _check_active(rows, active, begun)
        if begun is not None:
            kids = await _replace(ledger, meta, begun)
            await prepare(ledger, seal, meta)
            if active not in kids.values():
                return kids
        await prepare(ledger, seal, meta, following=2)
        return await _replace(ledger, meta, _now(await read(ledger.pool, signing_keys.every)))


async def prepare(ledger: Ledger, seal: Seal, meta: Meta, *, following: int = 1) -> None:
    """Ensure that each algorithm has an active key and published next ones. Call it inside `alone`."""
    rows = await read(ledger.pool, signing_keys.every)
    now = utc_now()
    for alg in ALGORITHMS:
        published = [row.stream_id for row in _published(rows, alg)]
        if signing_keys.active(rows, alg) is None:
            first = published.pop(0) if published else await _publish(ledger, seal, meta, now, alg)
            await handle(ledger, SIGNING_KEY, first, ActivateKey(at=now), meta)
        for _ in range(following - len(published)):
            await _publish(ledger, seal, meta, now, alg)


async def _replace(ledger: Ledger, meta: Meta, begun: datetime) -> dict[str, str]:
    """Activate the next key of each algorithm that got none since `begun`, then retire all that were active before.

    The first algorithm gets its next key first and keeps its former one longest: while it has both, the rotation is not finished.
    """
    rows, now = await read(ledger.pool, signing_keys.every), max(utc_now(), begun)
    for alg in ALGORITHMS:
        if not _is_new(signing_keys.active(rows, alg), begun):
            await handle(ledger, SIGNING_KEY, _published(rows, alg)[0].stream_id, ActivateKey(at=now), meta)
    rows = await read(ledger.pool, signing_keys.every)
    signing = {alg: signing_keys.active(rows, alg) for alg in ALGORITHMS}
    for alg in reversed(ALGORITHMS):
        for row in rows:
            if row.alg == alg and row.state == "active" and row != signing[alg]:
                await handle(ledger, SIGNING_KEY, row.stream_id, RetireKey(at=now), meta)
    return {alg: row.kid for alg, row in signing.items() if row is not None}


def _now(rows: list[signing_keys.Row]) -> datetime:
    """Return a time after every activation, also if this host's clock is behind: the key that was activated last is the one that signs."""
    return max((utc_now(), *(row.activated_at + A_MICROSECOND for row in rows if row.activated_at is not None)))


def _begun(rows: list[signing_keys.Row]) -> datetime | None:
    """Return when a rotation began that is not finished; None if there is none."""
    alg = ALGORITHMS[0]
    former = [row for row in rows if row.alg == alg and row.state == "active"]
    newest = signing_keys.active(rows, alg)
    return newest.activated_at if newest is not None and len(former) > 1 else None


def _is_new(row: signing_keys.Row | None, begun: datetime) -> bool:
    return row is not None and row.activated_at is not None and row.activated_at >= begun


def _check_active(rows: list[signing_keys.Row], kid: str, begun: datetime | None) -> None:
    """A key that an unfinished rotation has retired counts, so that the same request finishes it. Raises Contradiction."""
    signing = [row.kid for row in rows if row.state == "active"]
    retired = [row.kid for row in rows if begun is not None and row.retired_at is not None and row.retired_at >= begun]
    if kid not in (*signing, *retired):
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

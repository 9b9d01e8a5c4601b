"""Each user's data key, and the names that find a user. They are kept outside the log so that they can be erased.

The key that hashes names is random and wrapped by the master key, so a new master key changes no name.
"""

import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

import asyncpg

from events.database import AnyConnection, Connection, Pool, read
from service.crypto.base64url import as_text
from service.crypto.sealing import CannotOpen, Seal
from service.refusals import Contradiction, DoesNotExist
from service.values.email_address import normalised
from service.vault import passkeys
from service.vault.data_keys import KEY_BYTES, bound, name_of, personal
from service.vault.private_keys import WrongMasterKey
from service.vault.recent import Recent

NAMES = "names"
LOCK_PATIENCE = "500ms"
"""The longest time that a sign-in waits for a table to be rewritten. After that, the rewrite is left for later."""

A_DAY_MS = 24 * 3600 * 1000

ADD = "insert into vault.people (user_id, wrapped) values ($1, $2) on conflict do nothing"
ADD_NAMES = """
insert into vault.names (name, user_id) select name, $2 from unnest($1::bytea[]) as name order by name on conflict do nothing
"""
TAKEN = "select exists (select from vault.names where name = any($1::bytea[]) and user_id <> $2)"
FIND = "select user_id from vault.names where name = $1"
WRAPPED_OF = "select wrapped from vault.people where user_id = $1"
WRAPPED = "select user_id, wrapped from vault.people where user_id = any($1::uuid[])"
ADD_KEY = "insert into vault.keys (purpose, wrapped) values ($1, $2) on conflict do nothing"
KEY = "select wrapped from vault.keys where purpose = $1"
REMOVE = """
with gone as (delete from vault.people where user_id = $1 returning user_id)
insert into vault.removed (user_id) select user_id from gone on conflict do nothing
"""
_FAILED = """
p.created_at < clock_timestamp() - interval '1 minute' and not exists (select from log.events e where e.stream_id = p.user_id)
"""
REMOVE_FAILED = f"delete from vault.people p where p.user_id > $1 and {_FAILED}"
REMOVE_FAILED_OF = f"""
delete from vault.people p using vault.names n where n.name = any($1::bytea[]) and p.user_id = n.user_id and {_FAILED}
"""
ERASED = "select p.user_id from read.users u join vault.people p on p.user_id = u.stream_id where u.state = 'erased'"
REMOVED = "select user_id from vault.removed"
WRITE_ANEW = "vacuum (full) vault.people, vault.names, vault.passkeys"
# Rewriting a table leaves out the rows that every snapshot sees as deleted, and freezes up to the same transaction. A transaction id
# in the future is from the database that this one was restored from; a restored table has no deleted rows.
FORGET_REMOVED = """
delete from vault.removed r where r.user_id = any($1::uuid[]) and (age(r.by) < 0 or age(r.by) >
  (select max(age(relfrozenxid)) from pg_class where oid = any('{vault.people,vault.names,vault.passkeys}'::regclass[])))
"""
END_OF_THE_LOG = ("select pg_switch_wal()", "checkpoint")
"""The write-ahead log has the removed key until its segment is recycled, which the checkpoint allows."""

EVERYBODY = "select user_id, wrapped from vault.people"
EVERY_KEY = "select purpose, wrapped from vault.keys"
REWRAP = "update vault.people set wrapped = $2 where user_id = $1"
REWRAP_KEY = "update vault.keys set wrapped = $2 where purpose = $1"


class NameTaken(Contradiction):
    """A user is registered with this e-mail address, or with this subject of the upstream provider."""

    def __init__(self) -> None:
        super().__init__("There is a user with this e-mail address already.")


class Vault:
    """The users' data keys, wrapped by the master key. One per process."""

    def __init__(self, pool: Pool, master_key: bytes) -> None:
        self._pool = pool
        self._seal = wrapping(master_key)
        self._recent = Recent[tuple[UUID, bytes], Seal](self._made)
        self._name_key: bytes | None = None

    async def email(self, address: str) -> bytes:
        """Return the name (hash) of this e-mail address, in any spelling."""
        return await self._name("email", normalised(address))

    async def upstream(self, issuer: str, subject: str) -> bytes:
        """Return the name (hash) of this subject of an upstream OpenID Provider."""
        return await self._name("upstream", issuer, subject)

    async def add(self, user: UUID, names: Sequence[bytes]) -> tuple[Seal, tuple[str, ...]]:
        """Add a data key for a new user who is found by these names. Returns its seal, and the names as the log keeps them.

        Raises NameTaken if one of them belongs to another user.
        """
        key = secrets.token_bytes(KEY_BYTES)
        wrapped = self._seal.close(key, user.bytes)
        await read(self._pool, lambda connection: self._add(connection, user, wrapped, names))
        return personal(key), bound(key, names)

    async def find(self, name: bytes) -> UUID | None:
        return await read(self._pool, lambda connection: connection.fetchval(FIND, name))

    async def add_passkey(self, user: UUID, factor: UUID, credential: bytes) -> str:
        """Assign the passkey to this factor of the user. Returns its name as the log keeps it.

        Raises PasskeyTaken, and DoesNotExist if the user's data key is destroyed.
        """
        name = await self._name("passkey", as_text(credential))
        wrapped = await read(self._pool, lambda connection: connection.fetchval(WRAPPED_OF, user))
        if wrapped is None:
            raise DoesNotExist("There is no user with this id.")
        await read(self._pool, lambda connection: passkeys.add(connection, name, user, factor))
        return bound(unwrapped(self._seal, wrapped, user.bytes), [name])[0]

    async def key(self, user: UUID) -> Seal | None:
        """Return the seal of the user's personal data in the log, or None if the key is destroyed. Raises WrongMasterKey."""
        return (await self.keys([user])).get(user)

    async def keys(self, users: Sequence[UUID]) -> dict[UUID, Seal]:
        if not users:
            return {}
        rows = await read(self._pool, lambda connection: connection.fetch(WRAPPED, users))
        return {user: self.seal_of(user, wrapped) for user, wrapped in rows}

    def seal_of(self, user: UUID, wrapped: bytes) -> Seal:
        """Return the seal of a data key as it is stored. Raises WrongMasterKey."""
        return self._recent.find((user, wrapped))

    def _made(self, stored: tuple[UUID, bytes]) -> Seal:
        user, wrapped = stored
        return personal(unwrapped(self._seal, wrapped, user.bytes))

    def forget(self) -> None:
        """Forget the keys that were unwrapped. Is called every minute."""
        self._recent.forget()

    async def remove(self, user: UUID) -> None:
        """Delete the data key. `scrub` then removes it from the table's file."""
        await read(self._pool, lambda connection: connection.execute(REMOVE, user))

    async def remove_failed(self, names: Sequence[bytes]) -> None:
        """Remove what a failed registration with these names left, if it is at least a minute old."""
        await read(self._pool, lambda connection: connection.execute(REMOVE_FAILED_OF, names))

    async def finish(self) -> None:
        """Finish the removals that a killed process left undone."""
        await read(self._pool, lambda connection: connection.execute(REMOVE_FAILED, _a_day_ago()))
        for row in await read(self._pool, lambda connection: connection.fetch(ERASED)):
            await self.remove(row[0])

    async def scrub(self) -> bool:
        """Rewrite the tables' files without the removed rows. Returns whether the files now contain no removed row.

        It gives up if other transactions use the tables for longer than LOCK_PATIENCE, and keeps what an older snapshot may still see.
        """
        removed = [row[0] for row in await read(self._pool, lambda connection: connection.fetch(REMOVED))]
        if not removed:
            return True
        async with self._pool.acquire() as connection:
            if not await _written_anew(connection):
                return False
            await connection.execute(FORGET_REMOVED, removed)
            left = await connection.fetch(REMOVED)
            with suppress(
                asyncpg.InsufficientPrivilegeError
            ):  # an external database has an administrator who handles its write-ahead log
                for statement in END_OF_THE_LOG:
                    await connection.execute(statement)
            return not left

    async def _add(self, connection: AnyConnection, user: UUID, wrapped: bytes, names: Sequence[bytes]) -> None:
        """Safe to repeat after a commit with an unknown outcome. Raises NameTaken, and WrongMasterKey.

        WrongMasterKey is raised as soon as another master key has wrapped the vault, so a process with the former key adds nothing.
        """
        async with connection.transaction():
            unwrapped(self._seal, await connection.fetchval(f"{KEY} for share", NAMES), NAMES.encode())
            await connection.execute(ADD, user, wrapped)
            await connection.execute(ADD_NAMES, names, user)
            if await connection.fetchval(TAKEN, names, user):
                raise NameTaken

    async def _name(self, *parts: str) -> bytes:
        if self._name_key is None:
            self._name_key = await read(self._pool, lambda connection: own_key(connection, self._seal, NAMES))
        return name_of(self._name_key, *parts)


def wrapping(master_key: bytes) -> Seal:
    return Seal(master_key, "muniment data keys of people")


async def own_key(connection: AnyConnection, seal: Seal, purpose: str) -> bytes:
    """Return the service's own key (32 bytes) for this purpose, which the first use makes. Raises WrongMasterKey."""
    about = purpose.encode()
    wrapped = await connection.fetchval(KEY, purpose)
    if wrapped is None:
        await check(connection, seal)  # a process with a former master key must add nothing
        await connection.execute(ADD_KEY, purpose, seal.close(secrets.token_bytes(KEY_BYTES), about))
        wrapped = await connection.fetchval(KEY, purpose)
    return unwrapped(seal, wrapped, about)


async def check(connection: AnyConnection, seal: Seal) -> None:
    """Raises WrongMasterKey if the seal does not open the keys. One user's key is enough, because `rewrap` changes all or none."""
    for purpose, wrapped in await connection.fetch(EVERY_KEY):
        unwrapped(seal, wrapped, purpose.encode())
    for user, wrapped in await connection.fetch(f"{EVERYBODY} limit 1"):
        unwrapped(seal, wrapped, user.bytes)


async def rewrap(connection: Connection, old: Seal, new: Seal) -> int:
    """Wrap every key with the new master key, all of them or none. Returns their number. Raises WrongMasterKey."""
    async with connection.transaction():
        own = [
            (purpose, new.close(unwrapped(old, wrapped, purpose.encode()), purpose.encode()))
            for purpose, wrapped in await connection.fetch(f"{EVERY_KEY} for update")
        ]
        people = [
            (user, new.close(unwrapped(old, wrapped, user.bytes), user.bytes))
            for user, wrapped in await connection.fetch(f"{EVERYBODY} for update")
        ]
        await connection.executemany(REWRAP_KEY, own)
        await connection.executemany(REWRAP, people)
        return len(own) + len(people)


async def _written_anew(connection: AnyConnection) -> bool:
    await connection.execute(f"set lock_timeout = '{LOCK_PATIENCE}'")
    try:
        await connection.execute(WRITE_ANEW)
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        return False
    finally:
        await connection.execute("reset lock_timeout")
    return True


def unwrapped(seal: Seal, wrapped: bytes, about: bytes) -> bytes:
    try:
        return seal.open(wrapped, about)
    except CannotOpen as fault:
        raise WrongMasterKey(
            "MUNIMENT_MASTER_KEY is not the key that this database's data keys of people were wrapped with"
        ) from fault


def _a_day_ago() -> UUID:
    """Return the lowest id of one day ago. Ids are UUIDv7 (RFC 9562 section 5.7), so their order is the order of time."""
    return UUID(int=max(0, int(time.time() * 1000) - A_DAY_MS) << 80)

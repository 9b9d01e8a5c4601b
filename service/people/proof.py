"""Verifies the vault against the log: every user has their own data key, and is found by their own names only.

With the master key, this proves every key and name. Without it, it proves that their numbers are those of the log.
"""

from uuid import UUID

import asyncpg
from msgspec import Struct, json

from events.codec import decode
from events.database import Connection
from events.relations import fault_of
from events.user import UserFactorAdded, UserFactorRemoved, UserRegistered
from events.verify import Fault
from service.crypto.sealing import CannotOpen, Seal
from service.people.accounts import PROFILE, Profile
from service.values.email_address import normalised
from service.vault.data_keys import bound, name_of, personal
from service.vault.personal_data import KEY, NAMES, unwrapped, wrapping
from service.vault.sealed_fields import about

VAULT = "vault"
TABLES = ("vault.people", "vault.names", "vault.passkeys", "vault.keys")
PEOPLE = """
select e.position, e.stream_id, e.schema_ver, e.data, p.wrapped,
       array(select n.name from vault.names n where n.user_id = e.stream_id) as names,
       array(select n.name from vault.passkeys n where n.user_id = e.stream_id) as passkeys,
       f.types, f.vers, f.datas
  from log.events e left join vault.people p on p.user_id = e.stream_id
  cross join lateral (
    select array_agg(f.type) as types, array_agg(f.schema_ver) as vers, array_agg(f.data) as datas from log.events f
     where f.stream_id = e.stream_id and f.type in ('user.factor_added', 'user.factor_removed')
  ) f
 where e.type = 'user.registered'
   and not exists (select from log.events x where x.stream_id = e.stream_id and x.type = 'user.erased')
 order by e.position
"""


class Proved(Struct, frozen=True, kw_only=True):
    """`unproved` counts the names, other than the e-mail address, of users who were registered before the log kept names."""

    people: int
    unproved: int
    with_key: bool


class Keys(Struct, frozen=True):
    """The seal that opens each user's data key, and the key with which names are hashed."""

    seal: Seal
    names: bytes


async def verify(connection: Connection, master_key: bytes | None) -> Proved:
    """Raises Fault, and WrongMasterKey.

    Call it inside the repeatable-read transaction in which the event log was verified. The vault has nothing of erased users, or will
    soon have nothing. A user who is only in the vault is being registered.
    """
    for table in TABLES:
        if what := await fault_of(connection, table):
            raise Fault(VAULT, 0, what)
    keys = None if master_key is None else await _keys(connection, master_key)
    people = unproved = 0
    async for row in connection.cursor(PEOPLE):
        people += 1
        event = decode("user.registered", row["schema_ver"], row["data"])
        assert isinstance(event, UserRegistered)
        if row["wrapped"] is None:
            raise _fault(row, "has no data key and was not erased: their personal data in the log cannot be read")
        unproved += _counted(row, event) if keys is None else _checked(row, event, keys)
    return Proved(people=people, unproved=unproved, with_key=keys is not None or people == 0)


async def _keys(connection: Connection, master_key: bytes) -> Keys | None:
    """Return None if there are no users yet."""
    seal = wrapping(master_key)
    wrapped = await connection.fetchval(KEY, NAMES)
    return None if wrapped is None else Keys(seal, unwrapped(seal, wrapped, NAMES.encode()))


def _counted(row: asyncpg.Record, event: UserRegistered) -> int:
    if len(row["passkeys"]) < len(_passkeys(row)):
        raise _fault(row, "has a passkey that the vault does not know")
    if event.names is not None and len(row["names"]) != len(event.names):
        raise _fault(row, f"is found by {len(row['names'])} names, and was registered with {len(event.names)}")
    return len(row["names"]) if event.names is None else 0


def _checked(row: asyncpg.Record, event: UserRegistered, keys: Keys) -> int:
    user: UUID = row["stream_id"]
    try:
        key = keys.seal.open(row["wrapped"], user.bytes)
        profile = personal(key).open_text(event.profile, about(user, PROFILE))
    except CannotOpen as fault:
        raise _fault(row, "has a data key that is not theirs") from fault
    if not _passkeys(row) <= set(bound(key, row["passkeys"])):
        raise _fault(row, "has a passkey that the vault does not know, or that it assigns to another account")
    if event.names is None:
        address = json.decode(profile, type=Profile).email
        return _found_by_address(row, name_of(keys.names, "email", normalised(address or "")))
    if bound(key, row["names"]) != event.names:
        raise _fault(
            row, "is found by other names than they were registered with: an address was given to another account"
        )
    return 0


def _passkeys(row: asyncpg.Record) -> set[str]:
    """Return the names of the user's passkeys as the log keeps them. The vault may have more: of passkeys being added or removed."""
    recorded = zip(row["types"] or (), row["vers"] or (), row["datas"] or (), strict=True)
    happened = [decode(type_, version, data) for type_, version, data in recorded]
    removed = {event.factor_id for event in happened if isinstance(event, UserFactorRemoved)}
    added = (event for event in happened if isinstance(event, UserFactorAdded))
    return {event.name for event in added if event.name is not None and event.factor.factor_id not in removed}


def _found_by_address(row: asyncpg.Record, name: bytes) -> int:
    if name not in row["names"]:
        raise _fault(row, "is not found by their own e-mail address: it was given to another account")
    return len(row["names"]) - 1


def _fault(row: asyncpg.Record, what: str) -> Fault:
    return Fault(VAULT, row["position"], f"the user {row['stream_id']} {what}")

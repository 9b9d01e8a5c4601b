"""Proving that the vault belongs to the log: everybody has their own data key, and is found by their own names and by no other.

With the master key every key and name is proved; without it, that there are as many as the log says.
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
from service.people.accounts import PROFILE, Profile, about
from service.vault.data_keys import bound, name_of, personal
from service.vault.personal_data import KEY, NAMES, normalised, unwrapped, wrapping

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
    """`unproved` are names of people who were registered before the log kept names, beside that of their e-mail address."""

    people: int
    unproved: int
    with_key: bool


class Keys(Struct, frozen=True):
    """What the master key opens: each person's data key, and the key that names are hashed with."""

    seal: Seal
    names: bytes


async def verify(connection: Connection, master_key: bytes | None) -> Proved:
    """Raises Fault, and WrongMasterKey.

    Call it inside the repeatable-read transaction in which the event log was proved. People who were erased have nothing in the
    vault, or will have nothing soon; who is only in the vault is being registered.
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
            raise _fault(row, "has no data key, and was not erased: what the log has of them can be read by nobody")
        unproved += _counted(row, event) if keys is None else _checked(row, event, keys)
    return Proved(people=people, unproved=unproved, with_key=keys is not None or people == 0)


async def _keys(connection: Connection, master_key: bytes) -> Keys | None:
    """None before there is anybody."""
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
        raise _fault(row, "has a passkey that the vault does not know, or gives to another account")
    if event.names is None:
        address = json.decode(profile, type=Profile).email
        return _found_by_address(row, name_of(keys.names, "email", normalised(address or "")))
    if bound(key, row["names"]) != event.names:
        raise _fault(
            row, "is found by other names than they were registered with: an address was given to another account"
        )
    return 0


def _passkeys(row: asyncpg.Record) -> set[str]:
    """The names of those that they have, as the log keeps them. The vault may have more: of passkeys being added, and removed."""
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

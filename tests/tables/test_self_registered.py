"""Clients that registered themselves and are not in use: only these are found, and they are deleted by events that say why."""

from uuid import UUID

from events.client import ClientDisabled, ClientEvent, ClientLoginChanged, Login
from events.database import Connection, pool
from events.ids import client_id_of
from events.log import Append, Log
from projections import last_used, self_registered, unused
from projections.engine import follow
from projections.engine.checkpoints import install
from service.commands.handle import CLIENT, Ledger
from service.crypto.credentials import new_id
from service.reactions import unused_clients
from tests.rules.samples import DOCUMENT_REGISTERED, DOCUMENT_SEEN, PUBLIC_REGISTERED, REGISTERED_ITSELF, REGISTRATION
from tests.tables.items import meta

OPEN = REGISTERED_ITSELF.__replace__(registration=REGISTRATION.__replace__(initial_access_token=None))
FIRST_PARTY = ClientLoginChanged(login=Login(first_party=True), was=Login())


async def made(log: Log, *events: ClientEvent) -> UUID:
    stream = new_id()
    change = CLIENT.table.change(stream, events)
    await log.append(Append(stream=stream, expected=0, events=list(events), meta=meta(), changes=(change,)))
    return stream


async def found(reader: Connection, *, days: int = 0, only_never: bool = False) -> set[UUID]:
    rows = await self_registered.unused(reader, days=days, most=100, only_never=only_never)
    return {row.stream_id for row in rows}


async def granted(connection: Connection, client: UUID, refresh: str, state: str = "active") -> None:
    await connection.execute(
        "insert into read.authorizations (stream_id, client, user_id, session_id, scopes, state, granted_at, refresh_until, version, restored)"
        " values (gen_random_uuid(), $1, gen_random_uuid(), gen_random_uuid(), '{openid}', $2, now() - interval '40 days',"
        f" now() + interval '{refresh}', 1, 0)",
        client,
        state,
    )


async def test_only_what_registered_itself_and_is_not_in_use_is_found(log: Log, reader: Connection):
    await install(reader, last_used.PROJECTION)
    by_token, by_anybody = await made(log, REGISTERED_ITSELF), await made(log, OPEN)
    await made(log, PUBLIC_REGISTERED)
    await made(log, OPEN, ClientDisabled(by="operator"))
    await made(log, OPEN, FIRST_PARTY)
    assert await found(reader) == {by_token, by_anybody}
    assert await found(reader, only_never=True) == {by_anybody}
    assert await found(reader, days=1) == set(), "they are new"
    assert await self_registered.never_used(reader, "registration", 100) == 3
    assert await self_registered.never_used(reader, "registration", 2) == 2


async def test_a_client_that_got_a_token_lately_is_in_use(log: Log, reader: Connection, superuser: Connection):
    await install(reader, last_used.PROJECTION)
    lately, long_ago = await made(log, OPEN), await made(log, REGISTERED_ITSELF)
    for client, since in ((lately, "-1 minute"), (long_ago, "40 days")):
        statement = f"insert into read.last_used values ('client', $1, now() - interval '{since}', 1)"
        await superuser.execute(statement, client_id_of(client))
    assert await found(reader) == {long_ago}
    assert await found(reader, only_never=True) == set()
    assert await self_registered.never_used(reader, "registration", 100) == 0


async def test_documents_and_registrations_are_counted_apart(log: Log, reader: Connection):
    await install(reader, last_used.PROJECTION)
    await made(log, OPEN)
    for _ in range(2):
        await made(log, DOCUMENT_REGISTERED, DOCUMENT_SEEN)
    assert await self_registered.never_used(reader, "registration", 100) == 1
    assert await self_registered.never_used(reader, "document", 100) == 2


async def test_a_live_authorization_keeps_a_client(log: Log, reader: Connection, superuser: Connection):
    await install(reader, last_used.PROJECTION)
    live, over, revoked = [await made(log, OPEN) for _ in range(3)]
    await granted(superuser, live, "1 day")
    await granted(superuser, over, "-1 day")
    await granted(superuser, revoked, "1 day", "revoked")
    assert await found(reader) == {over, revoked}


async def test_deletions_say_why_and_wait_for_the_projections_that_say_what_is_used(
    database: str, log: Log, reader: Connection
):
    stream = await made(log, OPEN)
    async with pool(database) as connections:
        ledger = Ledger(log, connections)
        assert await unused_clients.delete_unused(ledger, 0) == 0, "nothing has been followed yet"
        for projection in unused.MADE_OF:
            await install(reader, projection)
            while await follow.step(reader, projection):
                pass
        assert await unused_clients.delete_unused(ledger, 90) == 0
        assert await unused_clients.delete_unused(ledger, 0) == 1
        assert await unused_clients.delete_unused(ledger, 0) == 0
    row = await reader.fetchrow("select type, meta from log.events where stream_id = $1 and version = 2", stream)
    assert row is not None
    assert row["type"] == "client.deleted"
    assert b"not used for 0 days" in row["meta"]

"""The history of clients as a table: by position and by time, followed, verified and rebuilt like any other."""

import pytest

from events.client import ClientDeleted, ClientDisabled
from events.log import Append
from projections.client_history import PROJECTION
from projections.engine.election import Follower
from projections.engine.rebuild import rebuild
from service.crypto.credentials import new_id
from tests.conftest import fresh_database
from tests.rules.samples import REGISTERED
from tests.tables.conftest import appended
from tests.tables.items import meta, renamed
from tests.tables.test_projections import agreed, silent

AS_OF = """
select client->>'display_name', client->>'state' from read.client_history
 where stream_id = $1 and from_position <= $2 and (to_position is null or $2 < to_position)
"""
AT = """
select client->>'display_name' from read.client_history
 where stream_id = $1 and from_time <= $2 and (to_time is null or $2 < to_time)
"""


@pytest.fixture
async def database(postgres: str) -> str:
    """Of its own, for the engine creates a table in it."""
    return await fresh_database(postgres)


async def test_a_client_is_found_as_it_was_at_a_position_and_at_a_time(database, log, superuser):
    stream, other = new_id(), new_id()
    positions = []
    for version, event in enumerate((REGISTERED, renamed("second"), ClientDisabled(), ClientDeleted())):
        done = await appended(log, Append(stream=stream, expected=version, events=[event], meta=meta()))
        await appended(log, Append(stream=new_id(), expected=0, events=[REGISTERED], meta=meta()))
        positions.append(done.position)
    follower = Follower([PROJECTION], database)
    await follower.look()
    await follower.close()
    first = REGISTERED.display_name
    for position, then in (
        (positions[0] - 1, None),
        (positions[0], (first, "active")),
        (positions[1] - 1, (first, "active")),
        (positions[1], ("second", "active")),
        (positions[3] - 1, ("second", "disabled")),
        (positions[3], None),
        (positions[3] + 1, None),
    ):
        row = await superuser.fetchrow(AS_OF, stream, position)
        assert (None if row is None else tuple(row)) == then
    times = dict(await superuser.fetch("select position, recorded_at from log.events where stream_id = $1", stream))
    assert await superuser.fetchval(AT, stream, times[positions[1]]) == "second"
    assert await superuser.fetchval(AT, other, times[positions[1]]) is None
    assert "hash" not in str(await superuser.fetchval("select client->'secrets'->0->>'hash' from read.client_history"))
    await agreed(database, PROJECTION.id)
    await rebuild(database, PROJECTION.id, silent)
    await agreed(database, PROJECTION.id)

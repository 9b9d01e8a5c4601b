"""The connections that a process keeps for the parts of a rebuild that it makes: none is left open by nobody, and none is kept lost."""

from uuid import UUID

import asyncpg
import pytest

from events.database import connect
from projections.engine import by_part
from projections.engine.by_part import Part
from projections.engine.by_stream import ALL, Streams

PART = Part(projection="clients", table="x", schema="read", upto=1, streams=Streams(UUID(int=0), UUID(int=1)))


class Made:
    closed = False

    def terminate(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def none_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_part, "_connected", {})


async def test_a_part_whose_second_connection_cannot_be_made_leaves_no_first_one_open(monkeypatch: pytest.MonkeyPatch):
    made: list[Made] = []

    async def each_second_is_refused(_url: str) -> Made:
        if made and not made[-1].closed:
            raise asyncpg.TooManyConnectionsError("sorry, too many clients already")
        made.append(Made())
        return made[-1]

    monkeypatch.setattr(by_part, "connect", each_second_is_refused)
    for _ in range(2):
        assert await by_part._make("x", PART) is None
    assert [each.closed for each in made] == [True, True]


async def test_a_part_is_made_after_a_connection_was_lost(database: str):
    writer = await connect(database)
    await writer.execute("create table read.bots_rebuilt (like read.bots including all)")
    part = Part(projection="bots", table="bots_rebuilt", schema="read", upto=1, streams=ALL)
    assert await by_part._make(database, part) is not None
    for each in by_part._connected[database]:
        each.terminate()  # as a failover does, or an administrator
    assert await by_part._make(database, part) is None
    assert await by_part._make(database, part) is not None
    for each in by_part._connected[database]:
        await each.close()
    await writer.execute("drop table read.bots_rebuilt")
    await writer.close()

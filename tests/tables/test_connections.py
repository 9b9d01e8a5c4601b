"""Connections of the service: none is left open by whoever is done with it."""

import asyncio

import pytest

from events.database import Session, Unavailable
from tests.patience import until


async def test_a_session_that_is_closed_while_it_connects_leaves_no_connection(database: str, superuser):
    session = Session(database, application_name="closed early")
    connecting = asyncio.create_task(session.connection())
    await asyncio.sleep(0)
    await session.close()
    with pytest.raises(Unavailable, match="closed while it connected"):
        await connecting

    async def gone() -> bool:
        return not await superuser.fetchval(
            "select count(*) from pg_stat_activity where application_name = 'closed early'"
        )

    assert await until(gone)

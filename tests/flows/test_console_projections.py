"""The pages of projections in the console: how far each is, what stopped it where and why, and the command that puts it right."""

import asyncpg

from tests.flows.conftest import new_database, serving
from tests.flows.consoles import staff

STOPPED = """
update read.checkpoints set state = 'failed', failed_position = 1, error = 'ZeroDivisionError: <b>by a bug</b>' where name = 'audit_events'
"""
DIFFERS = """
insert into read.verifications (name, begun_at, verified_at, outcome, position, rows, digest, expected_digest, differing, error, seconds)
values ('clients', now(), now(), 'differs', 1, 1, 'aaaa', 'bbbb', array['row-1'], null, 0.5)
on conflict (name) do update set verified_at = now(), outcome = 'differs', digest = 'aaaa', expected_digest = 'bbbb',
  differing = array['row-1']
"""

BUILDING = """
insert into read.checkpoints (name, version, position, chain, state)
select 'last_used_v99', 99, 0, chain, 'active' from read.checkpoints where name = 'last_used'
"""


async def test_what_stopped_a_projection_is_shown_with_the_command_that_puts_it_right(postgres: str):
    async with (
        serving(await new_database(postgres), verification_hours=0) as live,
        staff(live, "auditor") as somebody,
        staff(live, "owner") as owner,
    ):
        page = await somebody.look("/projections")
        assert ("audit_events" in page.text, "Needs an operator" in page.text) == (True, False)
        assert (await somebody.look("/projections/audit_events")).status == 200
        connection = await asyncpg.connect(live.database)
        await connection.execute(STOPPED)
        await connection.execute(DIFFERS)
        await connection.execute(BUILDING)
        await connection.close()
        for path in ("/projections", "/projections/audit_events"):
            text = (await somebody.look(path)).text
            assert "audit_events: it stopped at entry 1." in text
            assert "ZeroDivisionError: <b>by a bug</b>" in text
            assert "muniment projections resume audit_events" in text
        for path in ("/projections", "/projections/clients"):
            text = (await somebody.look(path)).text
            assert "clients: it is not what the log makes of it." in text
            assert "muniment projections rebuild clients" in text
        assert "row-1" in text
        text = (await somebody.look("/projections/last_used")).text
        assert ("Being built for a later version" in text, "0 %" in text) == (True, True)
        assert (await somebody.look("/projections/nothing")).status == 404
        assert (await owner.look("/projections")).status == 403

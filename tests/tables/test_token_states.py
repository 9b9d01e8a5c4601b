"""Whether issued tokens can still be used: what stopped them is asked of the log in one query, however long the histories are."""

from events.log import Append
from events.replay import head
from service.crypto.credentials import new_id
from service.provenance.token_states import states
from tests.rules.samples import DELETED, REGISTERED, RESTORED
from tests.tables.conftest import appended
from tests.tables.items import meta
from tests.tables.test_issuance import issue

ROWS = "select position, issued_at, client, secret, jti, data from log.issuance order by position"
UNREADABLE = """
insert into log.events select position + 1, recorded_at, stream_id, version + 1, 1, 'client.of_a_later_version', leaf, meta, data
  from log.events order by position desc limit 1
"""


async def test_the_tokens_of_a_deleted_client_end_with_its_last_deletion_and_no_history_is_decoded(
    log, tokens, reader, superuser
):
    stream = new_id()
    for version, event in enumerate((REGISTERED, DELETED, RESTORED, DELETED)):
        await appended(log, Append(stream=stream, expected=version, events=[event], meta=meta()))
        if event is RESTORED:
            await tokens.record(issue(client=stream))
    old = issue(client=stream)
    await tokens.record(old.__replace__(token=old.token.__replace__(exp=1)))
    ended = await reader.fetchval(
        "select recorded_at from log.events where position = $1", (await head(reader)).position
    )
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute(UNREADABLE)
    last, expired = await states(reader, await reader.fetch(ROWS))
    assert (last.state, last.stopped_at) == ("client deleted", ended)
    assert (expired.state, expired.stopped_at) == ("expired", None)

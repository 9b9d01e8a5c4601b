"""The hashes of secrets: each that a client ever got leads to the client, and an imported one once it has been proved."""

import pytest

from events.client_secret import ClientSecretAdded
from events.codec import Event
from events.log import Append
from projections import secret_hashes
from projections.secret_hashes import Row
from service.crypto.credentials import hash_secret, new_id
from tests.conftest import fresh_database
from tests.rules.samples import (
    DELETED,
    HASH,
    IMPORTED,
    PUBLIC_REGISTERED,
    REGISTERED,
    RESTORED,
    SECRET,
    SECRET_REHASHED,
    SECRET_REVOKED,
)
from tests.tables.conftest import appended
from tests.tables.items import meta

ROWS = "select hash, client from read.secret_hashes"


@pytest.fixture
async def database(postgres: str) -> str:
    """Of its own, for the engine creates tables in it."""
    return await fresh_database(postgres)


async def test_each_secret_that_a_client_ever_got_leads_to_it_and_an_imported_one_once_it_was_proved(
    log, follower, reader
):
    added, restored = (SECRET.__replace__(hash=hash_secret(text)) for text in ("rotated", "restored"))
    lives: list[list[Event]] = [
        [
            REGISTERED,
            ClientSecretAdded(secret=added),
            SECRET_REVOKED,
            DELETED,
            RESTORED.__replace__(secrets=(restored, restored)),
        ],
        [IMPORTED],
        [IMPORTED, SECRET_REHASHED],
        [PUBLIC_REGISTERED],
    ]
    streams = [new_id() for _ in lives]
    for stream, events in zip(streams, lives, strict=True):
        await appended(log, Append(stream=stream, expected=0, events=events, meta=meta()))
    await follower.look()
    of_first = [(streams[0], text) for text in ("secret", "rotated", "restored")]
    known = [*of_first, (streams[2], "secret")]
    found = [Row(**dict(row)) for row in await reader.fetch(ROWS)]
    expected = [Row(hash=hash_secret(text), client=stream) for stream, text in known]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert await secret_hashes.holder(reader, hash_secret("rotated")) == streams[0]
    assert await secret_hashes.holder(reader, HASH) in (streams[0], streams[2])
    assert await secret_hashes.holder(reader, "") is None


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_secret_that_a_client_gets_again_is_kept_once(log, follower, reader, at_once):
    stream, other = new_id(), new_id()
    again = ClientSecretAdded(secret=SECRET.__replace__(secret_id=new_id()))
    for to, expected, event in [
        (stream, 0, REGISTERED),
        (other, 0, REGISTERED),
        (stream, 1, again),
        (stream, 2, again),
    ]:
        await appended(log, Append(stream=to, expected=expected, events=[event], meta=meta()))
        if not at_once:
            await follower.look()
    await follower.look()
    kept = [(row["client"], row["hash"]) for row in await reader.fetch(ROWS) if row["client"] in (stream, other)]
    assert sorted(kept) == sorted([(stream, HASH), (other, HASH)])

"""Pushing the log to an endpoint: in order, each event at least once, from where the last process stopped."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from standardwebhooks import Webhook as Verifier

from events.database import Connection
from events.log import Log
from service.configuration.webhook import Webhook
from service.crypto.credentials import new_id
from service.reactions import audit_push
from service.reactions.audit_push import MOST_EVENTS, Pusher
from tests.tables.conftest import appended
from tests.tables.items import item

KEY = bytes(range(32))


class Endpoint:
    """Accepts requests; the first of them with the statuses in `refusing`, by closing the connection for None."""

    def __init__(self, *refusing: int | None) -> None:
        self.refusing = list(refusing)
        self.requests: list[tuple[str, list[int]]] = []
        self.accepted: list[int] = []
        self.bodies: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if not await self._answer(head.decode(), reader, writer):
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        lines = (line.partition(": ") for line in head.splitlines()[1:])
        headers = {name.lower(): value for name, _, value in lines}
        body = await reader.readexactly(int(headers["content-length"]))
        Verifier(KEY).verify(body, headers)
        self.bodies.append(body)
        positions = [event["position"] for event in json.loads(body)["data"]["events"]]
        self.requests.append((headers["webhook-id"], positions))
        status = self.refusing.pop(0) if self.refusing else 204
        if status is None:
            return False
        if status == 204:
            self.accepted += positions
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        return True


@asynccontextmanager
async def listening(endpoint: Endpoint) -> AsyncGenerator[str]:
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"


@asynccontextmanager
async def pushing(database: str, uri: str) -> AsyncGenerator[Pusher]:
    pusher = Pusher(Webhook(url=uri, key=KEY), database)
    try:
        yield pusher
    finally:
        await pusher.close()


@pytest.fixture
async def filled(log: Log, reader: Connection, superuser: Connection) -> int:
    """A log of more than one batch; the number of its events."""
    await superuser.execute("delete from push.checkpoints")
    for _ in range(3):
        await appended(log, item(new_id(), count=50))
    return await reader.fetchval("select max(position) from log.events")


async def test_every_event_arrives_once_and_in_order(filled, database):
    endpoint = Endpoint()
    async with listening(endpoint) as uri, pushing(database, uri) as pusher:
        await pusher.look()
        assert endpoint.accepted == list(range(1, filled + 1))
        assert [len(positions) for _, positions in endpoint.requests] == [MOST_EVENTS, filled - MOST_EVENTS]
        await pusher.look()
        assert len(endpoint.requests) == 2


@pytest.mark.parametrize("refusal", [500, 429, 404, 302, None])
async def test_a_batch_that_was_not_accepted_is_repeated_as_it_was(
    filled, database, log, monkeypatch: pytest.MonkeyPatch, refusal: int | None
):
    monkeypatch.setattr(audit_push, "LONGEST_PAUSE_SECONDS", 0)
    endpoint = Endpoint(refusal)
    async with listening(endpoint) as uri, pushing(database, uri) as pusher:
        await pusher.look()
        await appended(log, item(new_id()))
        await pusher.look()
    assert endpoint.requests[0] == endpoint.requests[1]
    assert endpoint.accepted == list(range(1, filled + 2))


async def test_a_later_process_repeats_the_batch_that_was_under_way_and_goes_on(filled, database, log):
    first, second = Endpoint(503), Endpoint()
    async with listening(first) as uri, pushing(database, uri) as pusher:
        await pusher.look()
    await appended(log, item(new_id(), count=70))
    async with listening(second) as uri, pushing(database, uri) as pusher:
        await pusher.look()
    assert second.requests[0] == first.requests[0]
    assert second.accepted == list(range(1, filled + 71))


async def test_one_process_pushes_at_a_time(filled, database):
    endpoint = Endpoint()
    async with listening(endpoint) as uri, pushing(database, uri) as one, pushing(database, uri) as other:
        await one.look()
        await other.look()
    assert endpoint.accepted == list(range(1, filled + 1))


async def test_an_endpoint_that_is_away_is_asked_again_after_a_pause_and_named_once(
    filled, database, caplog: pytest.LogCaptureFixture
):
    async with listening(Endpoint()) as uri:
        pass
    async with pushing(database, uri) as pusher:
        await pusher.look()
        await pusher.look()
    (record,) = [record for record in caplog.records if record.name == "muniment.push"]
    assert "could not be connected to" in record.getMessage()
    assert uri not in record.getMessage()


async def test_a_process_that_was_overtaken_during_a_request_does_not_set_the_checkpoint_back(
    filled, database, superuser
):
    class Overtaken(Endpoint):
        async def _answer(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
            await superuser.execute("update push.checkpoints set position = $1, sent_upto = $1", filled)
            return await super()._answer(head, reader, writer)

    endpoint = Overtaken()
    async with listening(endpoint) as uri, pushing(database, uri) as pusher:
        await pusher.look()
    assert endpoint.accepted == list(range(1, MOST_EVENTS + 1))
    assert await superuser.fetchval("select position from push.checkpoints") == filled

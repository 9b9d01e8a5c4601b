"""/api/v1/audit/stream: events as they are committed, each once and in order, to readers that are slow, gone, or no longer allowed."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from events.extent import Extent
from events.log import Append
from projections import audit_events
from service import streams
from service.crypto.credentials import new_id
from service.endpoints import event_stream
from tests.flows.conftest import META, Live, new_database, refused, serving
from tests.patience import PATIENCE, until
from tests.rules.samples import REGISTERED

CLIENTS = "/api/v1/auth/clients"
STREAM = "/api/v1/audit/stream"


class Stream:
    """An open stream, and what it has sent."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._blocks = self._read(response.aiter_text())

    async def event(self) -> dict[str, Any]:
        """The next event: {"id": …, "event": …, "data": …}."""
        while "data" not in (block := await self.block()):
            pass
        return block

    async def block(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            return await anext(self._blocks)

    async def _read(self, parts: AsyncIterator[str]) -> AsyncGenerator[dict[str, Any]]:
        kept = ""
        async for part in parts:
            *blocks, kept = (kept + part).split("\n\n")
            for block in blocks:
                fields = dict(line.split(": ", 1) for line in block.split("\n"))
                yield fields | ({"data": json.loads(fields["data"])} if "data" in fields else {})


@asynccontextmanager
async def opened(live: Live, headers: dict[str, str], **query: str) -> AsyncGenerator[Stream]:
    async with live.http.stream("GET", STREAM, params=query, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


@pytest.fixture
def pages_read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """From what pages of two events were read, and after which positions."""
    monkeypatch.setattr(event_stream, "EVENTS_A_PAGE", 2)
    read: list[tuple[str, int]] = []
    of_log, of_feed = event_stream.pages, audit_events.find

    def from_log(*given: Any, after: int, **more: Any) -> Any:
        read.append(("log", after))
        return of_log(*given, after=after, **more)

    async def from_feed(connection: Any, wanted: Any, extent: Extent) -> Any:
        read.append(("feed", extent.after))
        return await of_feed(connection, wanted, extent)

    monkeypatch.setattr(event_stream, "pages", from_log)
    monkeypatch.setattr(audit_events, "find", from_feed)
    return read


async def auditor(live: Live) -> dict[str, str]:
    return await live.caller("ines", "audit:read")


def open_streams(live: Live) -> int:
    return len(live.application.resources.streams)


async def renamed(live: Live, path: str, name: str) -> int:
    answer = await live.http.patch(path, json={"displayName": name}, headers={**live.bearer, "If-Match": "*"})
    return int(answer.headers["muniment-position"])


async def test_events_come_as_they_are_committed_and_a_reader_goes_on_after_the_last_that_it_has(live: Live):
    client_id, _ = await live.register()
    path, headers = f"{CLIENTS}/{client_id}", await auditor(live)
    async with opened(live, headers, client=client_id, type="client.display_name_changed") as stream:
        assert "retry" in await stream.block()
        positions = [await renamed(live, path, name) for name in ("a", "b", "c")]
        events = [await stream.event() for _ in positions]
        assert [int(event["id"]) for event in events] == positions
        assert [event["data"]["data"]["display_name"] for event in events] == ["a", "b", "c"]
        assert events[0]["data"]["position"] == positions[0]
    last = {**headers, "Last-Event-ID": str(positions[0])}
    async with opened(live, last, actor=live.client_id, client=client_id, since="position:1") as stream:
        assert [int((await stream.event())["id"]) for _ in "bc"] == positions[1:]
    async with opened(live, headers, client=client_id, since=f"position:{positions[2]}") as stream:
        assert int((await stream.event())["id"]) == positions[2]
        assert int(stream.response.headers["muniment-position"]) == positions[2] - 1


async def test_a_reader_that_comes_back_before_its_stream_began_still_gets_nothing_from_before(live: Live):
    client_id, _ = await live.register()
    path, headers = f"{CLIENTS}/{client_id}", await auditor(live)
    before = await renamed(live, path, "early")
    last, since = {**headers, "Last-Event-ID": str(before)}, before + 5
    async with opened(live, last, client=client_id, since=f"position:{since}") as stream:
        while (position := await renamed(live, path, str(uuid4()))) < since:
            pass
        assert int((await stream.event())["id"]) == position


async def test_a_reader_from_far_behind_gets_each_event_once_without_a_walk_through_those_that_it_does_not_want(
    live: Live, pages_read: list[tuple[str, int]]
):
    client_id, _ = await live.register()
    path, headers = f"{CLIENTS}/{client_id}", await auditor(live)
    wanted: list[int] = []
    for number in range(5):
        wanted.append(await renamed(live, path, f"name {number}"))
        await live.register()
        await live.register()
    await live.http.get(
        "/api/v1/audit/events", params={"limit": 1}, headers={**headers, "Muniment-Min-Position": str(wanted[-1])}
    )
    since, kind = f"position:{wanted[0]}", "client.display_name_changed"
    async with opened(live, headers, client=client_id, type=kind, since=since) as stream:
        assert [int((await stream.event())["id"]) for _ in wanted] == wanted
        wanted.append(await renamed(live, path, "the last name"))
        assert int((await stream.event())["id"]) == wanted[-1]
    assert min(after for source, after in pages_read if source == "log") >= wanted[-2]


async def test_streams_that_are_far_behind_read_at_most_two_pages_at_a_time(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    reading, most, of_feed = 0, 0, audit_events.find

    async def find(*given: Any) -> Any:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        try:
            return await of_feed(*given)
        finally:
            reading -= 1

    monkeypatch.setattr(event_stream, "EVENTS_A_PAGE", 2)
    monkeypatch.setattr(audit_events, "find", find)
    client_id, _ = await live.register()
    positions = [await renamed(live, f"{CLIENTS}/{client_id}", name) for name in ("a", "b", "c")]
    headers = await auditor(live)
    feed = {"params": {"limit": 1}, "headers": {**headers, "Muniment-Min-Position": str(positions[-1])}}
    assert (await live.http.get("/api/v1/audit/events", **feed)).status_code == 200

    async def first(since: int) -> int:
        async with opened(live, headers, client=client_id, type="client", since=f"position:{since}") as stream:
            return int((await stream.event())["id"])

    most = 0
    assert await asyncio.gather(*(first(positions[0]) for _ in range(8))) == [positions[0]] * 8
    assert 0 < most <= streams.MOST_BEHIND


async def test_a_later_event_is_found_by_whom_the_first_of_its_stream_concerned(live: Live):
    client_id, _ = await live.register(botUserId="bot-of-a-stream")
    async with opened(live, await auditor(live), bot="bot-of-a-stream") as stream:
        position = await renamed(live, f"{CLIENTS}/{client_id}", "x")
        assert int((await stream.event())["id"]) == position


async def test_a_wrong_query_or_last_event_id_is_refused_before_anything_is_sent(live: Live):
    headers = await auditor(live)
    for since, said in (("z", "must be position:N"), ("2999-01-01", "is in the future")):
        query = {"type": "x", "user": "y", "since": since, "until": "position:1"}
        errors = refused(await live.http.get(STREAM, params=query, headers=headers), 400)["errors"]
        assert set(errors) == set(query)
        assert said in errors["since"][0]
    for last, said in (("x", "must be the id"), ("05", "must be the id"), ("9" * 18, "beyond the end of the log")):
        answer = await live.http.get(STREAM, headers={**headers, "Last-Event-ID": last})
        assert said in refused(answer, 400)["detail"]
    refused(await live.http.get(STREAM, headers={**headers, "Accept": "application/json"}), 406)
    assert (await live.http.head(STREAM, headers=headers)).status_code == 200


async def test_a_quiet_stream_has_heart_beats_that_say_how_far_it_is(live: Live, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.05)
    async with opened(live, await auditor(live), actor="nobody-s") as stream:
        client_id, _ = await live.register()
        position = await renamed(live, f"{CLIENTS}/{client_id}", "x")
        while int((await stream.block()).get("id", 0)) < position:
            pass


@pytest.mark.parametrize("stop", ["disabled", "revoked", "without the scope"])
async def test_a_stopped_reader_gets_nothing_that_happened_since_and_the_stream_ends(live: Live, stop: str):
    client_id, secret = await live.register()
    path, match = f"{CLIENTS}/{client_id}", {**live.bearer, "If-Match": "*"}
    await live.http.patch(path, json={"scopes": ["audit:read"]}, headers=match)
    token = await live.access_token(client_id, secret)
    async with opened(live, {"Authorization": f"Bearer {token}"}, type="client") as stream:
        last_before = await renamed(live, path, "before")
        while int((await stream.event())["id"]) < last_before:
            pass
        match stop:
            case "disabled":
                await live.http.post(f"{path}/disable", headers=live.bearer)
            case "revoked":
                asked = {"token": token, "client_id": client_id, "client_secret": secret}
                await live.http.post("/openid/revoke", data=asked)
            case _:
                await live.http.patch(path, json={"scopes": []}, headers=match)
        await renamed(live, path, "after")
        end = await stream.event()
        assert end["event"] == "end"
        assert ("audit:read" if stop == "without the scope" else "revoked, or its client was") in end["data"]["detail"]
        with pytest.raises(StopAsyncIteration):
            await stream.block()


async def test_streams_are_bounded_for_each_client_and_for_the_process(live: Live, monkeypatch: pytest.MonkeyPatch):
    headers = await auditor(live)
    for name, status in (("MOST_OF_A_CLIENT", 429), ("MOST", 503)):
        await until(lambda: nothing_open(live))
        with monkeypatch.context() as patch:
            patch.setattr(streams, name, 1)
            async with opened(live, headers):
                answer = await live.http.get(STREAM, headers=headers)
                assert "which is the most" in refused(answer, status)["detail"]
                assert int(answer.headers["retry-after"]) > 0
            await until(lambda: nothing_open(live))
            async with opened(live, headers):
                pass


async def nothing_open(live: Live) -> bool:
    return open_streams(live) == 0


@contextmanager
def unread(live: Live, headers: dict[str, str], pipelined: str = "") -> Generator[socket.socket]:
    """A connection that has asked for everything, and perhaps for more, and reads nothing."""
    host, port = live.url.removeprefix("http://").split(":")
    request = (
        f"GET {STREAM}?since=position:1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: {headers['Authorization']}\r\n\r\n"
        f"{pipelined}"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((host, int(port)))
        connection.sendall(request.encode())
        yield connection


async def test_a_reader_that_sent_another_request_and_is_gone_frees_its_place_quietly(
    live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 600.0)  # otherwise a heart-beat finds out
    headers = await auditor(live)
    with unread(live, headers, "GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n"):
        await until(lambda: some_open(live))
    await until(lambda: nothing_open(live))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_readers_that_take_nothing_or_are_gone_cost_one_page_and_end_and_so_does_all_at_shutdown(
    postgres: str, pages_read: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    server = serving(await new_database(postgres), rate_limit=0, failed_auth_limit=0)
    async with AsyncExitStack() as after_the_server, server as live:
        headers = await auditor(live)
        large = _large()
        for _ in range(4):
            items = [Append(stream=new_id(), expected=0, events=[large], meta=META) for _ in range(50)]
            await asyncio.gather(*(live.beside.ledger.log.append(item) for item in items))
        with unread(live, headers):
            await until(lambda: some_open(live))
        await until(lambda: nothing_open(live))

        monkeypatch.setattr(event_stream, "SEND_SECONDS", 0.2)
        pages_read.clear()
        with unread(live, headers):
            await until(lambda: some_open(live))
            await until(lambda: nothing_open(live))
            assert max(after for _, after in pages_read) < 200  # what it did not take was not read from the log

        monkeypatch.setattr(event_stream, "SEND_SECONDS", 600.0)
        stopped_id, secret = await live.register()
        path = f"{CLIENTS}/{stopped_id}"
        await live.http.patch(path, json={"scopes": ["audit:read"]}, headers={**live.bearer, "If-Match": "*"})
        with unread(live, {"Authorization": f"Bearer {await live.access_token(stopped_id, secret)}"}):
            await until(lambda: some_open(live))
            await live.http.post(f"{path}/disable", headers=live.bearer)
            await until(lambda: nothing_open(live))

        after_the_server.enter_context(unread(live, headers))
        followed = asyncio.create_task(end_of_stream(live.url, headers))
        await until(lambda: some_open(live, 2))
    assert "shutting down" in await followed
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def end_of_stream(url: str, headers: dict[str, str]) -> str:
    """What a stream says when it ends, whatever else was committed meanwhile."""
    async with httpx.AsyncClient(base_url=url) as http, http.stream("GET", STREAM, headers=headers) as response:
        stream = Stream(response)
        while (event := await stream.event()).get("event") != "end":
            pass
        return event["data"]["detail"]


async def some_open(live: Live, least: int = 1) -> bool:
    return open_streams(live) >= least


def _large() -> Any:
    return REGISTERED.__replace__(redirect_uris=tuple(f"https://{number}.example/{'x' * 1900}" for number in range(25)))

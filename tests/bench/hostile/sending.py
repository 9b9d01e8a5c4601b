"""Sends hostile requests over a few connections, each as soon as the one before it was answered."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from typing import Self

from msgspec import Struct

from tests.bench.hostile.asks import Ask

CONNECTIONS = 8
PATIENCE_SECONDS = 60
MOST_OF_HEAD = 256 * 1024


class Answer(Struct, frozen=True, kw_only=True):
    status: int
    headers: dict[str, str]
    body: bytes


class Sent(Struct, frozen=True, kw_only=True):
    """`answer` is None if the service closed the connection without one. `before` is the answer to what was repeated."""

    ask: Ask
    answer: Answer | None
    seconds: float
    before: Answer | None = None


async def send(address: tuple[str, int], asks: Iterator[Ask], number: int) -> AsyncGenerator[Sent]:
    """Sends so many of them, and yields them as they are answered."""
    answered: asyncio.Queue[Sent] = asyncio.Queue(CONNECTIONS * 4)
    left = iter(range(number))

    async def work(dice: random.Random) -> None:
        async with Connection(address) as first, Connection(address) as second:
            for _ in left:
                ask, place = next(asks), _address(dice)
                before = None if ask.before is None else await second.ask(ask.before.wire(place))
                begun = time.perf_counter()
                answer = await first.ask(ask.wire(place))
                await answered.put(Sent(ask=ask, answer=answer, seconds=time.perf_counter() - begun, before=before))

    async with asyncio.TaskGroup() as group:
        for each in range(CONNECTIONS):
            group.create_task(work(random.Random(each)))
        for _ in range(number):
            yield await answered.get()


def _address(dice: random.Random) -> str:
    """Strangers come from everywhere: the limits of one network are not what is tried here."""
    return ".".join(str(part) for part in (dice.randint(11, 99), dice.randrange(256), dice.randrange(256), 7))


class Connection:
    """One that is opened again after the other side closed it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def ask(self, request: bytes) -> Answer | None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await self._opened()
            answer = None
            with suppress(OSError):  # it may have answered before it has read everything
                writer.write(request)
                await writer.drain()
            with suppress(OSError, asyncio.IncompleteReadError):
                answer = await _read(reader)
            if answer is None or answer.headers.get("connection") == "close":
                await self._close()
            return answer

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._open is None or self._open[0].at_eof():
            await self._close()
            self._open = await asyncio.open_connection(*self._address, limit=MOST_OF_HEAD)
        return self._open

    async def _close(self) -> None:
        if self._open is not None:
            writer, self._open = self._open[1], None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = headers.get("content-length")
    body = await reader.read() if length is None else await reader.readexactly(int(length))
    return Answer(status=int(first.split(" ")[1]), headers=headers, body=body)

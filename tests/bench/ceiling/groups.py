"""Statements, and how requests share them: all rows that come while one is in flight go in the next."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def _named(text: str) -> Mapping[str, str]:
    """The statements of the file by the name in the comment before each."""
    parts = re.split(r"^-- ([A-Z_]+)\n", text, flags=re.MULTILINE)
    return {name: said.strip().removesuffix(";") for name, said in zip(parts[1::2], parts[2::2], strict=True)}


STATEMENTS = _named(Path(__file__).with_name("ceiling.sql").read_text())


class Group:
    """One statement, whose arguments are arrays: an element of each is of one request. Its rows are found by their first column."""

    def __init__(self, connection: Any, statement: str) -> None:
        self._connection = connection
        self._statement = STATEMENTS[statement]
        self._waiting: list[tuple[Sequence[Any], asyncio.Future[Mapping[Any, Any]]]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, *row: Any) -> Mapping[Any, Any]:
        future: asyncio.Future[Mapping[Any, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            arguments = map(list, zip(*(row for row, _ in batch), strict=True))
            found = {row[0]: row for row in await self._connection.fetch(self._statement, *arguments)}
            for _, future in batch:
                future.set_result(found)
        self._running = None


class Pages:
    """A statement that returns a page, so that requests cannot share it: each takes one of some connections."""

    def __init__(self, connections: Sequence[Any], statement: str) -> None:
        self._statement = STATEMENTS[statement]
        self._free: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
        for connection in connections:
            self._free.put_nowait(connection)

    async def __call__(self, *arguments: Any) -> Sequence[Any]:
        connection = await self._free.get()
        try:
            return await connection.fetch(self._statement, *arguments)
        finally:
            self._free.put_nowait(connection)

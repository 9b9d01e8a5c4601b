"""HTTP over one socket with the fewest microseconds: for tests that make hundreds of requests and look at each answer."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode, urlsplit


class Connection:
    """One kept-alive connection; it meets one worker, and stays with it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, url: str) -> "Connection":
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def post_json(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return await self._post(path, {**headers, "Content-Type": "application/json"}, json.dumps(body).encode())

    async def post_form(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        return await self._post(path, {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(form).encode())

    def close(self) -> None:
        self._writer.close()

    async def _post(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: test",
            f"Content-Length: {len(body)}",
            *(f"{k}: {v}" for k, v in headers.items()),
        ]
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ", 1)[1].split("\r\n", 1)[0])
        return int(head.split(" ", 2)[1]), json.loads(await self._reader.readexactly(length))

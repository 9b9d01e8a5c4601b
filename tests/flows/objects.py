"""A site of a client, on loopback, that publishes its request objects and keys."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from hashlib import sha256
from typing import Any

from service.crypto.base64url import as_text
from tests.flows.people import CALLBACK

JAR = "application/oauth-authz-req+jwt"


def inside(client_id: str, issuer: str, /, **claims: Any) -> dict[str, Any]:
    """The claims of a good request object."""
    usual = {"iss": client_id, "aud": issuer, "client_id": client_id, "response_type": "code", "redirect_uri": CALLBACK}
    return {**usual, "scope": "openid", "state": "inside", **claims}


class Site:
    def __init__(self) -> None:
        self.base = ""
        self.bodies: dict[str, bytes] = {}
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.over = asyncio.Event()

    def url(self, name: str) -> str:
        return f"{self.base}/{name}"

    def hash(self, name: str) -> str:
        return as_text(sha256(self.bodies[name]).digest())

    def publish(self, name: str, text: str, kind: str = JAR, status: str = "200 OK", *headers: str) -> str:
        """The URL. What was there before is replaced."""
        self.bodies[name] = text.encode()
        head = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(text)}", *headers, "", "")
        self.answers[name] = "\r\n".join(head).encode() + text.encode()
        return self.url(name)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        name = head.split(b" ")[1].decode().removeprefix("/")
        self.asked.append(name)
        with contextlib.suppress(ConnectionError):
            if name in self.answers:
                writer.write(self.answers[name])
                await writer.drain()
            else:
                await self.over.wait()
        writer.close()


@contextlib.asynccontextmanager
async def publishing() -> AsyncGenerator[Site]:
    """What was not published hangs."""
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield site
    finally:
        site.over.set()
        server.close()

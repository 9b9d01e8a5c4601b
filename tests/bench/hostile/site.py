"""A site of somebody hostile: client-id metadata documents and key sets that no server should be hurt by."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.hostile.world import PUBLIC
from tests.flows.people import CALLBACK
from tests.flows.test_delivery import _certificate

SLOW_SECONDS = 30
PART = 64 * 1024
SLOW = "slow"
"""Its answer comes byte by byte, and never whole."""

TEN_MEGABYTES = "x" * 10_000_000
GOOD = {"client_name": "My App", "redirect_uris": [CALLBACK]}


def certificate(directory: Path) -> Path:
    """Key and certificate of the site, in one file, which the service has to trust."""
    return _certificate(directory, "localhost")


def _answer(body: bytes, *headers: str, kind: str = "application/json", status: str = "200 OK") -> bytes:
    head = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, "", "")
    return "\r\n".join(head).encode() + body


def _document(url: str, **more: object) -> bytes:
    return json.dumps({"client_id": url, **GOOD, **more}).encode()


ANSWERS: Mapping[str, Callable[[str], bytes]] = {
    "redirect": lambda url: _answer(b"", f"Location: {url.replace('redirect', 'good')}", status="302 Found"),
    "to-loopback": lambda _: _answer(b"", "Location: http://127.0.0.1:22/", status="307 Temporary Redirect"),
    "ten-megabytes": lambda url: _answer(_document(url, client_name=TEN_MEGABYTES)),
    "endless": lambda _: b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b" " * 5_000_000,
    "compressed": lambda url: _answer(_document(url), "Content-Encoding: gzip"),
    "html": lambda url: _answer(_document(url), kind="text/html"),
    "no-type": lambda url: _answer(_document(url), kind=""),
    "mark": lambda url: _answer(b"\xef\xbb\xbf" + _document(url)),
    "utf-16": lambda url: _answer(_document(url).decode().encode("utf-16")),
    "twice": lambda url: _answer(_document(url)[:-1] + b', "client_id": "https://other.example/c"}'),
    "deep": lambda _: _answer(b'{"a":' * 1500),
    "list": lambda url: _answer(b"[" + _document(url) + b"]"),
    "empty": lambda _: _answer(b""),
    "other-client": lambda url: _answer(_document(f"{url}/")),
    "secret": lambda url: _answer(_document(url, client_secret="s", token_endpoint_auth_method="client_secret_basic")),
    "no-redirects": lambda url: _answer(_document(url, redirect_uris=[])),
    "script": lambda url: _answer(_document(url, redirect_uris=["javascript:alert(1)"])),
    "not-found": lambda _: _answer(b"", status="404 Not Found"),
    "broken": lambda _: b"\x16\x03\x01 no HTTP\r\n\r\n",
    "headers": lambda _: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    "cut": lambda url: _answer(_document(url))[:-20],
    "keys": lambda _: _answer(json.dumps({"keys": [PUBLIC]}).encode()),
    "informational": lambda _: b"HTTP/1.1 100 Continue\r\n\r\n" * 5000,
}


class Site:
    def __init__(self) -> None:
        self.base = ""
        self.hanging = 0
        self.released = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            name = urlsplit(path).path.split("/")[1]
            if name in ANSWERS:
                await self._write(writer, ANSWERS[name](self.base + path))
            else:
                await self._drip(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _write(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        """In parts: asyncio copies what it could not encrypt yet, again and again, so ten megabytes at once would hold up everything."""
        for at in range(0, len(answer), PART):
            if writer.transport.is_closing():
                return
            writer.write(answer[at : at + PART])
            await writer.drain()

    async def _drip(self, writer: asyncio.StreamWriter) -> None:
        self.hanging += 1
        for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json"[:SLOW_SECONDS]:
            writer.write(bytes([byte]))
            await writer.drain()
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.released.wait()
                    return


@asynccontextmanager
async def open_site(pem: Path) -> AsyncGenerator[Site]:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem)
    site = Site()
    server = await asyncio.start_server(site.serve, "localhost", 0, ssl=tls)
    site.base = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    try:
        yield site
    finally:
        server.close()

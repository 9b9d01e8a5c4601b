"""An upstream provider that goes on for ever holds nothing up, and fills nothing."""

import asyncio
import gzip
from base64 import urlsafe_b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from msgspec import json

from service.configuration.upstream import Upstream
from service.oauth import upstream
from service.oauth.federation import UpstreamAway, UpstreamRefused
from service.oauth.upstream import MOST_BYTES, Directory
from tests.patience import PATIENCE

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Provider:
    """Its metadata are in order; `taken` counts the bytes of its token endpoint's answer."""

    def __init__(self, kind: str, body: bytes = b"") -> None:
        self.kind, self.body = kind, body
        self.url = ""
        self.taken = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await (self._metadata(writer) if head.startswith(b"GET") else self._token(writer))
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _metadata(self, writer: asyncio.StreamWriter) -> None:
        endpoints = dict.fromkeys(("authorization_endpoint", "token_endpoint", "jwks_uri"), self.url)
        body = json.encode({"issuer": self.url, **endpoints})
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async def _token(self, writer: asyncio.StreamWriter) -> None:
        if self.kind == "packed":
            packed = gzip.compress(b" " * 50 * MOST_BYTES)
            writer.write(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)
            await writer.drain()
            return
        if self.kind == "whole":
            writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(self.body) + self.body)
            await writer.drain()
            return
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        part = b" " if self.kind == "slow" else b" " * 0x10000
        while True:
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            await writer.drain()
            self.taken += len(part)
            await asyncio.sleep(0.02 if self.kind == "slow" else 0)


@asynccontextmanager
async def listening(provider: Provider) -> AsyncGenerator[Directory]:
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield Directory(Upstream(issuer=provider.url, client_id="c", client_secret="s"), "http://127.0.0.1:1")
    finally:
        server.close()


@pytest.mark.parametrize(
    ("kind", "why"), [("endless", httpx.ReadError), ("packed", httpx.DecodingError), ("slow", TimeoutError)]
)
async def test_the_token_endpoint_is_listened_to_for_so_long(
    kind: str, why: type[Exception], monkeypatch: pytest.MonkeyPatch
):
    provider = Provider(kind)
    async with listening(provider) as directory:
        _, begun = await directory.begin()
        monkeypatch.setattr(upstream, "TIMEOUT_SECONDS", 0.25 if kind == "slow" else 2 * PATIENCE)
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(UpstreamAway) as away:
                await directory.finish(begun, "code")
    assert isinstance(away.value.__cause__, why)
    assert provider.taken < 10 * MOST_BYTES


DEEP_HEADER = b'{"alg":' * 20_000


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"id_token":' * 50_000,
        b'{"access_token": "a", "id_token": "%s.e30.e30"}' % urlsafe_b64encode(DEEP_HEADER).rstrip(b"="),
        b'{"access_token": "a", "id_token": "W10.W10.W10"}',
        b'{"access_token": "a", "id_token": {}}',
        b"[]",
        b"7",
        b"null",
        b"\xff",
    ],
    ids=[
        "deep lists",
        "deep objects",
        "a deep header",
        "lists for a token",
        "no token",
        "a list",
        "7",
        "null",
        "no text",
    ],
)
async def test_an_answer_of_another_form_is_no_sign_in(body: bytes):
    async with listening(Provider("whole", body)) as directory:
        _, begun = await directory.begin()
        with pytest.raises((UpstreamAway, UpstreamRefused)):
            await directory.finish(begun, "code")

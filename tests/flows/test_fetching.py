"""Documents are fetched from real servers, some of which go on for ever."""

import asyncio
import gzip
import socket
import ssl
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from service.network import checked
from service.network.addresses import Address
from service.network.fetching import CannotFetch, Fetched, Fetcher
from service.network.resolving import MOST_OF_A_SITE, MOST_OF_AN_ASKER, NotResolved, Resolver, TooManyLookUps
from tests.flows.test_delivery import NAME, _certificate
from tests.patience import PATIENCE

LOOPBACK = "http://127.0.0.1:8000"
DOCUMENT = b'{"ok":1}'
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n"


class Host:
    """Answers every request with these bytes, and `more` for as long as it is read."""

    def __init__(self, answer: bytes, more: bytes = b"", pause: float = 0) -> None:
        self.answer, self.more, self.pause = answer, more, pause
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answer)
            await writer.drain()
            while self.more:
                writer.write(self.more)
                await writer.drain()
                await asyncio.sleep(self.pause)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(host: Host, tls: ssl.SSLContext | None = None) -> AsyncGenerator[str]:
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"https://{NAME}:{port}/d?e=1" if tls else f"http://127.0.0.1:{port}/d?e=1"


@asynccontextmanager
async def fetching(resolve: Callable[[int], Any] = Resolver) -> AsyncGenerator[Fetcher]:
    fetcher = Fetcher(LOOPBACK, resolve=resolve)
    try:
        yield fetcher
    finally:
        await fetcher.aclose()


async def got(fetcher: Fetcher, url: str, most_bytes: int = 1000) -> Fetched:
    async with asyncio.timeout(PATIENCE):
        return await fetcher.get(url, reach="private_too", accept="application/json", most_bytes=most_bytes)


async def test_a_document_is_fetched_with_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    host = Host(OK + b"Set-Cookie: a=b\r\n" + LENGTH % len(DOCUMENT) + DOCUMENT)
    async with listening(host) as url, fetching() as fetcher:
        for _ in range(2):
            fetched = await got(fetcher, url)
            assert (fetched.body, fetched.content_type) == (DOCUMENT, "application/json")
    assert len(host.heads) == 2
    for head in host.heads:
        assert head.startswith(b"GET /d?e=1 HTTP/1.1\r\n")
        assert b"accept-encoding: identity\r\n" in head.lower()
        assert b"cookie" not in head.lower()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n" + LENGTH % 0, "it answered 302 instead of 200"),
        (b"HTTP/1.1 404 Not Found\r\n" + LENGTH % 0, "it answered 404 instead of 200"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "it answered 204 instead of 200"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + LENGTH % 2 + b"{}",
            "its response is not application/json",
        ),
        (b"HTTP/1.1 200 OK\r\n" + LENGTH % 2 + b"{}", "its response is not application/json"),
        (OK + b"Content-Encoding: gzip\r\n" + LENGTH % 22 + gzip.compress(b"{}"), "its response is compressed"),
        (OK + LENGTH % 1001 + b" " * 1001, "its response is longer than 1000 bytes"),
        (OK + LENGTH % 50 + b" ", "the connection broke"),
        (b"\x00\x00\x12\x04 not HTTP", "was not HTTP"),
        (b"", "was not HTTP, or the connection broke"),
    ],
)
async def test_any_other_response_is_no_document(answer: bytes, why: str):
    async with listening(Host(answer)) as url, fetching() as fetcher:
        with pytest.raises(CannotFetch, match=why):
            await got(fetcher, url)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/cimd+json"])
async def test_a_more_specific_type_of_json_is_json(kind: str):
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind.encode() + b"\r\n" + LENGTH % 2 + b"{}"
    async with listening(Host(answer)) as url, fetching() as fetcher:
        assert (await got(fetcher, url)).body == b"{}"


async def test_each_of_several_types_is_accepted_and_no_other():
    for kind, is_one in (("image/png", True), ("image/gif", True), ("image/svg+xml", False), ("image/pn", False)):
        answer = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        async with listening(Host(answer)) as url, fetching() as fetcher:
            asking = fetcher.get(url, reach="private_too", accept="image/png, image/gif")
            if is_one:
                assert (await asking).content_type == kind
            else:
                with pytest.raises(CannotFetch, match="is not image/png, image/gif"):
                    await asking


async def test_ten_megabytes_are_read_no_further_than_the_bound():
    host = Host(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 0x10000 + b"\r\n")
    async with listening(host) as url, fetching() as fetcher:
        with pytest.raises(CannotFetch, match="longer than 1000"):
            await got(fetcher, url)


@pytest.mark.parametrize(
    "host",
    [
        Host(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.01),
        Host(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", 0.01),
        Host(OK + LENGTH % 5, b" ", PATIENCE),
    ],
    ids=["body", "headers", "silence"],
)
async def test_a_slow_response_is_waited_for_only_so_long(host: Host, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checked, "TOTAL_SECONDS", 0.3)
    async with listening(host) as url, fetching() as fetcher:
        with pytest.raises(CannotFetch, match="it did not answer in time"):
            await got(fetcher, url, most_bytes=10**6)


async def test_a_host_that_hangs_holds_up_no_other():
    hanging, other = (
        Host(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.01),
        Host(OK + LENGTH % 2 + b"{}"),
    )
    async with listening(hanging) as slow, listening(other) as url, fetching() as fetcher:
        waiting = [asyncio.create_task(got(fetcher, slow, 10**6)) for _ in range(2)]
        while len(hanging.heads) < 2:
            await asyncio.sleep(0.01)
        with pytest.raises(CannotFetch, match="too many requests"):
            await got(fetcher, slow)
        assert (await got(fetcher, url.replace("127.0.0.1", "localhost"))).body == b"{}"
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_name_is_looked_up_once_and_that_address_is_connected_to_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The second look-up would lead elsewhere (DNS rebinding)."""
    asked = list[str]()

    async def resolve(name: str, _: str) -> list[Address]:
        asked.append(name)
        return [ip_address("127.0.0.1" if len(asked) == 1 else "127.0.0.9")]

    pem = _certificate(tmp_path, NAME)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    host = Host(OK + LENGTH % 2 + b"{}")
    async with listening(host, tls) as url, fetching(lambda _: resolve) as fetcher:
        assert (await got(fetcher, url)).body == b"{}"
    assert asked == [NAME]
    assert f"\r\nhost: {NAME}:".encode() in host.heads[0].lower()


@pytest.mark.parametrize("known", [True, False])
async def test_a_certificate_must_be_of_the_name_and_of_a_known_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, known: bool
):
    async def resolve(*_: str) -> list[Address]:
        return [ip_address("127.0.0.1")]

    pem = _certificate(tmp_path, "other.example" if known else NAME)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem)
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    host = Host(OK + LENGTH % 2 + b"{}")
    async with listening(host, tls) as url, fetching(lambda _: resolve) as fetcher:
        with pytest.raises(CannotFetch, match="could not be connected to"):
            await got(fetcher, url)
    assert host.heads == []


async def test_a_name_server_that_hangs_takes_its_own_threads_only(monkeypatch: pytest.MonkeyPatch):
    release = threading.Event()

    def look_up(name: str, *_: Any, **__: Any) -> list[Any]:
        if name == "slow.example":
            release.wait(PATIENCE)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    resolve = Resolver(most=2)
    slow = asyncio.create_task(resolve("slow.example"))
    await asyncio.sleep(0)
    assert await resolve("c.example") == [ip_address("192.0.2.1")]
    slow.cancel()
    other = asyncio.create_task(resolve("slow.example"))
    await asyncio.sleep(0)
    with pytest.raises(NotResolved, match="too many"):
        await resolve("c.example")
    release.set()
    assert await other == [ip_address("192.0.2.1")]


async def test_one_asker_and_one_domain_take_few_threads_however_long_their_names_hang(monkeypatch: pytest.MonkeyPatch):
    release = threading.Event()

    def look_up(name: str, *_: Any, **__: Any) -> list[Any]:
        if "evil" in name:
            release.wait(PATIENCE)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    resolve = Resolver()
    hanging = [asyncio.create_task(resolve(f"evil{n}.example{n}", "one")) for n in range(MOST_OF_AN_ASKER)]
    hanging += [asyncio.create_task(resolve(f"{n}.evil.example", str(n))) for n in range(MOST_OF_A_SITE)]
    await asyncio.sleep(0)
    for each in hanging:
        each.cancel()  # whoever waited is gone, and the threads are not
    for name, asker in (("c.example", "one"), ("another.evil.example", "other")):
        with pytest.raises(TooManyLookUps):
            await resolve(name, asker)
    assert await resolve("good.example", "other") == [ip_address("192.0.2.1")]
    release.set()


async def test_a_name_that_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch):
    def look_up(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    async with fetching() as fetcher:
        with pytest.raises(CannotFetch, match="its host is not known"):
            await got(fetcher, "https://c.invalid/")

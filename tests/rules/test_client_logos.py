"""Which logos of clients are fetched, how often, and what is kept of them."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest

from service import client_logos
from service.client_logos import MOST_BYTES, MOST_BYTES_KEPT, Logo, Logos, NoLogo
from service.configuration.documents import Documents
from service.metrics.process import ProcessMetrics
from service.network.fetching import AllBusy, CannotFetch, Fetched
from service.people.throttle import network
from service.values.images import TYPES, type_of
from tests.rules.test_document_fetches import Counts

URL = "https://app.example.com/logo.png"
THERE = "192.0.2.7"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
KINDS = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "image/webp": b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    "image/gif": b"GIF89a\x01\x00\x01\x00",
}
REGISTERED = SimpleNamespace(client_id="oauth_client_1", document=None)
DOCUMENT = SimpleNamespace(client_id="https://app.example.com/client.json", document=object())


def sent(body: bytes, seconds: float = 3600) -> Fetched:
    return Fetched(body=body, content_type="image/png", fresh_until=time.time() + seconds)


class Here:
    """The logos of a process, where each fetch returns `answer` or raises it."""

    def __init__(self, answer: Any = None, documents: Documents | None = None) -> None:
        self.fetcher = SimpleNamespace(get=AsyncMock(side_effect=answer), aclose=AsyncMock())
        self.metrics = ProcessMetrics()
        fakes = cast("Any", (documents or Documents(), Counts(), self.fetcher, self.metrics))
        self.logos = Logos(*fakes)

    async def of(self, url: str = URL, client: Any = REGISTERED, address: str = THERE) -> Logo | NoLogo:
        return await self.logos.of(client, url, address)

    async def why(self, url: str = URL, client: Any = REGISTERED) -> str:
        """Why there is none."""
        found = await self.of(url, client)
        assert isinstance(found, NoLogo)
        return found.why

    @property
    def fetches(self) -> int:
        return self.fetcher.get.await_count

    @property
    def reach(self) -> str:
        return self.fetcher.get.await_args.kwargs["reach"]


@pytest.mark.parametrize("kind", TYPES)
async def test_a_logo_is_what_its_bytes_say_and_is_fetched_once(kind: str):
    here = Here([sent(KINDS[kind])])
    for _ in range(2):
        assert await here.of() == Logo(kind, KINDS[kind])
    asked = here.fetcher.get.await_args.kwargs
    assert (asked["accept"], asked["most_bytes"], asked["asker"]) == (", ".join(TYPES), MOST_BYTES, THERE)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", b"<?xml version='1.0'?><svg/>",
        b"<!doctype html><script>alert(1)</script>", b" " + PNG, b"\xef\xbb\xbf" + PNG, b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"GIF90a", b"\xff\xd8", b"BM\x00\x00", b"\x00\x00\x01\x00\x01\x00", b"%PDF-1.7", PNG[:7],
    ],
)  # fmt: skip
async def test_anything_else_is_no_logo_and_is_left_alone(body: bytes):
    here = Here([sent(body)])
    assert type_of(body) is None
    for _ in range(3):
        assert "none of image/png, image/jpeg" in await here.why()
    assert here.fetches == 1


async def test_one_that_cannot_be_fetched_is_asked_for_again_after_ten_minutes(monkeypatch: pytest.MonkeyPatch):
    here, now = Here(CannotFetch("it hangs")), 0
    monkeypatch.setattr(client_logos.time, "time", lambda: now)
    for second, fetches in ((0, 1), (1, 1), (599, 1), (600, 2), (601, 2)):
        now = second
        assert await here.why() == "It could not be fetched: it hangs."
        assert here.fetches == fetches


async def test_one_that_was_not_asked_for_may_be_asked_for_at_once():
    here = Here([AllBusy(), sent(PNG)])
    assert "too many requests" in await here.why()
    assert await here.of() == Logo("image/png", PNG)


async def test_a_logo_that_is_no_longer_fresh_is_fetched_again():
    here = Here([sent(PNG, -1), sent(KINDS["image/gif"])])
    assert [await here.of() for _ in range(2)] == [Logo(kind, KINDS[kind]) for kind in ("image/png", "image/gif")]


async def test_many_who_see_it_at_once_wait_for_one_fetch_that_goes_on_without_the_first():
    go = asyncio.Event()

    async def slow(*_: Any, **__: Any) -> Fetched:
        await go.wait()
        return sent(PNG)

    here = Here(slow)
    seeing = [asyncio.create_task(here.of()) for _ in range(5)]
    while not here.fetcher.get.call_count:
        await asyncio.sleep(0)
    seeing[0].cancel()
    go.set()
    found = await asyncio.gather(*seeing, return_exceptions=True)
    assert found[1:] == [Logo("image/png", PNG)] * 4
    assert here.fetches == 1


@pytest.mark.parametrize("limit", ["MOST_NEW_OF_A_NETWORK", "MOST_NEW_OF_A_SITE", "MOST_NEW"])
async def test_fetches_are_few_in_a_minute(limit: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client_logos, limit, 2)
    here = Here(lambda *_, **__: sent(PNG))
    found = [await here.of(f"{URL}?{number}") for number in range(4)]
    assert [isinstance(logo, Logo) for logo in found] == [True, True, False, False]
    assert await here.of(f"{URL}?0") == Logo("image/png", PNG), "what is kept costs nothing"
    assert "Too many" in await here.why(f"{URL}?9")


async def test_what_is_kept_is_bounded_in_bytes_and_the_first_is_forgotten_first(monkeypatch: pytest.MonkeyPatch):
    for limit in ("MOST_NEW_OF_A_NETWORK", "MOST_NEW_OF_A_SITE", "MOST_NEW"):
        monkeypatch.setattr(client_logos, limit, 1_000_000)
    here, large = Here(lambda *_, **__: sent(PNG.ljust(MOST_BYTES))), 2 * MOST_BYTES_KEPT // MOST_BYTES
    for number in range(large):
        await here.of(f"{URL}?{number}")
    here.fetcher.get.side_effect = CannotFetch("it is gone")
    assert isinstance(await here.of(f"{URL}?{large - 1}"), Logo)
    assert "it is gone" in await here.why(f"{URL}?0")
    for number in range(3 * MOST_BYTES_KEPT // client_logos.ENTRY_BYTES):
        await here.of(f"{URL}?gone={number}")
    kept = here.logos._kept.values()
    assert sum(entry.size for entry in kept) == here.logos._kept_bytes <= MOST_BYTES_KEPT
    assert len(kept) == MOST_BYTES_KEPT // client_logos.ENTRY_BYTES


@pytest.mark.parametrize(
    ("client", "url", "reach"),
    [
        pytest.param(REGISTERED, URL, "public", id="of a client that registered itself: a stranger's"),
        pytest.param(DOCUMENT, URL, "trusted", id="beside a document that may be in a private network"),
        pytest.param(DOCUMENT, "https://cdn.example.com/logo.png", "public", id="elsewhere"),
        pytest.param(DOCUMENT, "https://app.example.com:8443/logo.png", "public", id="at another port"),
    ],
)
async def test_where_a_logo_may_be(client: Any, url: str, reach: str):
    here = Here([sent(PNG)], Documents(hosts=frozenset({"app.example.com"})))
    await here.of(url, client)
    assert here.reach == reach


async def test_a_stranger_s_client_gets_no_logo_of_a_private_network_from_memory_and_hides_none():
    here = Here(
        [CannotFetch("its host has an address inside"), sent(PNG)], Documents(hosts=frozenset({"app.example.com"}))
    )
    assert "inside" in await here.why(client=REGISTERED)
    assert await here.of(client=DOCUMENT) == Logo("image/png", PNG)
    assert "inside" in await here.why(client=REGISTERED)


async def test_a_logo_beside_a_document_that_is_no_longer_accepted_is_not_fetched():
    here = Here([], Documents(everybody=False))
    assert "does not accept" in await here.why(client=DOCUMENT)
    assert here.fetches == 0


async def test_who_sees_it_is_named_to_the_fetcher_by_its_network_alone():
    here = Here([sent(PNG)])
    await here.of(address="2001:db8:1:2::3")
    assert here.fetcher.get.await_args.kwargs["asker"] == network("2001:db8:1:2::4")

"""Request objects at URLs: which a client may name, that one is the one whose hash was named, and whom a URL that hangs holds up."""

import asyncio
from hashlib import sha256

import pytest

from service.crypto.base64url import as_text
from service.network.fetching import AllBusy, CannotFetch, Fetched
from service.oauth.remote_requests import BUSY, NOT_REGISTERED, OTHER_HASH, BadRequestUri, RemoteRequests, address_of

URL = "https://app.example.com/request.jwt"
OTHER = "https://app.example.com/other.jwt"
HASH = as_text(sha256(b"a.b.c\n").digest())


class Web:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.fault: CannotFetch | None = None
        self.hanging = asyncio.Event()
        self.hangs = False
        self.body = b"a.b.c\n"

    async def get(self, url: str, *, reach: str, accept: str, most_bytes: int, asker: str) -> Fetched:
        self.asked.append((url, reach, asker))
        if self.hangs and url == URL:
            await self.hanging.wait()
        if self.fault is not None:
            raise self.fault
        return Fetched(body=self.body, content_type=accept, fresh_until=0)


@pytest.fixture
def web() -> Web:
    return Web()


async def found(requests: RemoteRequests, uri: str = URL) -> str:
    return await requests.find(uri, (URL, OTHER), reach="public", asker="192.0.2.0")


@pytest.mark.parametrize(
    ("uri", "registered"),
    [
        (URL, (URL,)),
        (f"{URL}#{HASH}", (URL,)),
        (f"{URL}#{HASH}", (f"{URL}#older",)),
        (URL, (OTHER, f"{URL}#{HASH}")),
    ],
)
def test_a_fragment_is_not_compared(uri: str, registered: tuple[str, ...]):
    assert address_of(uri, registered) == URL


@pytest.mark.parametrize(
    "uri",
    [
        f"{URL}?x=1",
        f"{URL}/",
        URL.upper(),
        "https://app.example.com:443/request.jwt",
        "http://169.254.169.254/latest",
        "#",
        f" {URL}",
        "https://app.example.com/./request.jwt",
    ],
)
def test_every_other_character_counts(uri: str):
    with pytest.raises(BadRequestUri, match="not registered") as fault:
        address_of(uri, (URL,))
    assert (fault.value.error, str(fault.value)) == ("invalid_request_uri", NOT_REGISTERED)


async def test_each_fetch_is_counted_by_its_outcome(web: Web):
    counted = list[str]()
    requests = RemoteRequests(web, counted.append)
    await found(requests)
    for web.fault in (CannotFetch("it did not answer"), AllBusy()):
        with pytest.raises(BadRequestUri):
            await found(requests)
    assert counted == ["fetched", "failed", "busy"]


async def test_the_object_is_fetched_each_time_as_far_as_the_client_s_keys_are(web: Web):
    requests = RemoteRequests(web)
    assert [await found(requests), await found(requests)] == ["a.b.c", "a.b.c"]
    assert web.asked == [(URL, "public", "192.0.2.0")] * 2


async def test_a_hash_in_the_fragment_must_be_that_of_the_object(web: Web):
    requests = RemoteRequests(web)
    assert await found(requests, f"{URL}#{HASH}") == "a.b.c"
    assert await found(requests, f"{URL}#no-hash") == "a.b.c"
    with pytest.raises(BadRequestUri) as fault:
        await found(requests, f"{URL}#{'A' * 43}")
    assert str(fault.value) == OTHER_HASH


async def test_whoever_keeps_a_url_busy_does_not_hide_the_object_that_its_client_publishes_now(web: Web):
    """Who needs the URL meanwhile waits for the fetch of a stranger, which has the object of before."""
    requests, web.hangs = RemoteRequests(web), True
    stranger = asyncio.create_task(found(requests))
    await asyncio.sleep(0)
    user = asyncio.create_task(found(requests, f"{URL}#{as_text(sha256(b'd.e.f').digest())}"))
    await asyncio.sleep(0)
    web.hanging.set()
    assert await stranger == "a.b.c"
    web.body = b"d.e.f"
    assert await user == "d.e.f"
    assert len(web.asked) == 2


async def test_what_cannot_be_fetched_is_told_with_what_it_must_be(web: Web):
    requests = RemoteRequests(web)
    web.fault = CannotFetch("it answered 302 instead of 200")
    with pytest.raises(BadRequestUri, match=r"it answered 302 instead of 200\. It must answer") as fault:
        await found(requests)
    assert fault.value.error == "invalid_request_uri"
    web.fault = AllBusy()
    with pytest.raises(BadRequestUri) as fault:
        await found(requests)
    assert str(fault.value) == BUSY


async def test_one_that_hangs_is_asked_once_and_holds_up_nobody_else(web: Web):
    requests, web.hangs = RemoteRequests(web), True
    waiting = [asyncio.create_task(found(requests)) for _ in range(3)]
    assert await found(requests, OTHER) == "a.b.c"
    waiting.pop().cancel()
    await asyncio.sleep(0)
    assert sorted(url for url, _, _ in web.asked) == [OTHER, URL]
    web.hanging.set()
    assert await asyncio.gather(*waiting) == ["a.b.c"] * 2


async def test_at_the_end_nothing_is_left_under_way(web: Web):
    requests, web.hangs = RemoteRequests(web), True
    waiting = asyncio.create_task(found(requests))
    await asyncio.sleep(0)
    await requests.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting

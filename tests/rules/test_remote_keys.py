"""Keys at URLs: when they are fetched, how long they are used, and whom a URL that hangs holds up."""

import asyncio
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey

from service.network.fetching import AllBusy, CannotFetch, Fetched
from service.oauth import remote_keys
from service.oauth.remote_keys import RemoteKeys, usable

URL = "https://app.example.com/jwks"


def public(kid: str) -> dict[str, Any]:
    return dict(ECKey.generate_key("P-256", {"kid": kid}).as_dict(private=False))


FIRST, SECOND = public("first"), public("second")


class Web:
    """A fetcher of what a test publishes, and its clock."""

    def __init__(self) -> None:
        self.now, self.asked = 1_000_000.0, 0
        self.body: bytes | None = self.of(FIRST)
        self.hanging: asyncio.Event | None = None
        self.busy = False
        self.askers = list[str]()

    @staticmethod
    def of(*keys: Any) -> bytes:
        return json.dumps({"keys": keys}).encode()

    async def get(self, url: str, *, reach: str, accept: str, asker: str = "") -> Fetched:
        self.asked += 1
        self.askers.append(asker)
        if self.hanging is not None and url == URL:
            await self.hanging.wait()
        if self.busy:
            raise AllBusy
        if self.body is None:
            raise CannotFetch("it did not answer")
        return Fetched(body=self.body, content_type=accept, fresh_until=self.now + 600)


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def keys(web: Web) -> RemoteKeys:
    return RemoteKeys(web, clock=lambda: web.now)


async def kids(keys: RemoteKeys, kid: str | None, url: str = URL) -> list[str]:
    return [key.kid for key in await keys.find(url, kid, reach="private_too")]


async def test_who_asks_is_named_where_a_stranger_chose_the_url(web: Web, keys: RemoteKeys):
    await keys.find(URL, None, reach="public", asker="192.0.2.7")
    await keys.find(URL, None, reach="private_too", asker="192.0.2.7")
    assert web.askers == ["192.0.2.7", ""]


async def test_keys_are_fetched_once_for_as_long_as_they_are_fresh(web: Web, keys: RemoteKeys):
    for _ in range(5):
        assert await kids(keys, "first") == ["first"]
    assert web.asked == 1
    web.now += 601
    assert await kids(keys, "first") == ["first"]
    assert web.asked == 2


async def test_each_fetch_is_counted_by_its_outcome_and_keys_that_are_kept_are_none(web: Web):
    counted = list[str]()
    keys = RemoteKeys(web, clock=lambda: web.now, count=counted.append)
    for _ in range(2):
        await kids(keys, None)
    web.now, web.body = web.now + 601, b"[]"
    await kids(keys, None)
    web.now, web.busy = web.now + 601, True
    with pytest.raises(CannotFetch):
        await kids(keys, None)
    assert counted == ["fetched", "failed", "busy"]


async def test_an_unknown_kid_is_fetched_at_a_bounded_rate(web: Web, keys: RemoteKeys):
    await kids(keys, "first")
    web.body = web.of(FIRST, SECOND)
    assert await kids(keys, "second") == ["first"]
    web.now += remote_keys.AGAIN_SECONDS
    assert await kids(keys, "second") == ["first", "second"]
    for _ in range(100):
        await kids(keys, "forged")
    assert web.asked == 2


async def test_a_url_that_fails_is_left_alone_for_longer_and_longer(web: Web, keys: RemoteKeys):
    web.body = None
    for _ in range(3_000):
        with pytest.raises(CannotFetch):
            await kids(keys, "first")
        web.now += 1
    assert 10 < web.asked < 20
    web.body = web.of(FIRST)
    web.now += remote_keys.LONGEST_REST
    assert await kids(keys, "first") == ["first"]


async def test_keys_that_cannot_be_fetched_again_are_used_for_a_short_time(web: Web, keys: RemoteKeys):
    await kids(keys, "first")
    web.body = None
    web.now += 601
    assert await kids(keys, "first") == ["first"]
    web.now += remote_keys.STALE_SECONDS
    with pytest.raises(CannotFetch):
        await kids(keys, "first")


async def test_a_key_that_is_no_longer_published_is_no_longer_used(web: Web, keys: RemoteKeys):
    await kids(keys, "first")
    web.body = web.of(SECOND)
    web.now += 601
    assert await kids(keys, "first") == ["second"]


async def test_callers_of_one_url_share_a_fetch_and_a_url_that_hangs_holds_up_nobody_else(web: Web, keys: RemoteKeys):
    web.hanging = asyncio.Event()
    waiting = [asyncio.create_task(kids(keys, "first")) for _ in range(20)]
    assert await kids(keys, "first", "https://other.example.com/jwks") == ["first"]
    assert web.asked == 2
    assert not any(task.done() for task in waiting)
    waiting[0].cancel()
    web.hanging.set()
    assert await asyncio.gather(*waiting[1:]) == [["first"]] * 19


async def test_no_more_urls_are_remembered_than_so_many(web: Web, keys: RemoteKeys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remote_keys, "MOST_URLS", 3)
    for number in range(10):
        await kids(keys, None, f"https://{number}.example.com/jwks")
    assert len(keys._known) == 3  # pyright: ignore[reportPrivateUsage]


async def test_no_more_keys_of_all_urls_together_are_remembered_than_so_many(
    web: Web, keys: RemoteKeys, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(remote_keys, "MOST_KEPT", 3)
    web.body = web.of(FIRST, SECOND)
    await kids(keys, "first", "https://a.example.com/jwks")
    assert await kids(keys, "first", "https://b.example.com/jwks") == ["first", "second"]
    asked = web.asked
    await kids(keys, "first", "https://b.example.com/jwks")
    assert web.asked == asked
    await kids(keys, "first", "https://a.example.com/jwks")
    assert web.asked == asked + 1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"keys": 7}', b"\xff", b"[" * 50_000, b"<html>"], ids=lambda body: repr(body[:10])
)
def test_what_is_no_jwk_set_is_a_failure(body: bytes):
    with pytest.raises(CannotFetch):
        usable(body)


def test_keys_that_verify_nothing_are_left_out():
    private = dict(ECKey.generate_key("P-256").as_dict(private=True))
    others = [
        {"kty": "oct", "k": "AAAA"},
        {**SECOND, "use": "enc"},
        private,
        7,
        {},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
    ]
    assert [key.kid for key in usable(Web.of(*others, FIRST))] == ["first"]
    assert len(usable(Web.of(*[FIRST] * 1_000))) == remote_keys.MOST_KEYS


async def test_a_url_that_was_not_asked_because_others_hang_gets_no_rest_for_that(web: Web, keys: RemoteKeys):
    web.busy = True
    for _ in range(3):
        with pytest.raises(CannotFetch, match="too many requests"):
            await kids(keys, "first")
    web.busy = False
    assert await kids(keys, "first") == ["first"]
    web.now, web.busy = web.now + 601, True
    assert await kids(keys, "first") == ["first"]  # the old ones, meanwhile

"""Which URLs and addresses a document is fetched from: nothing is connected to here."""

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Any

import pytest

from service.network.addresses import Address, is_public
from service.network.fetching import (
    MOST_AT_ONCE,
    MOST_OF_A_HOST,
    MOST_OF_A_SITE,
    MOST_OF_AN_ASKER,
    AllBusy,
    CannotFetch,
    Fetcher,
    Reach,
    _Place,
)
from service.network.hosts import site
from service.network.resolving import NotResolved, Resolver, TooManyLookUps

PUBLIC, LOOPBACK = "https://auth.example.com", "http://127.0.0.1:8000"
ELSEWHERE = "an address that this server does not connect to"

SPECIAL = [
    "127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "198.18.0.1", "255.255.255.255",
    "::1", "::", "fe80::1", "fe80::1%2", "ff02::1", "fec0::1", "2001::1", "2001:db8::1", "64:ff9b:1::a00:1",
    "::ffff:127.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
]  # fmt: skip
PRIVATE = [
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd00::1", "fc00::1",
    "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b::c0a8:101", "2002:0a00:1::", "::ffff:100.64.0.1",
]  # fmt: skip
UNASSIGNED = ["4000::1", "1::1"]
OUTSIDE = [
    *("8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1", "2a00:1450::1"),
    *("64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1"),
]


@pytest.mark.parametrize("text", [*SPECIAL, *PRIVATE, *UNASSIGNED])
def test_an_address_inside_is_not_public_in_any_form(text: str):
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", OUTSIDE)
def test_an_address_of_the_internet_is_public(text: str):
    assert is_public(ip_address(text))


def meaning(*addresses: str) -> Callable[[int], Any]:
    async def resolve(*_: str) -> list[Address]:
        return [ip_address(each) for each in addresses]

    return lambda _: resolve


async def refused(fetcher: Fetcher, url: str, reach: Reach) -> str:
    with pytest.raises(CannotFetch) as fault:
        await fetcher.get(url, reach=reach, accept="application/json")
    return fault.value.why


@pytest.mark.parametrize("address", [*SPECIAL, *PRIVATE])
async def test_a_stranger_s_name_that_means_an_address_inside_is_not_connected_to(address: str):
    for issuer in (PUBLIC, LOOPBACK):
        why = await refused(Fetcher(issuer, resolve=meaning(address)), "https://c.example/", "public")
        assert ELSEWHERE in why


@pytest.mark.parametrize("address", SPECIAL)
async def test_nor_an_owner_s_name_that_means_this_machine(address: str):
    assert ELSEWHERE in await refused(Fetcher(PUBLIC, resolve=meaning(address)), "https://c.example/", "private_too")


async def test_one_address_inside_is_enough_to_refuse_all():
    resolve = meaning("8.8.8.8", "2606:4700::1", "10.0.0.1")
    assert ELSEWHERE in await refused(Fetcher(PUBLIC, resolve=resolve), "https://c.example/", "public")


@pytest.mark.parametrize(
    "url",
    ["http://c.example/", "http://127.0.0.1/", "ftp://c.example/", "file:///etc/passwd", "", "c.example/", "https:///x",
     "https://u@c.example/", "https://c.example:99999/", "https://[::1", "https://[v1.a]/", "https://c.example[::1]/",
     "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://c.example\\@127.0.0.1/", "https://a b/",
     "https://c.example/\x00", "https://" + "a" * 70 + ".example/"],
)  # fmt: skip
async def test_a_stranger_s_url_is_https_with_a_plain_host(url: str):
    why = await refused(Fetcher(PUBLIC, ["c.example"], meaning("127.0.0.1")), url, "public")
    assert why.startswith("its URL")


async def test_http_is_for_hosts_that_allow_it_and_never_for_a_stranger():
    fetcher = Fetcher(PUBLIC, ["c.internal"], meaning("169.254.169.254"))
    assert ELSEWHERE in await refused(fetcher, "http://c.internal/", "private_too")
    assert await refused(fetcher, "http://other.internal/", "private_too") == "its URL is not https"
    assert await refused(fetcher, "http://c.internal/", "public") == "its URL is not https"


async def test_a_name_that_nobody_knows_is_said():
    async def resolve(*_: str) -> list[Address]:
        raise NotResolved("its host is not known")

    fetcher = Fetcher(PUBLIC, resolve=lambda _: resolve)
    assert await refused(fetcher, "https://c.example/", "public") == "its host is not known"


def test_a_host_has_its_places_and_all_have_theirs():
    place = _Place(None)  # pyright: ignore[reportArgumentType]

    def take(count: int, name: Callable[[int], str]) -> None:
        if count:
            with place.taken(name(count)):
                take(count - 1, name)

    take(MOST_OF_A_HOST, lambda _: "a")
    take(MOST_AT_ONCE, str)
    for count, name in ((MOST_OF_A_HOST + 1, lambda _: "a"), (MOST_AT_ONCE + 1, str)):
        with pytest.raises(CannotFetch, match="too many"):
            take(count, name)
    take(MOST_AT_ONCE, str)


def test_the_hosts_of_one_domain_share_places_if_strangers_chose_them():
    place = _Place(None, MOST_OF_A_SITE)  # pyright: ignore[reportArgumentType]
    with ExitStack() as taken:
        for number in range(MOST_OF_A_SITE):
            taken.enter_context(place.taken(f"{number}.evil.example"))
        with pytest.raises(AllBusy), place.taken("another.evil.example"):
            pass
        taken.enter_context(place.taken("c.good.example"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a.evil.example", "b.c.evil.example", True),
        ("evil.example", "a.evil.example.", True),
        ("evil.example", "good.example", False),
        ("localhost", "localhost", True),
        ("192.0.2.1", "192.0.2.200", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", True),
        ("2001:db8::1", "2001:db8:1::1", False),
    ],
)
def test_a_site_is_what_one_owner_has(one: str, other: str, same: bool):
    assert (site(one) == site(other)) is same


def test_the_networks_of_one_person_share_places_in_ipv6():
    place = _Place(None)  # pyright: ignore[reportArgumentType]
    with ExitStack() as taken:
        for number in range(MOST_OF_AN_ASKER):
            taken.enter_context(place.taken(str(number), f"2001:db8:0:{number}::"))
        with pytest.raises(AllBusy), place.taken("c.example", "2001:db8:0:ffff::"):
            pass
        for asker in ("2001:db8:1::", "192.0.2.1", "192.0.2.2"):
            with place.taken("c.example", asker):
                pass
    with place.taken("c.example", "2001:db8:0:ffff::"):
        pass


async def test_a_look_up_without_a_thread_keeps_no_place(monkeypatch: pytest.MonkeyPatch):
    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    resolve = Resolver(most=1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none)
        with pytest.raises(TooManyLookUps):
            await resolve("c.example", "192.0.2.1")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("192.0.2.1", 0))])
    assert await resolve("c.example", "192.0.2.1") == [ip_address("192.0.2.1")]


def test_who_asks_for_many_documents_takes_few_places():
    place = _Place(None)  # pyright: ignore[reportArgumentType]
    with ExitStack() as taken:
        for number in range(MOST_OF_AN_ASKER):
            taken.enter_context(place.taken(str(number), "one"))
        with pytest.raises(AllBusy), place.taken("c.example", "one"):
            pass
        for asker in ("other", ""):
            taken.enter_context(place.taken("c.example", asker))
    with place.taken("c.example", "one"):
        pass

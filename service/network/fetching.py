"""Fetches documents from URLs that others chose. It connects only to addresses that it checked, so it cannot be used to reach
this machine or its neighbors (server-side request forgery), and each fetch is bounded in time and size.
"""

from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from service.network import hosts
from service.network.addresses import Address, is_local, is_public
from service.network.freshness import Kept
from service.network.places import AllTaken, Places
from service.network.resolving import MOST_OF_A_SITE, MOST_OF_AN_ASKER, Resolve, Resolver

if TYPE_CHECKING:
    from service.network.checked import Checked

MOST_BYTES = 64 * 1024
MOST_AT_ONCE = 16
MOST_OF_A_HOST = 2
KEPT = Kept()
JSON = "application/json"

Reach = Literal["public", "private_too", "trusted"]
"""Who chose the URL: a stranger (only https on the public internet), the owner of a client (private networks too), or an operator (any)."""


class CannotFetch(Exception):
    """Why there is no document, in a few words that contain nothing of the response."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class AllBusy(CannotFetch):
    """Nothing was fetched, because too many other fetches are under way. It says nothing about the URL."""

    def __init__(self) -> None:
        super().__init__("too many requests are under way at this moment")


class Fetched(Struct, frozen=True, kw_only=True):
    """`fresh_until` is in seconds since the epoch."""

    body: bytes
    content_type: str
    fresh_until: float


class Fetcher:
    """One for each process. Each reach has its own places, so URLs that strangers choose never hold up those of registered clients.

    The HTTP client is loaded at the first fetch: it takes five megabytes.
    """

    def __init__(
        self, issuer: str, insecure: Collection[str] = (), resolve: Callable[[int], Resolve] = Resolver
    ) -> None:
        self._insecure = insecure
        self._local = hosts.is_loopback(urlsplit(issuer).hostname)
        self._resolve = resolve
        self._places: dict[Reach, _Place] = {}

    async def get(
        self, url: str, *, reach: Reach, accept: str, most_bytes: int = MOST_BYTES, kept: Kept = KEPT, asker: str = ""
    ) -> Fetched:
        """Return the document at the URL. `accept` has its media types, separated by a comma and a space; application/json also accepts those that
        end in +json.
        `asker` is the network of whoever made this server fetch it, which has few places, so that it cannot take those of all others.

        Raises CannotFetch.
        """
        host = self._host(url, reach)
        place = self._place(reach)
        with place.taken(host, asker):
            return await place.transport.get(url, accept, most_bytes, kept, asker)

    async def aclose(self) -> None:
        for place in self._places.values():
            await place.transport.aclose()

    def _host(self, url: str, reach: Reach) -> str:
        """Raises CannotFetch."""
        try:
            parts = hosts.split(url)
            _ = parts.port
        except ValueError as fault:
            raise CannotFetch("its URL cannot be read") from fault
        host = parts.hostname or ""
        if "@" in parts.netloc or hosts.fault(host):
            raise CannotFetch("its URL does not name a host")
        http = reach != "public" and parts.scheme == "http" and hosts.allows_http(host, self._insecure)
        if parts.scheme != "https" and not http:
            raise CannotFetch("its URL is not https")
        return host

    def _place(self, reach: Reach) -> "_Place":
        if reach not in self._places:
            from service.network.checked import Checked  # noqa: PLC0415

            of_a_site = (
                MOST_OF_A_SITE if reach == "public" else MOST_AT_ONCE
            )  # a company has many hosts in its own domain
            self._places[reach] = _Place(Checked(self._resolve(of_a_site), self._allowed(reach)), of_a_site)
        return self._places[reach]

    def _allowed(self, reach: Reach) -> Callable[[Address], bool]:
        """Loopback is this server's own machine, so an owner may name it only if the issuer is there too, during development."""
        match reach:
            case "public":
                return is_public
            case "private_too":
                return _any if self._local else _not_local
            case "trusted":
                return _any


class _Place:
    """The fetches of one reach that are under way."""

    def __init__(self, transport: "Checked", of_a_site: int = MOST_AT_ONCE) -> None:
        self.transport = transport
        self._places = Places(MOST_AT_ONCE, of_a_host=MOST_OF_A_HOST, of_a_site=of_a_site, of_an_asker=MOST_OF_AN_ASKER)

    @contextmanager
    def taken(self, host: str, asker: str = "") -> Generator[None]:
        """Raises AllBusy at once, and not after waiting, if too many fetches are under way."""
        try:
            self._places.take(host, asker)
        except AllTaken as fault:
            raise AllBusy from fault
        try:
            yield
        finally:
            self._places.leave(host, asker)


def _any(_: Address) -> bool:
    return True


def _not_local(address: Address) -> bool:
    return not is_local(address)

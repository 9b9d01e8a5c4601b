"""Signed request objects at registered URLs (RFC 9101 section 5.2, OpenID Connect Core 1.0 section 6.2): which URL a client may name, and
the object there.

None is kept, for a client may put the next request at the same URL. Those who need the same URL at the same time wait for one fetch, so
one that hangs holds up nobody else.
"""

import asyncio
import re
from collections.abc import Collection
from hashlib import sha256
from typing import Protocol

from service.crypto.base64url import as_text
from service.network.fetching import AllBusy, CannotFetch, Fetched, Reach
from service.oauth.client_signatures import LONGEST
from service.oauth.parameters import Fault
from service.oauth.remote_keys import Count, uncounted

ACCEPT = "application/oauth-authz-req+jwt, application/jwt, application/octet-stream, text/plain"
"""The first is the type of RFC 9101 section 10.2. The last two are what web servers say of a file whose name they do not know."""

NOT_REGISTERED = (
    "The request_uri is not registered for this client. Register this exact address in its requestUris (request_uris), or send the"
    " parameters themselves."
)
NONE_REGISTERED = "This client has no registered request_uri. Register the address in its requestUris (request_uris), or send the parameters themselves."
BOTH = "Send either the parameter request or request_uri, and not both (RFC 9101 section 5)."
OTHER_HASH = (
    "The object at the request_uri is not the one whose SHA-256 its fragment names. Publish that object, or send the fragment of this one"
    " (OpenID Connect Core 1.0 section 6.2)."
)
BUSY = "The request_uri could not be fetched: too many other requests are under way at this moment. Try again."

_hash = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch


class BadRequestUri(Fault):
    def __init__(self, why: str) -> None:
        super().__init__("invalid_request_uri", why)


class Fetches(Protocol):
    async def get(self, url: str, *, reach: Reach, accept: str, most_bytes: int, asker: str) -> Fetched: ...


def address_of(request_uri: str, registered: Collection[str]) -> str:
    """Return the URL to fetch: without the fragment, it is one of those registered. Raises BadRequestUri."""
    address = request_uri.partition("#")[0]
    if address not in {each.partition("#")[0] for each in registered}:
        raise BadRequestUri(NOT_REGISTERED)
    return address


def _is_named(body: bytes, fragment: str) -> bool:
    return not _hash(fragment) or fragment == as_text(sha256(body).digest())


class RemoteRequests:
    """One for each process. Its fetcher is its own: however many URLs hang, those of keys and documents have their places."""

    def __init__(self, fetcher: Fetches, count: Count = uncounted) -> None:
        self._fetcher, self._count = fetcher, count
        self._under_way: dict[tuple[Reach, str], asyncio.Task[bytes | CannotFetch]] = {}

    async def find(self, request_uri: str, registered: Collection[str], *, reach: Reach, asker: str) -> str:
        """Return the text at the URL, which nobody has verified. `asker` is the network of the browser. Raises BadRequestUri."""
        url, fragment = address_of(request_uri, registered), request_uri.partition("#")[2]
        is_early = (reach, url) in self._under_way
        body = await self._fetched(url, reach, asker)
        if is_early and not _is_named(body, fragment):  # that fetch may have begun before the object was published
            body = await self._fetched(url, reach, asker)
        if not _is_named(body, fragment):
            raise BadRequestUri(OTHER_HASH)
        return body.decode("ascii", "replace").strip()

    async def _fetched(self, url: str, reach: Reach, asker: str) -> bytes:
        """One who is cancelled does not stop the fetch for the others. Raises BadRequestUri."""
        if (reach, url) not in self._under_way:
            self._under_way[reach, url] = asyncio.create_task(self._fetch(url, reach, asker))
        match await asyncio.shield(self._under_way[reach, url]):
            case AllBusy():
                raise BadRequestUri(BUSY)
            case CannotFetch() as fault:
                raise BadRequestUri(
                    f"The request_uri could not be used: {fault.why}. It must answer within 5 seconds, without a redirect, with the signed"
                    f" JWT as application/oauth-authz-req+jwt, of at most {LONGEST} bytes."
                )
            case body:
                return body

    async def _fetch(self, url: str, reach: Reach, asker: str) -> bytes | CannotFetch:
        """The fault is returned, for nobody may be waiting for it any more."""
        try:
            found = await self._fetcher.get(url, reach=reach, accept=ACCEPT, most_bytes=LONGEST, asker=asker)
        except CannotFetch as fault:
            self._count("busy" if isinstance(fault, AllBusy) else "failed")
            return fault
        else:
            self._count("fetched")
            return found.body
        finally:
            del self._under_way[reach, url]

    async def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

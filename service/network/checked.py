"""The HTTP of `Fetcher`: a connection to an address that was checked, and a response within bounds."""

import time
from collections.abc import Callable

import httpx

from service.network.addresses import Address
from service.network.fetching import JSON, AllBusy, CannotFetch, Fetched
from service.network.freshness import Kept, fresh_seconds
from service.network.outgoing import bounded
from service.network.pinned import Pinned
from service.network.resolving import NotResolved, Resolve, TooManyLookUps
from service.tracing.spans import outgoing

TOTAL_SECONDS = 5
CONNECT_SECONDS = 2
MOST_ADDRESSES = 4
ASKER = "asker"


class Checked(Pinned):
    """Checks every address of a name. It is no client: it keeps no cookies and follows no redirects."""

    def __init__(self, resolve: Resolve, allowed: Callable[[Address], bool]) -> None:
        super().__init__()
        self._resolve, self._allowed = resolve, allowed

    async def get(self, url: str, accept: str, most_bytes: int, kept: Kept, asker: str) -> Fetched:
        """Raises CannotFetch."""
        with outgoing("client") as sent:
            async with bounded(TOTAL_SECONDS, CannotFetch):
                answer = await self.handle_async_request(_request(url, accept, asker))
                try:
                    sent.status = answer.status_code
                    _check(answer, accept)
                    body = await _body(answer, most_bytes)
                finally:
                    await answer.aclose()
        now = time.time()
        fresh_until = now + fresh_seconds(answer.headers, now, kept)
        return Fetched(body=body, content_type=_type(answer), fresh_until=fresh_until)

    async def addresses(self, request: httpx.Request) -> list[Address]:
        """Raises CannotFetch."""
        try:
            addresses = await self._resolve(request.url.raw_host.decode(), request.extensions[ASKER])
        except TooManyLookUps as fault:
            raise AllBusy from fault
        except NotResolved as fault:
            raise CannotFetch(str(fault)) from fault
        if not all(map(self._allowed, addresses)):
            raise CannotFetch("its host has an address that this server does not connect to")
        return addresses[:MOST_ADDRESSES]


def _request(url: str, accept: str, asker: str) -> httpx.Request:
    headers = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": "Muniment"}
    timeouts = httpx.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS).as_dict()
    try:
        return httpx.Request("GET", url, headers=headers, extensions={"timeout": timeouts, ASKER: asker})
    except httpx.InvalidURL as fault:
        raise CannotFetch("its URL cannot be read") from fault


def _check(answer: httpx.Response, accept: str) -> None:
    """Refuse compressed bodies, which could expand beyond every bound (a decompression bomb). Raises CannotFetch."""
    if answer.status_code != httpx.codes.OK.value:
        raise CannotFetch(f"it answered {answer.status_code} instead of 200")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise CannotFetch("its response is compressed, which nobody asked for")
    given = _type(answer)
    if given not in accept.split(", ") and not (
        accept == JSON and given.startswith("application/") and given.endswith("+json")
    ):
        raise CannotFetch(f"its response is not {accept}")


async def _body(answer: httpx.Response, most_bytes: int) -> bytes:
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > most_bytes:
            raise CannotFetch(f"its response is longer than {most_bytes} bytes")
    return bytes(body)


def _type(answer: httpx.Response) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()

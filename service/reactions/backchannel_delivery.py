"""Sends a logout token to a client (OpenID Connect Back-Channel Logout 1.0 section 2.5)."""

import asyncio
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from service.network import hosts
from service.network.addresses import Address, is_local
from service.network.outgoing import bounded
from service.network.pinned import Pinned
from service.reactions.not_delivered import NotTaken, NotWanted
from service.tracing.spans import outgoing

TIMEOUT_SECONDS = 5
MOST_ADDRESSES = 4


class Looked(Pinned):
    """Connects to those addresses of a client's host that a token may be sent to."""

    def __init__(self, *, local: bool) -> None:
        super().__init__()
        self._local = local

    async def addresses(self, request: httpx.Request) -> list[Address]:
        """Return at least one address. Raises NotTaken and NotWanted."""
        name = request.url.raw_host.decode()
        try:
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as fault:
            raise NotTaken("its host is not known") from fault
        addresses = [ip_address(each[4][0]) for each in found]
        usable = addresses if self._local else [each for each in addresses if not is_local(each)]
        if not usable:
            raise NotWanted("its host is not on the public network")
        return usable[:MOST_ADDRESSES]


class Delivery:
    """Uses no proxy from the environment and follows no redirect, so a token goes only to the URI that the client registered.

    It does not connect to loopback, link-local or other special addresses, unless `issuer` is on loopback itself.
    """

    def __init__(self, issuer: str) -> None:
        transport = Looked(local=hosts.is_loopback(urlsplit(issuer).hostname))
        self._http = httpx.AsyncClient(
            transport=transport, trust_env=False, follow_redirects=False, timeout=TIMEOUT_SECONDS
        )

    async def send(self, uri: str, token: str) -> None:
        """Return if the client accepted the token, else raises NotTaken. Only the status of the response is read."""
        with outgoing("back-channel logout") as sent:
            async with (
                bounded(2 * TIMEOUT_SECONDS, NotTaken),
                self._http.stream("POST", uri, data={"logout_token": token}, headers=dict(sent.headers)) as answer,
            ):
                sent.status = answer.status_code
            if sent.status not in (200, 204):
                raise NotTaken(f"it answered {sent.status}")

    async def aclose(self) -> None:
        await self._http.aclose()

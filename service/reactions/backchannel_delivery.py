"""Sending a logout token to a client (OpenID Connect Back-Channel Logout 1.0 section 2.5)."""

import asyncio
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from service.network import hosts
from service.network.addresses import Address, is_local
from service.reactions.not_delivered import NotTaken, NotWanted

TIMEOUT_SECONDS = 5
MOST_ADDRESSES = 4


class Looked(httpx.AsyncHTTPTransport):
    """Connects to the very address that was looked at: a name that means another one a moment later leads nowhere else."""

    def __init__(self, *, local: bool) -> None:
        # A connection is its client's alone, though another's may have the same address.
        limits = httpx.Limits(max_keepalive_connections=0)
        # Of the environment, SSL_CERT_FILE and SSL_CERT_DIR alone: a company's own CA is for the operator to name.
        super().__init__(trust_env=False, limits=limits, verify=httpx.create_ssl_context())
        self._local = local

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.raw_host.decode()
        request.extensions = {**request.extensions, "sni_hostname": name}
        *others, last = await self._addresses(name)
        for address in others:
            try:
                return await self._sent(request, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._sent(request, last)

    async def _addresses(self, name: str) -> list[Address]:
        """At least one. Raises NotTaken and NotWanted."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as fault:
            raise NotTaken("its host is not known") from fault
        addresses = [ip_address(each[4][0]) for each in found]
        usable = addresses if self._local else [each for each in addresses if not is_local(each)]
        if not usable:
            raise NotWanted("its host is not on the public network")
        return usable[:MOST_ADDRESSES]

    async def _sent(self, request: httpx.Request, address: Address) -> httpx.Response:
        request.url = request.url.copy_with(host=str(address))
        return await super().handle_async_request(request)


class Delivery:
    """No proxy from the environment, no redirect followed: it goes where the client said, and nowhere else.

    Nor does it go to this machine, or what is linked to it, unless `issuer` is there itself.
    """

    def __init__(self, issuer: str) -> None:
        transport = Looked(local=hosts.is_loopback(urlsplit(issuer).hostname))
        self._http = httpx.AsyncClient(
            transport=transport, trust_env=False, follow_redirects=False, timeout=TIMEOUT_SECONDS
        )

    async def send(self, uri: str, token: str) -> None:
        """Returns when the client took it, else raises NotTaken. Of its answer the status is all that is read."""
        try:
            async with (
                asyncio.timeout(2 * TIMEOUT_SECONDS),
                self._http.stream("POST", uri, data={"logout_token": token}) as answer,
            ):
                status = answer.status_code
        except (TimeoutError, httpx.TimeoutException) as fault:
            raise NotTaken("it did not answer in time") from fault
        except httpx.ConnectError as fault:
            raise NotTaken("it could not be connected to") from fault
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as fault:
            raise NotTaken("what it answered was not HTTP, or the connection broke") from fault
        if status not in (200, 204):
            raise NotTaken(f"it answered {status}")

    async def aclose(self) -> None:
        await self._http.aclose()

"""Requests to addresses that were checked: a host name that resolves to another address a moment later (DNS rebinding) is harmless."""

from abc import abstractmethod
from collections.abc import Sequence

import httpx

from service.network.addresses import Address
from service.network.trust import trusted


class Pinned(httpx.AsyncHTTPTransport):
    """Looks a name up once, and connects to one of the addresses that it may. TLS and the Host header keep the name.

    It uses no proxy of the environment, and no connection twice. Of the environment, only SSL_CERT_FILE and SSL_CERT_DIR are used, by
    which an operator names a company's own CA.
    """

    def __init__(self) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        super().__init__(trust_env=False, limits=limits, verify=trusted())

    @abstractmethod
    async def addresses(self, request: httpx.Request) -> Sequence[Address]:
        """Return at least one address of the host to which the request may be sent, or raise an error of the caller's."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.raw_host.decode()}
        *others, last = await self.addresses(request)
        for address in others:
            try:
                return await self._sent(request, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._sent(request, last)

    async def _sent(self, request: httpx.Request, address: Address) -> httpx.Response:
        request.url = request.url.copy_with(host=str(address))
        return await super().handle_async_request(request)

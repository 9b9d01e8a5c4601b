"""Looks up the addresses of host names, in threads of its own: a name server that does not answer holds up nothing else."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from service.network.addresses import Address

MOST_LOOK_UPS = 16

Resolve = Callable[[str], Awaitable[list[Address]]]


class NotResolved(Exception):
    """Why the name has no address, in a few words."""


class Resolver:
    """The system's resolver may take half a minute, and cannot be stopped. So its threads are counted until they end, and are daemons.

    The event loop's own threads are not used: others wait for them.
    """

    def __init__(self, most: int = MOST_LOOK_UPS) -> None:
        self._free = threading.Semaphore(most)

    async def __call__(self, name: str) -> list[Address]:
        """Return at least one address. Raises NotResolved."""
        if not self._free.acquire(blocking=False):
            raise NotResolved("too many host names are being looked up at this moment")
        loop = asyncio.get_running_loop()
        found = loop.create_future()
        threading.Thread(target=self._look_up, args=(name, loop, found), daemon=True, name="look-up").start()
        addresses = await found
        if not addresses:
            raise NotResolved("its host is not known")
        return addresses

    def _look_up(self, name: str, loop: asyncio.AbstractEventLoop, found: asyncio.Future[list[Address]]) -> None:
        try:
            addresses = _addresses(name)
        finally:
            self._free.release()
        try:
            loop.call_soon_threadsafe(_answer, found, addresses)
        except RuntimeError:
            return  # the loop was closed meanwhile


def _addresses(name: str) -> list[Address]:
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        return []
    return [ip_address(each[4][0]) for each in answers]


def _answer(found: asyncio.Future[list[Address]], addresses: list[Address]) -> None:
    if not found.done():
        found.set_result(addresses)

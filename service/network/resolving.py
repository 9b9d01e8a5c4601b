"""Looks up the addresses of host names, in threads of its own: a name server that does not answer holds up nothing else."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from service.network.addresses import Address
from service.network.places import AllTaken, Places

MOST_LOOK_UPS = 16
MOST_OF_A_SITE, MOST_OF_AN_ASKER = 4, 4

Resolve = Callable[[str, str], Awaitable[list[Address]]]
"""Of a name, and of the network of whoever asked for it."""


class NotResolved(Exception):
    """Why the name has no address, in a few words."""


class TooManyLookUps(NotResolved):
    """The name was not looked up. It says nothing about the name."""

    def __init__(self) -> None:
        super().__init__("too many host names are being looked up at this moment")


class Resolver:
    """The system's resolver may take half a minute, and cannot be stopped. So its threads are counted until they end, and are daemons.

    The event loop's own threads are not used: others wait for them. One domain and one asker take few of them, however long its name
    servers do not answer.
    """

    def __init__(self, of_a_site: int = MOST_OF_A_SITE, most: int = MOST_LOOK_UPS) -> None:
        self._places = Places(most, of_a_host=most, of_a_site=of_a_site, of_an_asker=MOST_OF_AN_ASKER)

    async def __call__(self, name: str, asker: str = "") -> list[Address]:
        """Return at least one address. Raises NotResolved."""
        try:
            self._places.take(name, asker)
        except AllTaken as fault:
            raise TooManyLookUps from fault
        loop = asyncio.get_running_loop()
        found = loop.create_future()
        thread = threading.Thread(target=self._look_up, args=(name, asker, loop, found), daemon=True, name="look-up")
        try:
            thread.start()
        except RuntimeError as fault:  # the operating system has no thread for this process
            self._places.leave(name, asker)
            raise TooManyLookUps from fault
        addresses = await found
        if not addresses:
            raise NotResolved("its host is not known")
        return addresses

    def _look_up(
        self, name: str, asker: str, loop: asyncio.AbstractEventLoop, found: asyncio.Future[list[Address]]
    ) -> None:
        try:
            addresses = _addresses(name)
        finally:
            self._places.leave(name, asker)
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

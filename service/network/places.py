"""How much of something is under way at once: in all, for one host or site, and for one asker."""

import threading
from ipaddress import IPv6Address, ip_address

from service.network.hosts import site


class AllTaken(Exception):
    """There is no place for one more at this moment."""


OF_ONE = 48
"""Bits of an IPv6 network that one person may have for nothing, such as from a tunnel broker: it has 65,536 networks of households."""


class Places:
    """Places that strangers compete for. They may be given back by another thread than the one that took them."""

    def __init__(self, most: int, *, of_a_host: int, of_a_site: int, of_an_asker: int) -> None:
        self._most, self._of_a_host, self._of_a_site, self._of_an_asker = most, of_a_host, of_a_site, of_an_asker
        self._taken: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def take(self, host: str, asker: str = "") -> None:
        """`asker` is the network of whoever asked; "" is nobody in particular. Raises AllTaken at once, and not after waiting."""
        asker = _one(asker)
        with self._lock:
            if not self._has_room(host, asker):
                raise AllTaken
            self._taken.append((host, asker))

    def leave(self, host: str, asker: str = "") -> None:
        with self._lock:
            self._taken.remove((host, _one(asker)))

    def _has_room(self, host: str, asker: str) -> bool:
        near = site(host)
        return (
            len(self._taken) < self._most
            and sum(each == host for each, _ in self._taken) < self._of_a_host
            and sum(site(each) == near for each, _ in self._taken) < self._of_a_site
            and sum(each == asker != "" for _, each in self._taken) < self._of_an_asker
        )


def _one(asker: str) -> str:
    """Return what all networks of one person have in common: else a stranger could take every place with a few of theirs."""
    try:
        address = ip_address(asker)
    except ValueError:
        return asker
    if not isinstance(address, IPv6Address):
        return asker
    spare = address.max_prefixlen - OF_ONE
    return str(IPv6Address(int(address) >> spare << spare))

"""Which hosts are this machine or its neighbors: a server that sends requests to URLs that others chose must not reach them (SSRF)."""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from service.network.hosts import is_loopback

Address = IPv4Address | IPv6Address

SPECIAL_4 = tuple(
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
SPECIAL_6 = tuple(
    IPv6Network(network)
    for network in (
        *("::/127", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001:db8::/32"),
        *("3fff::/20", "5f00::/16", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
"""IANA's special-purpose and multicast registries (RFC 6890), without the private and shared networks in which companies run clients.
`is_global` is not used: it differs between Python versions, and counts fec0::/10 as global.
"""

PRIVATE_4 = tuple(
    IPv4Network(network) for network in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
)
GLOBAL_6 = IPv6Network("2000::/3")
"""All global unicast addresses that IANA has assigned are in it."""

NAT64 = IPv6Network("64:ff9b::/96")
TRANSLATED = IPv6Network("::ffff:0:0:0/96")
COMPATIBLE = IPv6Network("::/96")


def literal(host: str) -> Address | None:
    """Return the address that this host is written as, in every notation that resolvers accept (127.1, 0x7f000001)."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def is_local(address: Address) -> bool:
    """Whether the address is loopback, link-local, multicast or otherwise special, also if it is an IPv4 address inside IPv6.
    Private addresses are not: companies run clients in networks of their own.
    """
    inner = _inner(address)
    if isinstance(inner, IPv4Address):
        return any(inner in network for network in SPECIAL_4)
    return any(inner in network for network in SPECIAL_6)


def is_public(address: Address) -> bool:
    """Whether the address is on the public internet: neither special, nor of a private or shared network."""
    if is_local(address):
        return False
    inner = _inner(address)
    if isinstance(inner, IPv4Address):
        return not any(inner in network for network in PRIVATE_4)
    return inner in GLOBAL_6


def is_inside(host: str) -> bool:
    """Whether the host is written as an address of this machine or of a private network."""
    address = literal(host)
    if address is None:
        return is_loopback(host.rstrip(".").lower())
    return is_local(address) or _inner(address).is_private


def _inner(address: Address) -> Address:
    """Return the IPv4 address in an IPv6 address, if it has one (RFC 4291 section 2.5.5, RFC 6052, RFC 2765, RFC 3056)."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    value = int(address) & 0xFFFF_FFFF
    compatible = address in COMPATIBLE and value > 1
    return IPv4Address(value) if compatible or address in NAT64 or address in TRANSLATED else address

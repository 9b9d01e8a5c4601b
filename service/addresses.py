"""Which hosts are this machine, or what is beside it: a server that speaks to an address somebody else named stays away from them."""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from service.hosts import is_loopback

Address = IPv4Address | IPv6Address

THIS_NETWORK = IPv4Network("0.0.0.0/8")
NAT64 = IPv6Network("64:ff9b::/96")


def literal(host: str) -> Address | None:
    """The address that this host is written as, in whichever way resolvers understand it (127.1, 0x7f000001)."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def is_local(address: Address) -> bool:
    """Loopback, link-local, multicast and unspecified addresses, in IPv6's ways of writing IPv4 too. Private ones are not:
    companies run clients in networks of their own.
    """
    inner = _inner(address)
    if isinstance(inner, IPv4Address) and inner in THIS_NETWORK:
        return True
    return inner.is_loopback or inner.is_link_local or inner.is_multicast or inner.is_unspecified


def is_inside(host: str) -> bool:
    """Whether the host is written as an address of this machine or of a private network."""
    address = literal(host)
    if address is None:
        return is_loopback(host.rstrip(".").lower())
    return is_local(address) or _inner(address).is_private


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, if it stands for one (RFC 4291 section 2.5.5, RFC 6052)."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    value = int(address) & 0xFFFF_FFFF
    compatible = int(address) >> 32 == 0 and value > 1
    return IPv4Address(value) if compatible or address in NAT64 else address

"""Host names: which are well formed, which are this machine, and which allow plain http."""

import re
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

import idna

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""The names of this machine in RFC 8252 section 7.3 and RFC 6761 section 6.3. Every name below localhost is this machine too."""

MOST_CHARACTERS = 253
_label = re.compile(r"[a-z0-9_]([a-z0-9_\-]{0,61}[a-z0-9_])?").fullmatch
_in_brackets = re.compile(r"\[[0-9A-Fa-f:.]+\](:.*)?").fullmatch
_number = re.compile(r"[0-9]+|0x[0-9a-f]*").fullmatch


def split(uri: str) -> SplitResult:
    """Split the URI into its parts. Raises ValueError if its host has brackets and is not exactly an IPv6 address in brackets.

    Before 3.11.12, 3.12.9 and 3.13.2, Python reads `example.com[::1]` as the host ::1 (CVE-2025-0938). Every version accepts `[v1.a]`.
    """
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    if ("[" in host or "]" in host) and not _in_brackets(host):
        raise ValueError(uri)
    return parts


def is_loopback(host: str | None) -> bool:
    """Whether the name, in lower case, is this machine. Browsers never send a name below localhost to a DNS server."""
    return host is not None and (host in LOOPBACK or host.endswith(".localhost"))


def site(host: str) -> str:
    """Return what one owner has at least: the last two labels of a name (whoever has a domain has every name below it), or the network of an
    IP address. This needs no list of public suffixes: below one of two labels, such as co.uk, different owners count together.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return ".".join(host.removesuffix(".").split(".")[-2:])
    return str(ip_network((int(address), 24 if address.version == 4 else 56), strict=False))


def allows_http(host: str | None, insecure: Collection[str]) -> bool:
    """Whether the host allows plain http: this machine does, and the hosts in MUNIMENT_INSECURE_HTTP_HOSTS do."""
    return is_loopback(host) or host in insecure


def fault(host: str) -> str | None:
    """Return what is wrong with a host in lower case, as `urlsplit` returns it. It must be a name (RFC 1123 section 2.1) or an IP address."""
    if ":" in host:
        return None if _is_address(IPv6Address, host) else "is not an IPv6 address"
    labels = host.removesuffix(".").split(".")
    if _number(labels[-1]):
        return None if _is_address(IPv4Address, host) else "ends in a number and is no IPv4 address of four numbers"
    if len(host) > MOST_CHARACTERS or not all(map(_label, labels)):
        return f"is not a host name: up to {MOST_CHARACTERS} characters, its parts of 1 to 63 letters, digits and inner hyphens"
    return None


def in_ascii(host: str) -> str | None:
    """Return an internationalized host name as it is written in a URI (RFC 5891), or None if it has no such form."""
    if len(host) > MOST_CHARACTERS:
        return None
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None


def _is_address(kind: type[IPv4Address] | type[IPv6Address], host: str) -> bool:
    try:
        kind(host)
    except ValueError:
        return False
    return True

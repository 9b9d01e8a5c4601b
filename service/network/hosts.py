"""Names of hosts: which are well formed, which are this machine, and which may be reached by plain http."""

import re
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

import idna

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""This machine, by the names that RFC 8252 section 7.3 and RFC 6761 section 6.3 give it; beside them every name below localhost."""

MOST_CHARACTERS = 253
_label = re.compile(r"[a-z0-9_]([a-z0-9_\-]{0,61}[a-z0-9_])?").fullmatch
_in_brackets = re.compile(r"\[[0-9A-Fa-f:.]+\](:.*)?").fullmatch
_number = re.compile(r"[0-9]+|0x[0-9a-f]*").fullmatch


def split(uri: str) -> SplitResult:
    """The URI's parts. Raises ValueError when its host has brackets that are not those of an IPv6 address alone.

    Before 3.11.12, 3.12.9 and 3.13.2 Python takes `example.com[::1]` for the host ::1 (CVE-2025-0938), and it always takes `[v1.a]`.
    """
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    if ("[" in host or "]" in host) and not _in_brackets(host):
        raise ValueError(uri)
    return parts


def is_loopback(host: str | None) -> bool:
    """Whether the name, in lower case, is one of this machine. Browsers never ask anybody else for a name below localhost."""
    return host is not None and (host in LOOPBACK or host.endswith(".localhost"))


def allows_http(host: str | None, insecure: Collection[str]) -> bool:
    """Whether plain http may be spoken with the host: with this machine, and with those that MUNIMENT_INSECURE_HTTP_HOSTS names."""
    return is_loopback(host) or host in insecure


def fault(host: str) -> str | None:
    """What is wrong with a host in lower case, as `urlsplit` gives it: a name (RFC 1123 section 2.1) or an IP address."""
    if ":" in host:
        return None if _is_address(IPv6Address, host) else "is not an IPv6 address"
    labels = host.removesuffix(".").split(".")
    if _number(labels[-1]):
        return None if _is_address(IPv4Address, host) else "ends in a number and is no IPv4 address of four numbers"
    if len(host) > MOST_CHARACTERS or not all(map(_label, labels)):
        return f"is not a host name: up to {MOST_CHARACTERS} characters, its parts of 1 to 63 letters, digits and inner hyphens"
    return None


def in_ascii(host: str) -> str | None:
    """An internationalized host name as it is written in a URI (RFC 5891), or None where there is no such form."""
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

"""The rules for an issuer URL, of this server and of an upstream OpenID Provider."""

import re
from urllib.parse import urlsplit

from service.network import hosts

DEFAULT_PORTS = {"https": 443, "http": 80}

_url_characters = re.compile(r"[A-Za-z0-9\-._~:/\[\]%!$&'()*+,;=]*").fullmatch
"""The characters of a URL without user, query and fragment."""


def fault(text: str, insecure: frozenset[str]) -> str | None:
    """Check RFC 8414 section 2: https without query or fragment. Plain http is for this machine and the hosts named as insecure."""
    try:
        parts = hosts.split(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if not host or not _url_characters(text) or text.endswith("/"):
        return "is not a URL with a host and without user, query, fragment or a slash at its end"
    if unusable := hosts.fault(host):
        return f"has the host {host}, which {unusable}"
    if {"", ".", ".."} & set(parts.path.split("/")[1:]):
        return "has // or a part of dots in its path, which proxies and clients shorten to another path"
    if parts.scheme == "https" or (parts.scheme == "http" and hosts.allows_http(host, insecure)):
        return None
    return "must be https (plain http is for 127.0.0.1, localhost and [::1] only, or a host in MUNIMENT_INSECURE_HTTP_HOSTS)"


def origin_fault(issuer: str) -> str | None:
    """Check that the issuer is written as browsers write an origin (RFC 6454 section 4), because Origin headers are compared with it."""
    parts = urlsplit(issuer)
    if parts.netloc != parts.netloc.lower() or parts.port == DEFAULT_PORTS[parts.scheme]:
        return "must have its host in lower case, and must not name the default port of its scheme"
    return None

"""Which redirect URIs, and which URIs for back-channel logout, may be registered (RFC 6749 section 3.1.2, RFC 8252 section 7, RFC 9700 section 4.1)."""

import re
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_uri_characters = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%#]*").fullmatch
_private_scheme = re.compile(r"[a-z][a-z0-9+\-]*(\.[a-z0-9+\-]+)+").fullmatch


def faults(uri: str) -> list[str]:
    """Everything that is wrong with it, as what to say to its owner."""
    if "*" in uri:
        return ["must not contain a wildcard (*); register each redirect URI as it is"]
    if not uri.strip() or not _uri_characters(uri):
        return ["must be a URI: no spaces, backslashes or characters outside ASCII (percent-encode them)"]
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ["is not a URI that can be read"]
    if not parts.scheme:
        return ["must be absolute, such as https://app.example.com/oauth/callback"]
    found: list[str] = []
    if "#" in uri:
        found.append("must not have a fragment (#)")
    if "@" in parts.netloc:
        found.append("must not have user information (user@)")
    return found + _scheme_faults(parts.scheme, host, port)


def backchannel_faults(uri: str, issuer: str) -> list[str]:
    """The same of a URI that this server sends to by itself (OpenID Connect Back-Channel Logout 1.0 section 2.2).

    Loopback is this server's own, so it is only for one that is on loopback itself, where somebody tries things out.
    """
    if not uri.startswith(("https://", "http://")):
        return ["must begin with https:// (http:// is for 127.0.0.1, localhost and [::1] only)"]
    found = faults(uri)
    if not found and urlsplit(uri).hostname in LOOPBACK and urlsplit(issuer).hostname not in LOOPBACK:
        return ["must not be on loopback, which is this server's own"]
    return found


def _scheme_faults(scheme: str, host: str | None, port: int | None) -> list[str]:
    if scheme in ("https", "http"):
        if not host:
            return ["must name a host"]
        if port == 0:
            return ["must not name port 0"]
        if scheme == "http" and host not in LOOPBACK:
            return ["must be https; plain http is for 127.0.0.1, localhost and [::1] only"]
        return []
    if _private_scheme(scheme):
        return []
    return [
        f"must be https, http on loopback, or an app's own scheme such as com.example.app:/callback, not {scheme[:20]}:"
    ]

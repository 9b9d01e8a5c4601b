"""Which redirect URIs and back-channel logout URIs may be registered (RFC 6749 section 3.1.2, RFC 8252 section 7, RFC 9700 section 4.1)."""

import re
from collections.abc import Collection
from urllib.parse import parse_qsl, urlsplit

from service.network import hosts

ANSWERED = frozenset({"code", "state", "iss", "error", "error_description", "error_uri", "session_state"})
"""Parameters that the authorization response adds to the query. A second parameter of the same name could be read instead of ours."""

DANGEROUS = frozenset(
    [
        "about",
        "blob",
        "chrome",
        "data",
        "file",
        "filesystem",
        "ftp",
        "ftps",
        "intent",
        "jar",
        "javascript",
        "livescript",
        "mailto",
        "mhtml",
        "mocha",
        "res",
        "resource",
        "sms",
        "tel",
        "urn",
        "vbscript",
        "view-source",
        "ws",
        "wss",
    ]
)
"""Schemes that the browser or the operating system handles itself. No app receives a code through them."""

_uri_characters = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%#]*").fullmatch
_scheme = re.compile(r"([^:/?#]*):").match
_scheme_characters = re.compile(r"[A-Za-z][A-Za-z0-9+\-.]*").fullmatch
_http_host = re.compile(r"(https?)://([^/?#@:\[\]\\]*)", re.IGNORECASE).match


def faults(uri: str, insecure: Collection[str] = (), *, public: bool = True) -> list[str]:
    """Return every fault of the URI, as a text for the client's owner. Plain http is allowed to `insecure` hosts.

    Only a public client may have a short scheme such as vscode: an app on a user's device can keep no secret.
    """
    unreadable = _unreadable(uri)
    if unreadable is not None:
        return [unreadable]
    parts = urlsplit(uri)
    found: list[str] = []
    if "#" in uri:
        found.append("must not have a fragment (#)")
    if "@" in parts.netloc:
        found.append("must not have user information (user@)")
    taken = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} & ANSWERED)
    if taken:
        found.append(f"must not have {', '.join(taken)} in its query: the authorization response adds it there")
    if parts.scheme in ("https", "http"):
        return found + _host_faults(parts.scheme, parts.hostname or "", parts.port, insecure)
    return found + _app_faults(parts.scheme, public=public)


def has_short_scheme(uri: str) -> bool:
    """Whether the URI has an app's own scheme, such as `vscode`, without the reversed domain name that RFC 8252 section 7.1 requires.

    One that cannot be read has none.
    """
    return _unreadable(uri) is None and _is_short(urlsplit(uri).scheme)


def backchannel_faults(uri: str, issuer: str, insecure: Collection[str] = ()) -> list[str]:
    """Return every fault of a URI that this server itself sends requests to (OpenID Connect Back-Channel Logout 1.0 section 2.2).

    Loopback is this server's own machine, so it is allowed only if the issuer is on loopback too, during development.
    """
    if not uri.lower().startswith(("https://", "http://")):
        return ["must begin with https:// (http:// is for 127.0.0.1, localhost and [::1] only)"]
    found = faults(uri, insecure)
    if not found and hosts.is_loopback(urlsplit(uri).hostname) and not hosts.is_loopback(urlsplit(issuer).hostname):
        return ["must not be on loopback, which is this server's own"]
    return found


def request_uri_faults(uri: str, issuer: str, insecure: Collection[str] = ()) -> list[str]:
    """Return every fault of the address of a request object, whose fragment may be a hash (OpenID Connect Core 1.0 section 6.2)."""
    return backchannel_faults(uri.partition("#")[0], issuer, insecure)


def page_faults(uri: str) -> list[str]:
    """Return every fault of the address of a page that people may read: it may be anywhere on the web."""
    unreadable = _unreadable(uri)
    if unreadable is not None:
        return [unreadable]
    parts = urlsplit(uri)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return ["must begin with https:// or http:// and a host"]
    return ["must not have user information (user@)"] if "@" in parts.netloc else []


def _unreadable(uri: str) -> str | None:
    """Return the fault of a URI that cannot be split into its parts."""
    if not uri:
        return "must not be empty; leave the field out, or write a URI such as https://app.example.com/oauth/callback"
    if "*" in uri:
        return "must not contain a wildcard (*); register each redirect URI as it is"
    if not _uri_characters(uri):
        return _character_fault(uri)
    named = _scheme(uri)
    if named is None or not named[1]:
        return "must be absolute, such as https://app.example.com/oauth/callback"
    if not _scheme_characters(named[1]):
        return f"has the scheme {named[1][:40]}:, but a scheme begins with a letter and has only letters, digits, +, - and ."
    try:
        parts = hosts.split(uri)
    except ValueError:
        return "is not a URI that can be read: the brackets in its host contain no IPv6 address"
    try:
        _ = parts.port
    except ValueError:
        return "must name a port from 1 to 65535"
    return None


def _character_fault(uri: str) -> str:
    found = _http_host(uri)
    if found and not found[2].isascii():
        ascii_host = hosts.in_ascii(found[2])
        if ascii_host is not None:
            return f"must have its host in ASCII: write {ascii_host} instead of {found[2]}"
    return "must be a URI: no spaces, backslashes or characters outside ASCII (percent-encode them)"


def _host_faults(scheme: str, host: str, port: int | None, insecure: Collection[str]) -> list[str]:
    if not host:
        return ["must name a host"]
    found: list[str] = []
    if scheme == "http" and not hosts.allows_http(host, insecure):
        found.append(
            "must be https; plain http is allowed only for 127.0.0.1, localhost, *.localhost and [::1], and for hosts that the"
            " operator names in MUNIMENT_INSECURE_HTTP_HOSTS"
        )
    fault = hosts.fault(host)
    if fault:
        found.append(f"has the host {host[:80]}, which {fault}")
    if port == 0:
        found.append("must not name port 0")
    return found


def _app_faults(scheme: str, *, public: bool) -> list[str]:
    if scheme in DANGEROUS:
        return [
            f"must be https, http on loopback, or an app's own scheme such as com.example.app:/callback, not {scheme}:"
        ]
    if not public and _is_short(scheme):
        instead = "must be https, or an app's own scheme such as com.example.app:/callback"
        return [f'{instead}; the scheme {scheme[:40]}: is for public clients: register with "public": true']
    return []


def _is_short(scheme: str) -> bool:
    return scheme not in ("https", "http") and "." not in scheme

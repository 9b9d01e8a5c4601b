"""Compare the redirect URI of a request with those that its client registered, and name the parts that differ."""

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

PARTS = ("scheme", "host", "port", "path", "query", "fragment")

LONGEST = 2000
"""The maximum length of a registered redirect URI, in characters."""

Parts = dict[str, object]

_loopback = re.compile(r"http://(127\.0\.0\.1|\[::1\]|localhost)(?::[0-9]{1,5})?((?:[/?].*)?)", re.DOTALL).fullmatch
"""The groups are the host and everything after the port. A URL parser is not used, because it drops characters that a browser keeps."""


def matches(asked: str, registered: Sequence[str]) -> bool:
    """Compare as text (RFC 9700 section 4.1.3). A redirect URI on loopback may have any port (RFC 8252 section 7.3)."""
    return asked in registered or any(_same_but_port(asked, each) for each in registered)


def differences(asked: str, registered: Sequence[str]) -> tuple[str, ...]:
    """Name the parts that differ from the nearest registered URI. It never returns a registered value, because anyone can send a request."""
    # Only ASCII is parsed: Unicode normalization of a host takes quadratic time, and no registered URI has other characters.
    given = _parts(asked) if len(asked) <= LONGEST and asked.isascii() else None
    if given is None:
        return ("form",)
    found = [_differing(given, parts, any_port=bool(_loopback(each))) for each in registered if (parts := _parts(each))]
    return tuple(min(found, key=len)) or ("spelling",) if found else PARTS


def _differing(given: Parts, known: Parts, *, any_port: bool) -> list[str]:
    return [name for name in PARTS if given[name] != known[name] and not (any_port and name == "port")]


def _same_but_port(asked: str, registered: str) -> bool:
    one, other = _loopback(asked), _loopback(registered)
    return one is not None and other is not None and one.groups() == other.groups()


def _parts(uri: str) -> Parts | None:
    split = _split(uri)
    if split is None:
        return None
    return {
        "scheme": split.scheme,
        "host": split.hostname,
        "port": split.port,
        "path": split.path,
        "query": split.query,
        "fragment": split.fragment,
    }


def _split(uri: str) -> SplitResult | None:
    try:
        split = urlsplit(uri)
        _ = split.port
    except ValueError:
        return None
    return split

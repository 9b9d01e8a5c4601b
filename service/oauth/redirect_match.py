"""Whether a request's redirect URI is one that its client registered, and if not, in what it differs."""

from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

LOOPBACK = ("127.0.0.1", "::1", "localhost")
PARTS = ("scheme", "host", "port", "path", "query", "fragment")


def matches(asked: str, registered: Sequence[str]) -> bool:
    """Compared as text (RFC 9700 section 4.1.3); of an app on loopback the port may be any (RFC 8252 section 7.3)."""
    return asked in registered or any(_same_but_port(asked, each) for each in registered)


def differences(asked: str, registered: Sequence[str]) -> tuple[str, ...]:
    """The parts in which it differs from the registered one that is nearest. It names parts, never what is registered: strangers ask too."""
    given = _parts(asked)
    if given is None:
        return ("form",)
    known = [parts for each in registered if (parts := _parts(each))]
    found = [[name for name in PARTS if given[name] != parts[name]] for parts in known]
    return tuple(min(found, key=len)) or ("spelling",) if found else PARTS


def _same_but_port(asked: str, registered: str) -> bool:
    one, other = _split(asked), _split(registered)
    if one is None or other is None or other.scheme != "http" or other.hostname not in LOOPBACK:
        return False
    return "@" not in one.netloc and _without_port(one) == _without_port(other)


def _without_port(uri: SplitResult) -> tuple[str, ...]:
    return (uri.scheme, uri.hostname or "", uri.path, uri.query, uri.fragment)


def _parts(uri: str) -> dict[str, object] | None:
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

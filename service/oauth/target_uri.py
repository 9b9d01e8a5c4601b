"""The URL that a DPoP proof is for, normalized (RFC 9449 section 4.3, RFC 3986 sections 6.2.2 and 6.2.3), without query and fragment."""

import re
from functools import lru_cache
from urllib.parse import quote, unquote

from service.network import hosts

_is_uri = re.compile(r"https?://[\x21-\x7e]+", re.IGNORECASE).fullmatch
_encoded_slash = re.compile("%2f", re.IGNORECASE)

PORTS = {"http": 80, "https": 443}
LITERAL = "/:@!$&'()*+,;=~"
MOST_KEPT, LONGEST_KEPT = 1000, 512
"""A normalized URL is at most three times as long as it was, so these take 2 MB at most. A longer URL is normalized each time."""


def normalized(url: str) -> str | None:
    """Return the URL as all that are equivalent to it are written, or None if it is not an absolute http or https URL."""
    return _kept(url) if len(url) <= LONGEST_KEPT else _normalized(url)


@lru_cache(maxsize=MOST_KEPT)
def _kept(url: str) -> str | None:
    return _normalized(url)


def _normalized(url: str) -> str | None:
    if not _is_uri(url):
        return None
    try:
        split = hosts.split(url)
        host, port = split.hostname, split.port
    except ValueError:
        return None
    if not host or "@" in split.netloc:
        return None
    scheme = split.scheme.lower()
    named = "" if port in (None, PORTS[scheme]) else f":{port}"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown.lower()}{named}{_path(split.path)}"


def path_of(decoded: str) -> str:
    """Return the path of a URL, from one whose percent-encoding was undone."""
    return quote(decoded, safe=LITERAL)


def _path(path: str) -> str:
    """An encoded slash is not a slash. All else that is encoded means the same as what it encodes: no path of ours needs the difference."""
    plain = unquote(_encoded_slash.sub("%252F", path), errors="replace")
    return quote(_without_dots(plain), safe=LITERAL)


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept[-1:] = []
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)

"""The endpoint of a SIEM or another follower, to which the service pushes the events of the log."""

from base64 import b64decode
from binascii import Error
from urllib.parse import urlsplit

from msgspec import Struct

from service.configuration import issuer

PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64
"""Bytes of a symmetric key, as Standard Webhooks has it."""


class Webhook(Struct, frozen=True, kw_only=True):
    """`key` signs the requests."""

    url: str
    key: bytes

    def __repr__(self) -> str:
        return f"Webhook(host={urlsplit(self.url).netloc!r})"  # the rest of the URL may be a secret of the endpoint


def url_fault(text: str, insecure: frozenset[str]) -> str | None:
    """Return what is wrong with the URL. Other than an issuer, it may have a query and a slash at its end."""
    before, _, query = text.partition("?")
    if "#" in query or not text.isprintable() or not text.isascii() or " " in text:
        return "is not a URL of visible ASCII without fragment"
    return issuer.fault(before.removesuffix("/"), insecure)


def key_of(text: str) -> bytes | None:
    """Return the key in `whsec_…`, or None if the text is not such a secret."""
    try:
        key = b64decode(text.removeprefix(PREFIX), validate=True)
    except (Error, ValueError):
        return None
    return key if text.startswith(PREFIX) and SHORTEST_KEY <= len(key) <= LONGEST_KEY else None

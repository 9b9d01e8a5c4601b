"""Cookies that only this server can write: the content, and its HMAC-SHA256 under a key derived from the master key."""

from functools import lru_cache
from hmac import compare_digest
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from service.configuration.settings import Settings
from service.crypto.base64url import as_text, of_text
from service.crypto.sealing import derived

SIGNATURE_BYTES = 32


class Signature:
    """One key for one kind of cookie."""

    def __init__(self, master_key: bytes, purpose: str) -> None:
        self._hmac = HMAC(derived(master_key, purpose), SHA256())

    def write(self, content: bytes) -> str:
        return as_text(content + self._of(content))

    def read(self, value: str) -> bytes | None:
        """Return the content, or None if this server did not write it."""
        signed = of_text(value) or b""
        content, signature = signed[:-SIGNATURE_BYTES], signed[-SIGNATURE_BYTES:]
        return content if compare_digest(self._of(content), signature) else None

    def name(self, *parts: str) -> str:
        """Return a keyed hash that replaces these texts where they must not be readable."""
        return self._of("\0".join(parts).encode("utf-8", "surrogatepass")).hex()

    def _of(self, content: bytes) -> bytes:
        keyed = self._hmac.copy()  # what depends on the key alone is computed once
        keyed.update(content)
        return keyed.finalize()


def cookie_name(name: str, settings: Settings) -> str:
    """Return the name of the cookie. For https it has the prefix `__Host-`: browsers send it to this host and over https only.

    Plain http is for loopback, where several servers may share a host. Cookies are not separated by port (RFC 6265 section 8.5), so
    the name contains the port.
    """
    return _cookie_name(name, settings.issuer)


@lru_cache(maxsize=256)
def _cookie_name(name: str, url: str) -> str:
    issuer = urlsplit(url)
    if issuer.scheme == "https":
        return f"__Host-{name}"
    return f"{name}_{issuer.port}" if issuer.port else name

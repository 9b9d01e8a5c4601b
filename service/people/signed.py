"""Cookies that only this server can have written: what they say, and an HMAC-SHA256 of it under a key derived from the master key."""

import hmac
from urllib.parse import urlsplit

from service.configuration.settings import Settings
from service.crypto.base64url import as_text, of_text
from service.crypto.sealing import derived

SIGNATURE_BYTES = 32


class Signature:
    """One key for one kind of cookie."""

    def __init__(self, master_key: bytes, purpose: str) -> None:
        self._key = derived(master_key, purpose)

    def write(self, content: bytes) -> str:
        return as_text(content + self._of(content))

    def read(self, value: str) -> bytes | None:
        """The content, or None when it was not written here."""
        signed = of_text(value) or b""
        content, signature = signed[:-SIGNATURE_BYTES], signed[-SIGNATURE_BYTES:]
        return content if hmac.compare_digest(self._of(content), signature) else None

    def name(self, *parts: str) -> str:
        """What stands for these where they must not be read."""
        return self._of("\0".join(parts).encode("utf-8", "surrogatepass")).hex()

    def _of(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, "sha256")


def cookie_name(name: str, settings: Settings) -> str:
    """With the prefix that makes browsers keep it to this very host, over https alone.

    Plain http is for loopback, where several servers may share a host; cookies know no ports (RFC 6265 section 8.5), so names do.
    """
    issuer = urlsplit(settings.issuer)
    if issuer.scheme == "https":
        return f"__Host-{name}"
    return f"{name}_{issuer.port}" if issuer.port else name

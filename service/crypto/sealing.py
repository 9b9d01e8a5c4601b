"""Seals (encrypts) data outside the log, and personal data in it: AES-256-GCM, keys derived from the master key (HKDF-SHA256)."""

import secrets
from functools import lru_cache
from hmac import digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.crypto.base64url import as_text, of_text

NONCE_BYTES = 12


class CannotOpen(Exception):
    """These bytes were not sealed under this key, for this purpose."""


def derived(master_key: bytes, purpose: str, *, salt: bytes = b"") -> bytes:
    """Return a 32-byte key for one purpose (RFC 5869, one block of SHA-256). It reveals neither the master key nor the key of another purpose.

    Two calls of `hmac` take half as long as cryptography's HKDF, with which a test compares them.
    """
    return digest(digest(salt, master_key, "sha256"), purpose.encode() + b"\x01", "sha256")


class Seal:
    """One key for one purpose. `about` (the owner of the bytes) is authenticated with them, so sealed bytes cannot be moved elsewhere."""

    def __init__(self, master_key: bytes, purpose: str, *, salt: bytes = b"") -> None:
        self._cipher = AESGCM(derived(master_key, purpose, salt=salt))

    def close(self, plain: bytes, about: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Raises CannotOpen."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
        except (InvalidTag, ValueError) as fault:
            raise CannotOpen("sealed under another key, or for another purpose") from fault

    def close_as_text(self, plain: bytes, about: bytes) -> str:
        """Seal the bytes as text for a URL, a cookie, or a hidden field."""
        return as_text(self.close(plain, about))

    def open_text(self, text: str, about: bytes) -> bytes:
        """Raises CannotOpen, also if the text is not base64url."""
        return self.open(of_text(text) or b"", about)


@lru_cache(maxsize=16)
def seal_for(master_key: bytes, purpose: str) -> Seal:
    """Return the seal of a purpose, which is made once: for what each request of a browser opens."""
    return Seal(master_key, purpose)

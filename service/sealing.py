"""Sealing what is kept outside the log, or in it unreadably: AES-256-GCM under keys derived from the master key (HKDF-SHA256)."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


class CannotOpen(Exception):
    """These bytes were not sealed under this key, for this purpose."""


class Seal:
    """One key for one purpose; `about` (the owner of the bytes) is bound to what is sealed, so it cannot be moved elsewhere."""

    def __init__(self, master_key: bytes, purpose: str, *, salt: bytes = b"") -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=salt, info=purpose.encode()).derive(master_key)
        self._cipher = AESGCM(key)

    def close(self, plain: bytes, about: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Raises CannotOpen."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
        except (InvalidTag, ValueError) as fault:
            raise CannotOpen("sealed under another key, or for another purpose") from fault

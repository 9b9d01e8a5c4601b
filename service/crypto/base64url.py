"""Bytes as text for a URL or a cookie: base64url without padding (RFC 4648 section 5)."""

import base64
import binascii


def as_text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def of_text(text: str) -> bytes | None:
    """Return the bytes of such a text (with or without padding), or None if it is not base64url."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None

"""Bytes as text that may stand in a URL or a cookie (RFC 4648 section 5), without padding."""

import base64
import binascii


def as_text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def of_text(text: str) -> bytes | None:
    """What `as_text` was given (with or without padding), or None when it is no such text."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None

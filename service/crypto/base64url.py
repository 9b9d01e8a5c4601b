"""Bytes as text for a URL or a cookie: base64url without padding (RFC 4648 section 5)."""

import binascii

_STANDARD, _FOR_URLS = bytes.maketrans(b"-_", b"+/"), bytes.maketrans(b"+/", b"-_")


def encoded(content: bytes) -> bytes:
    return binascii.b2a_base64(content, newline=False).translate(_FOR_URLS).rstrip(b"=")


def as_text(content: bytes) -> str:
    return encoded(content).decode()


def of_text(text: str) -> bytes | None:
    """Return the bytes of such a text (with or without padding), or None if it is not base64url."""
    try:
        padded = text.encode().translate(_STANDARD) + b"=" * (-len(text) % 4)
        return binascii.a2b_base64(padded, strict_mode=True)
    except ValueError:
        return None

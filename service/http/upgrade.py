"""An offer to upgrade to another protocol, which a server may ignore (RFC 9110 section 7.8)."""

from collections.abc import Iterable


def head_without(method: bytes, url: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the bytes of a head without its offer."""
    lines = [method, b" ", url, b" HTTP/", version.encode(), b"\r\n"]
    for name, value in headers:
        kept = _without_upgrade(value) if name == b"connection" else value
        if name != b"upgrade" and kept:
            lines += (name, b": ", kept, b"\r\n")
    return b"".join((*lines, b"\r\n"))


def _without_upgrade(connection: bytes) -> bytes:
    """Return the options of a Connection header without `upgrade`."""
    options = (option.strip() for option in connection.split(b","))
    return b", ".join(option for option in options if option.lower() != b"upgrade")

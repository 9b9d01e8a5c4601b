"""JSON that a terminal or a spreadsheet shows, and obeys none of."""


def shown(document: bytes) -> bytes:
    """The same JSON value, written without characters that a terminal obeys: U+009B begins an escape sequence as ESC and [ do."""
    if document.isascii() and b"\x7f" not in document:
        return document
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in document.decode()).encode()


def _escaped(character: str) -> str:
    """RFC 8259 section 7; characters beyond U+FFFF are two of UTF-16's."""
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))

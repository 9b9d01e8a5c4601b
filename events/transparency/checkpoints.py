"""C2SP checkpoints: the note text that says how large a log's tree is and what its root is."""

import re
from base64 import b64decode, b64encode

from msgspec import Struct

from events.transparency.notes import Note
from events.transparency.tree import HASH_BYTES

CHAIN = "chain "
MOST_SIZE = 2**63 - 1

_is_decimal = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII).fullmatch


class BadCheckpoint(Exception):
    """The text is not that of a checkpoint; the text of the error says why."""


class TreeHead(Struct, frozen=True, kw_only=True):
    """The size of a log's tree, and its root. `extensions` are further lines, such as the chain value at the end of the log."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        lines = (self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def chain_line(chain: bytes) -> str:
    return CHAIN + chain.hex()


def tree_head(note: Note) -> TreeHead:
    """Raises BadCheckpoint. It verifies no signature."""
    origin, *lines = note.text.removesuffix("\n").split("\n")
    if len(lines) < 2 or not origin or not all(lines):
        raise BadCheckpoint("a checkpoint has at least three lines, and none is empty")
    size, root = number(lines[0]), decoded_hash(lines[1])
    if size is None or root is None:
        raise BadCheckpoint("the second line of a checkpoint is a number, and the third is 32 bytes in base64")
    return TreeHead(origin=origin, size=size, root=root, extensions=tuple(lines[2:]))


def number(text: str) -> int | None:
    """Returns a size or a position, or None if the text is no decimal number of the form that checkpoints have."""
    value = int(text) if _is_decimal(text) else None
    return value if value is not None and value <= MOST_SIZE else None


def decoded_hash(text: str) -> bytes | None:
    try:
        value = b64decode(text, validate=True)
    except ValueError:
        return None
    return value if len(value) == HASH_BYTES and b64encode(value).decode() == text else None

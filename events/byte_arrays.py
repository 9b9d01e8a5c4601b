"""Arrays of bytes, as a connection that writes the logs sends them.

The driver asks of each element twice whether it is a list itself, by an abstract class. A token has 3 elements, a refresh 7: with
the columns of a commit made here, a token takes 4 % less processor time.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Any, NoReturn

import asyncpg

from events.array_types import NUMBERS

_SIZE = Struct(">i").pack
_HEAD = Struct(">iiIii").pack
_NULL = _SIZE(-1)
_ARRAY, _ELEMENT = NUMBERS["bytea"]
_EMPTY = Struct(">iiI").pack(0, 0, _ELEMENT)


def register(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Tells the driver of one connection, which can then send such arrays, but not read them."""
    settings: Any = connection.get_settings()
    settings.add_python_codec(_ARRAY, "_bytea", "pg_catalog", (), "scalar", encoded, _unread, "binary")


def encoded(values: Sequence[bytes | None]) -> bytes:
    """Returns an array of one dimension, as array_recv of Postgres reads it: the number of dimensions, whether any element is null, the
    type of the elements, how many there are and the number of the first; then each element after its length, -1 for null.
    """
    if not values:
        return _EMPTY
    parts = [_HEAD(1, None in values, _ELEMENT, len(values), 1)]
    for value in values:
        parts += (_NULL,) if value is None else (_SIZE(len(value)), value)
    return b"".join(parts)


def _unread(_: bytes) -> NoReturn:
    raise TypeError("a connection that writes the logs reads no arrays of bytes")

"""JSON that a stranger sent, read strictly: each name once, numbers that JSON has, and bounded depth (RFC 8259, RFC 7515 section 4)."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from service.values.malformed import MALFORMED

DEEPEST = 16
"""How many objects and lists may be within each other. Claims that people use have three or four."""


class NotAnObject(ValueError):
    """The text says what is wrong, and quotes nothing."""


def decode(body: bytes, repeated: Callable[[str], None]) -> object:
    """Decode JSON in UTF-8. `repeated` is called with each name that an object has more than once. Raises one of MALFORMED."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            for name, times in Counter(name for name, _ in pairs).items():
                if times > 1:
                    repeated(name)
        return found

    return json.loads(body.decode("utf-8"), object_pairs_hook=once, parse_constant=_no_constant)


def check_characters(body: bytes, read: object) -> None:
    r"""Raises UnicodeEncodeError for half a character (a lone surrogate), which is no text. In UTF-8, only an escape can write one."""
    if b"\\u" in body:
        json.dumps(read, ensure_ascii=False).encode()


def strict_object(body: bytes) -> dict[str, Any]:
    """Raises NotAnObject."""
    try:
        read = decode(body, _refuse)
        check_characters(body, read)
    except NotAnObject:
        raise
    except MALFORMED as fault:
        raise NotAnObject("is not JSON") from fault
    if not isinstance(read, dict):
        raise NotAnObject("is not a JSON object")
    if _is_deeper(read, DEEPEST):
        raise NotAnObject(f"is nested more than {DEEPEST} deep")
    return cast("dict[str, Any]", read)


def _refuse(_name: str) -> None:
    raise NotAnObject("has a name more than once")


def _no_constant(_name: str) -> Any:
    raise NotAnObject("has a number that JSON does not have")


def _is_deeper(value: Any, most: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner: list[Any] = list(value.values() if isinstance(value, dict) else value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    return most == 0 or any(_is_deeper(each, most - 1) for each in inner)

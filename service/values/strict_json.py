"""A JSON object that a stranger sent, read strictly: each name once, numbers that JSON has, and bounded depth (RFC 8259, RFC 7515 section 4)."""

import json
from typing import Any, cast

from service.values.malformed import MALFORMED

DEEPEST = 16
"""How many objects and lists may be within each other. Claims that people use have three or four."""


class NotAnObject(ValueError):
    """The text says what is wrong, and quotes nothing."""


def strict_object(body: bytes) -> dict[str, Any]:
    """Raises NotAnObject."""
    try:
        read: object = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except NotAnObject:
        raise
    except MALFORMED as fault:
        raise NotAnObject("is not JSON") from fault
    if not isinstance(read, dict):
        raise NotAnObject("is not a JSON object")
    if _is_deeper(read, DEEPEST):
        raise NotAnObject(f"is nested more than {DEEPEST} deep")
    return cast("dict[str, Any]", read)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotAnObject("has a name more than once")
    return found


def _no_constant(_name: str) -> Any:
    raise NotAnObject("has a number that JSON does not have")


def _is_deeper(value: Any, most: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner: list[Any] = list(value.values() if isinstance(value, dict) else value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    return most == 0 or any(_is_deeper(each, most - 1) for each in inner)

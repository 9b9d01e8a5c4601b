"""JSON that a stranger sent, read strictly: each name once, numbers that JSON has, and bounded depth (RFC 8259, RFC 7515 section 4)."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, cast

import msgspec

from service.values.malformed import MALFORMED

MOST_NESTED = 100
DEEPEST = 16
"""How many objects and lists may be within each other. Claims that people use have three or four."""


class NotAnObject(ValueError):
    """The text says what is wrong, and quotes nothing."""


def decode(body: bytes, repeated: Callable[[str], None]) -> object:
    """Decode JSON in UTF-8. `repeated` is called with each name that an object has more than once. Raises one of MALFORMED."""
    if (plain := _plain(body)) is not None:
        return plain

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            for name, times in Counter(name for name, _ in pairs).items():
                if times > 1:
                    repeated(name)
        return found

    read = json.loads(body.decode("utf-8"), object_pairs_hook=once, parse_constant=_no_constant)
    if _is_deeper(read, MOST_NESTED):  # how deep a parser goes differs between versions of Python
        raise RecursionError
    return read


def _plain(body: bytes) -> dict[str, Any] | None:
    """Return an object of texts, whole numbers, booleans and nulls without escapes, as most requests and claims are; None for what may be
    anything else.

    Without escapes each quotation mark begins or ends a text, so there are at most as many names as `_name_ends` finds, and as colons.
    """
    if b"\\" in body:
        return None
    try:
        read: object = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict):
        return None
    found = cast("dict[str, Any]", read)
    if not _PLAIN.issuperset(map(type, found.values())):
        return None
    names = len(found)
    return found if body.count(b":") == names or len(_name_ends(body)) == names else None


_PLAIN = frozenset({str, int, bool, type(None)})
_name_ends = re.compile(rb'"[ \t\r\n]*:').findall


def check_characters(body: bytes, read: object) -> None:
    r"""Raises UnicodeEncodeError for half a character (a lone surrogate), which is no text. In UTF-8, only an escape can write one."""
    if b"\\u" in body:
        json.dumps(read, ensure_ascii=False).encode()


def strict_object(body: bytes) -> dict[str, Any]:
    """Raises NotAnObject."""
    if (plain := _plain(body)) is not None:
        return plain
    try:
        read: object = _strict(body.decode("utf-8"))
        check_characters(body, read)
    except NotAnObject:
        raise
    except MALFORMED as fault:
        raise NotAnObject("is not JSON") from fault
    if not isinstance(read, dict):
        raise NotAnObject("is not a JSON object")
    found = cast("dict[str, Any]", read)
    if _is_deeper(found, DEEPEST):
        raise NotAnObject(f"is nested more than {DEEPEST} deep")
    return found


def _no_constant(_name: str) -> Any:
    raise NotAnObject("has a number that JSON does not have")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotAnObject("has a name more than once")
    return found


_strict = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant).decode
"""Made once: this is on the way of each JWT that a client signs, and making it takes as long as reading most of them."""


def _is_deeper(value: object, most: int) -> bool:
    """It looks at one level after the other, because a deep value is more than a recursion can take."""
    level: list[object] = [value]
    for _ in range(most):
        level = [inner for each in level for inner in _inside(each) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()

"""The latest of what is kept in memory: so many at most."""

from collections import OrderedDict
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


def put(kept: "OrderedDict[Key, Value]", key: Key, value: Value, most: int) -> None:
    """Put it last. For one too many, the one that was put first is forgotten."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)

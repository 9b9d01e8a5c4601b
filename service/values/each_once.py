"""A list in which an item may be twice, as a tuple that has it once."""

from collections.abc import Iterable
from typing import TypeVar, overload

from msgspec import UNSET, UnsetType

Item = TypeVar("Item")


@overload
def each_once(items: Iterable[Item]) -> tuple[Item, ...]: ...
@overload
def each_once(items: Iterable[Item] | UnsetType) -> tuple[Item, ...] | UnsetType: ...
def each_once(items: Iterable[Item] | UnsetType) -> tuple[Item, ...] | UnsetType:
    """Return the items in their order, each where it is first. UNSET stays UNSET."""
    return UNSET if items is UNSET else tuple(dict.fromkeys(items))

"""The headings that sort a table: each is a link, so the address has the order and no script is needed."""

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

Direction = Literal["ascending", "descending", ""]
OPPOSITE: Mapping[Direction, Direction] = {"ascending": "descending", "descending": "ascending"}


class Orders(Struct, frozen=True):
    """The API's names of the two orders of a column: that of the first click, with its direction, and its reverse."""

    first: str
    direction: Direction
    second: str


class Heading(Struct, frozen=True, kw_only=True):
    """Where the link leads, and in which direction the column sorts the table now ("": another column does)."""

    url: str
    direction: Direction


def headings(columns: Mapping[str, Orders], order: str, at: Callable[[str], str]) -> Mapping[str, Heading]:
    """Return the heading of each column. `at` gives the URL of the first page in an order."""
    return {name: _heading(orders, order, at) for name, orders in columns.items()}


def _heading(orders: Orders, order: str, at: Callable[[str], str]) -> Heading:
    if order == orders.first:
        return Heading(url=at(orders.second), direction=orders.direction)
    if order == orders.second:
        return Heading(url=at(orders.first), direction=OPPOSITE[orders.direction])
    return Heading(url=at(orders.first), direction="")

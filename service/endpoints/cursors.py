"""Pages that lead both ways: `before-N` and `after-N` in `cursor`, the next and the previous page in a Link header (RFC 8288)."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import Struct

from service.endpoints.paging import Query

ORDERS = ("newest", "oldest")
_parts = re.compile("(before|after)-([0-9]+)").fullmatch


class Cursor(Struct, frozen=True):
    """A page has what is next to the number: before it, or after it. The number is a version or a position."""

    number: int
    before: bool

    def __str__(self) -> str:
        return f"{'before' if self.before else 'after'}-{self.number}"


def pattern(digits: int) -> str:
    return f"^(before|after)-[0-9]{{1,{digits}}}$"


def cursor(query: Query, digits: int) -> Cursor | None:
    """Return the cursor, if there is one. Its fault is added to those of the query."""
    text = query.given.get("cursor")
    if text is None or "cursor" in query.errors:
        return None
    found = _parts(text) if text.isascii() else None
    if found is None or len(found[2]) > digits:
        query.fault("cursor", "is not a cursor of this server; follow the Link header")
        return None
    return Cursor(int(found[2]), before=found[1] == "before")


def newest_first(query: Query) -> bool:
    """Return whether the newest come first, which is usual. The fault is added to those of the query."""
    order = query.given.get("order", ORDERS[0])
    if order not in ORDERS:
        query.fault("order", f"must be one of: {', '.join(ORDERS)}")
    return order == ORDERS[0]


def links(
    url: str, query: Mapping[str, object], *, newest_first: bool, older: int | None, newer: int | None
) -> dict[str, str]:
    """Return the header for the pages before the number `older` and after the number `newer`; None: there is no such page."""
    before = None if older is None else Cursor(older, before=True)
    after = None if newer is None else Cursor(newer, before=False)
    pages = (("next", before), ("prev", after)) if newest_first else (("next", after), ("prev", before))
    found = [f'<{url}?{urlencode({**query, "cursor": each})}>; rel="{rel}"' for rel, each in pages if each is not None]
    return {"Link": ", ".join(found)} if found else {}

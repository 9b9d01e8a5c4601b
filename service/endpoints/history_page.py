"""A page of a history. Its versions are counted from 1 without gaps and never change, so a page is a range of them."""

from msgspec import Struct
from starlette.requests import Request

from service.endpoints import cursors, paging

MOST_DIGITS = 9


class HistoryPage(Struct, frozen=True, kw_only=True):
    """At most `limit` versions: those next to `before` or `after`, or the first ones of the order."""

    newest_first: bool
    limit: int
    before: int | None = None
    after: int | None = None

    def versions(self, newest: int) -> range:
        """Return the versions of the page in its order, of the versions 1 to `newest`."""
        first, last = self._ends(newest)
        return range(last, first - 1, -1) if self.newest_first else range(first, last + 1)

    def links(self, url: str, newest: int) -> dict[str, str]:
        """Return the header with the next and the previous page (RFC 8288), if there are any."""
        first, last = self._ends(newest)
        query = {"order": cursors.ORDERS[0 if self.newest_first else 1], "limit": self.limit}
        older, newer = first if first > 1 else None, last if last < newest else None
        return cursors.links(url, query, newest_first=self.newest_first, older=older, newer=newer)

    def _ends(self, newest: int) -> tuple[int, int]:
        """Return the first and the last version of the page; the last is before the first if the page is empty."""
        if self.before is not None:
            last = min(self.before - 1, newest)
            return max(1, last - self.limit + 1), max(last, 0)
        if self.after is not None:
            first = min(self.after, newest) + 1
            return first, min(first + self.limit - 1, newest)
        return (max(1, newest - self.limit + 1), newest) if self.newest_first else (1, min(self.limit, newest))


def asked(request: Request) -> HistoryPage:
    """Raises Invalid, which names every fault at once."""
    query = paging.read(request.scope, ("order", "limit", "cursor"))
    newest_first, cursor = cursors.newest_first(query), cursors.cursor(query, MOST_DIGITS)
    limit = paging.limit(query.given.get("limit"), query.errors)
    paging.refuse(query)
    before = cursor.number if cursor is not None and cursor.before else None
    after = cursor.number if cursor is not None and not cursor.before else None
    return HistoryPage(newest_first=newest_first, limit=limit, before=before, after=after)

"""A page of a log, read from one end."""

from collections.abc import Iterator

from msgspec import Struct

GROWTH = 8

BETWEEN = "position > $1 and (position, 0) <= ($2::bigint, 0)"
"""The positions of an extent in SQL, for a page that is one walk of an index.

Of `position > $1 and position <= $2` Postgres expects one row in 200, whatever the values are. So a plan for all values may read the whole
extent and put it in order for each page of it. A comparison of rows is expected to find one row in three.
"""


class Extent(Struct, frozen=True, kw_only=True):
    """The positions after `after`, up to and including `upto`, and at most `limit` of them from one end."""

    after: int
    upto: int
    limit: int
    newest_first: bool

    @property
    def order(self) -> str:
        """The direction in SQL."""
        return "desc" if self.newest_first else "asc"

    def includes(self, position: int) -> bool:
        return self.after < position <= self.upto

    def steps(self) -> Iterator["Extent"]:
        """Yields the extent in steps from the end that it is read from: first about as long as its limit, then longer and longer.

        Postgres may read a whole step before it puts the rows in order, so a page that is soon full must not ask for more than one.
        """
        after, upto, length = self.after, self.upto, 2 * self.limit
        while after < upto:
            if self.newest_first:
                step = self.__replace__(after=max(after, upto - length), upto=upto)
                upto = step.after
            else:
                step = self.__replace__(after=after, upto=min(upto, after + length))
                after = step.upto
            yield step
            length *= GROWTH

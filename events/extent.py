"""A page of a log, read from one end."""

from collections.abc import Iterator

from msgspec import Struct

GROWTH = 8


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

"""How many items may wait for the next flush, so that each is answered soon.

A flush takes a time that is the same for few and for many items (the round trip, the disk), and a time for each item. If items come faster
than they are flushed, more wait after each flush than before, so each takes longer: a queue stands. If a flush is long because the database
halted, as many may wait behind it as come: after each of the next ones, fewer do.
"""

LONG_SECONDS = 0.015
"""How much longer a flush of many may take than one of few: by so much, or by twice the time of one of few if that is more. An item waits for
the rest of the flush that runs, and for its own."""

FEW = 16
"""A flush of no more than these shows the time that is the same for few and for many. So many may always wait."""

EVERY_SECONDS = 0.25
"""While the bound is low, one flush in this time takes only few, and shows how long they take: the disk may be slower than it was."""

IN_A_ROW = 3
"""A queue stands after so many flushes of many in a row, after each of which no fewer waited than two flushes before: callers that ask again
at once may come in two turns."""

HALTED = 4
"""The database halted in a flush that was so many times as slow for each item as one of the last before it. That is no queue."""

LEAST_SECONDS = 1e-6
"""A flush of many takes so much longer than one of few at least, because something is divided by it."""


class Room:
    """`bound` is how many may wait: `most` at first, and as soon as only few come; FEW at least. It doubles in each second.

    Times are in seconds, of a clock that never goes back.
    """

    __slots__ = ("_ended", "_few_ended", "_few_seconds", "_fit", "_grown", "_left", "_most", "bound")

    def __init__(self, most: int) -> None:
        self._most, self.bound = most, float(most)
        self._few_seconds, self._few_ended, self._ended = 0.0, 0.0, 0.0
        self._left, self._grown = (0, 0), 0
        """How many waited after each of the last two flushes, and after how many in a row no fewer did."""
        self._fit: list[float] = [0.0]
        """How many fit into a flush that is not long, by each of the last ones."""

    def rested(self, until: float) -> None:
        """From the end of the last flush until now, nothing was flushed and nothing waited: so no queue stands."""
        self._grow(until)
        self._grown = 0

    def next(self, limit: int) -> int:
        """Return how many the next flush may take, of this limit."""
        return FEW if self.bound < self._most and self._ended > self._few_ended + EVERY_SECONDS else limit

    def flushed(self, size: int, begun: float, ended: float, *, left: int) -> None:
        """So many were flushed in this time. After that, so many were left waiting."""
        self._grow(ended)
        earlier, self._left = self._left[0], (self._left[1], left)
        if size <= FEW:
            self._flushed_few(ended - begun, left)
        else:
            self._flushed_many(size, ended - begun, left, is_growing=left >= earlier)

    def _grow(self, now: float) -> None:
        self.bound, self._ended = min(self._most, self.bound * (1 + now - self._ended)), now

    def _flushed_few(self, seconds: float, left: int) -> None:
        before, self._few_ended = self._few_seconds or seconds, self._ended
        # The database may have halted in this flush, so it counts as four times as long as those before at most.
        self._few_seconds = before + (min(seconds, before * 4) - before) / 2
        if left <= FEW:
            self.bound = self._most

    def _flushed_many(self, size: int, seconds: float, left: int, *, is_growing: bool) -> None:
        long = max(LONG_SECONDS, self._few_seconds * 2)
        fit = size * long / max(seconds - self._few_seconds, LEAST_SECONDS)
        self._grown = self._grown + 1 if is_growing and fit * HALTED >= max(self._fit) else 0
        self._fit = [*self._fit[1 - IN_A_ROW :], min(fit, self._most)]
        if self._grown >= IN_A_ROW and left > max(self._fit):
            self.bound = max(FEW, min(self.bound, max(self._fit)))

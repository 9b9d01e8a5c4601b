"""How many may wait for the next flush, so that whoever waits is answered soon.

A flush has a part that is the same for few and for many items (the round trip, the disk), and a part for each item. If items come faster
than they are flushed, more wait after each flush than before, so each takes longer: a queue stands. If a flush is long because the database
halted, as many may wait behind it as come: after each of the next ones, fewer do.
"""

LONG_SECONDS = 0.015
"""What a flush of many may take beyond one of few; or twice as much as one of few, if that is more. An item waits for the rest of the flush
that runs, and for its own."""

FEW = 16
EVERY_SECONDS = 0.25
"""While less than all may wait, one flush in this time takes only few, and shows how long they take: the disk may be slower than it was."""

IN_A_ROW = 3
"""So many flushes, after each of which no fewer waited than two flushes before. (Callers that ask again at once may come in two turns.)"""

HALTED = 4
"""The database halted in a flush that was so many times as slow for each item as one just before it."""

AT_ONCE = 1e-6


class Room:
    """For `most` at first, and as soon as only few come; for FEW at least. It doubles in each second."""

    __slots__ = ("_ended", "_few_seconds", "_fit", "_grown", "_known", "_left", "_most", "now")

    def __init__(self, most: int) -> None:
        self._most, self.now = most, float(most)
        self._few_seconds, self._known, self._ended = 0.0, 0.0, 0.0
        self._left, self._grown = (0, 0), 0
        self._fit: list[float] = [0.0]
        """How many fit into a flush that is not long, by each of the last ones."""

    def rested(self, until: float) -> None:
        """Nothing was flushed since the last flush, and nothing waited, until now: so no queue stands."""
        self.now = min(self._most, self.now * (1 + until - self._ended))
        self._ended, self._grown = until, 0

    def next(self, limit: int) -> int:
        """Return how many the next flush may take, of this limit."""
        return FEW if self.now < self._most and self._ended > self._known + EVERY_SECONDS else limit

    def flushed(self, size: int, begun: float, ended: float, *, left: int) -> None:
        """So many were flushed in this time. After that, so many waited."""
        self.now = min(self._most, self.now * (1 + ended - self._ended))
        self._ended, seconds, earlier = ended, ended - begun, self._left[0]
        self._left = self._left[1], left
        if size <= FEW:  # one that the database halted in counts for some times those before at most
            before, self._known = self._few_seconds or seconds, ended
            self._few_seconds = before + (min(seconds, before * 4) - before) / 2
            if left <= FEW:
                self.now = self._most
            return
        fit = size * max(LONG_SECONDS, self._few_seconds * 2) / max(seconds - self._few_seconds, AT_ONCE)
        self._grown = self._grown + 1 if left >= earlier and fit * HALTED >= max(self._fit) else 0
        self._fit = [*self._fit[1 - IN_A_ROW :], min(fit, self._most)]
        if self._grown >= IN_A_ROW and left > max(self._fit):
            self.now = max(FEW, min(self.now, max(self._fit)))

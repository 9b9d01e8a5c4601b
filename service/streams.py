"""The event streams that this process has open: how many, what they share, and that they are about to be closed."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Generator
from contextlib import contextmanager

from msgspec import json

from events.codec import Recorded
from service.audit.event_json import audit_event
from service.values.latest import put

MOST = 100
MOST_OF_A_CLIENT = 10
MOST_BEHIND = 2
"""How many streams that are far behind read a page at the same time. More would hold up all other requests of the process."""

MOST_KEPT = 1000
LONGEST_KEPT = 4096


class FullForClient(Exception):
    """The client, or the user of a client, has MOST_OF_A_CLIENT streams open at this process."""


class Full(Exception):
    """MOST streams are open at this process."""


class Frames:
    """Events as they are sent. The last ones are kept, because many streams send the same events."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def of(self, epoch: int, past: Recorded) -> bytes:
        """After a failover that lost history, another event may have the position: that is another epoch."""
        key = epoch, past.position
        frame = self._kept.get(key)
        if frame is None:
            frame = b"id: %d\ndata: %s\n\n" % (past.position, json.encode(audit_event(past)))
            if len(frame) <= LONGEST_KEPT:
                put(self._kept, key, frame, MOST_KEPT)
        return frame


class Streams:
    """One per process. `closing` is set when the process ends, which waits for every response."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self.behind, self.frames = asyncio.Semaphore(MOST_BEHIND), Frames()
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._open.total()

    def check(self, whose: str) -> None:
        """Raises FullForClient and Full."""
        if self._open[whose] >= MOST_OF_A_CLIENT:
            raise FullForClient
        if len(self) >= MOST:
            raise Full

    @contextmanager
    def counted(self, whose: str) -> Generator[None]:
        self._open[whose] += 1
        try:
            yield
        finally:
            self._open[whose] -= 1
            self._open += Counter()  # forgets the clients that have none

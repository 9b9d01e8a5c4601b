"""How many requests a worker accepts in one turn of its event loop. It refuses the others at once: if it accepted all that come, it would
answer all of them late.

In a turn, the loop reads every socket that has something and then runs every request that it read. So if requests come faster than they
are answered, each turn takes longer and finds more of them than the one before. The room of a turn therefore shrinks by each turn that is
too long, and grows while none is, as TCP finds what a network can carry. It counts requests only, no waiting: a slow client and a slow
page take none of it. What waits for a commit takes some, of what will wait for one too, once it is more than some turns can hold: after a
commit that was slow, all of it is answered at once.

Reads and pages have as much room as tokens and changes, each their own. So tokens do not crowd out what people and operators ask for; and
a stranger, who may read much that is cheap, does not crowd out tokens.
"""

import asyncio
from collections.abc import Callable
from time import thread_time
from typing import Protocol

from uvicorn._types import ASGI3Application

from events.database import overloads
from service.http.lookahead import Lookahead

LONG_SECONDS = 0.010
"""Of processor time: that others use the same processor is no reason to refuse more. An accepted request takes about four turns: it
waits in its socket, is run, is committed, and is answered.
"""

LEAST, MOST = 32, 512
"""The room of a turn, of each kind. The most is also what may come at once to an idle worker."""

WAITING_TURNS = 3
"""So many turns full of tokens and changes may wait for a commit before what waits takes room of the next turn."""

CALM_SECONDS = 0.1
"""After so long without a long turn the room grows by an eighth. A turn is short also because a commit is slow, mostly for less than this."""

IDLE_SECONDS = 1.0
"""A worker that nobody asked for so long is idle, however much it had to do before."""

READS = ("GET", "HEAD", "OPTIONS")
ADMISSION = "admission"
"""Where it is in the state of the lifespan."""


class Refused(Protocol):
    """A refusal: as an ASGI application, and as the bytes of a whole response."""

    app: ASGI3Application
    is_page: bool
    commits: bool
    """Whether what is refused would wait for a commit."""

    def whole(self) -> bytes: ...


class Admission:
    """One per worker. `refusal_of` returns how a URL is refused, or None if it is accepted always; `waiting` how many tokens and changes
    wait for a commit.
    """

    __slots__ = (
        "_accepted",
        "_asked",
        "_begun",
        "_changed",
        "_lookahead",
        "_others",
        "_piled",
        "_reads",
        "_refusal_of",
        "_waiting",
        "room",
    )

    def __init__(self, refusal_of: Callable[[bytes], Refused | None], waiting: Callable[[], int] = lambda: 0) -> None:
        self._refusal_of, self._waiting, self._lookahead = refusal_of, waiting, Lookahead()
        self._begun = False
        self._accepted = self._reads = self._others = self._piled = 0
        self._asked, self._changed, self.room = 0.0, 0.0, MOST

    def is_full(self) -> bool:
        """Whether this turn has accepted what it has room for, of one kind at least."""
        return self._reads >= self.room or self._others + self._piled >= self.room

    def refused(self, data: bytes) -> Refused | None:
        """Return the refusal of the bytes that come while it is full, and count it, if they are exactly one request that is refused."""
        found = self._lookahead.request(data)
        if found is None or found[0] == "HEAD":
            return None
        method, url = found
        refused = self._refusal_of(url)
        if refused is None or self._has_room(method, refused):
            return None
        overloads["requests"] += 1
        return refused

    def judged(self, loop: asyncio.AbstractEventLoop, method: str, url: bytes) -> Refused | None:
        """Return the refusal of a request, or None if it is accepted. It is counted before its task is created: what ends the turn has
        to run before it.
        """
        if not self._begun:
            self._begin(loop)
        if (refused := self._refusal_of(url)) is not None:
            if not self._has_room(method, refused):
                overloads["requests"] += 1
                return refused
            if _is_read(method, refused):
                self._reads += 1
            else:
                self._others += 1
        self._accepted += 1
        return None

    def _has_room(self, method: str, refused: Refused) -> bool:
        if _is_read(method, refused):
            return self._reads < self.room
        return self._others + (self._piled if refused.commits else 0) < self.room

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._begun = True
        self.asked(loop.time())
        self._piled = max(0, self._waiting() - WAITING_TURNS * self.room)
        loop.call_soon(self._end, loop)

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        """All sockets were read. Measure until the loop comes round again, if there is much to do."""
        if self._accepted >= LEAST:
            loop.call_soon(self._measured, loop, thread_time())
        self._begun, self._accepted, self._reads, self._others = False, 0, 0, 0

    def _measured(self, loop: asyncio.AbstractEventLoop, begun: float) -> None:
        self.turned(loop.time(), thread_time() - begun)

    def asked(self, now: float) -> None:
        """A turn has its first request at this time of the loop's clock."""
        if now - self._asked > IDLE_SECONDS:
            self.room = MOST
        elif now - self._changed > CALM_SECONDS:
            self.room, self._changed = min(MOST, self.room * 9 // 8), now
        self._asked = now

    def turned(self, now: float, seconds: float) -> None:
        """A turn with many requests took so long."""
        if seconds > LONG_SECONDS:
            kept = max(0.5, LONG_SECONDS / seconds)
            self.room, self._changed = max(LEAST, int(self.room * kept)), now


def _is_read(method: str, refused: Refused) -> bool:
    """Forms of pages are sent by people, so they count as reads."""
    return method in READS or refused.is_page

"""How many requests a worker accepts in one turn of its event loop. It refuses the others at once: if it accepted all that come, it would
answer all of them late.

In a turn, the loop reads every socket that has something and then runs every request that it read. So if requests come faster than they
are answered, each turn takes longer and finds more of them than the one before. A long turn is a burst, which is borne. If the next one
is long as well, and what came meanwhile does not fit into a short one either, a queue stands: the next turns have room for what fits.
The room doubles in each second, so a queue that stands again is found again. The room of a turn counts requests only, no waiting: a slow client, a slow
page and a slow database take none of it.

Reads and pages have as much room as tokens and changes, each their own. So tokens do not crowd out what people and operators ask for; and
a stranger, who may read much that is cheap, does not crowd out tokens.

A token for a machine that would find no room among those that wait for a commit is refused here as well: once it is decided, its refusal
costs five times as much.
"""

import asyncio
from collections.abc import Callable
from time import thread_time
from typing import Protocol

from uvicorn._types import ASGI3Application

from events.database import overloads
from service.http.lookahead import Lookahead

LONG_SECONDS = 0.006
"""Of processor time: that others use the same processor is no reason to refuse more."""

TURNS = 5
"""An accepted request takes about so many turns: it waits in its socket, is run, waits for a commit, is committed, and is answered. So a turn
may be long because of what one of those before it accepted.
"""

LEAST, MOST = 16, 512
"""The room of a turn, of each kind. A turn of fewer than the least was long for another reason. The most is also what may come at once to
an idle worker."""

IDLE_SECONDS = 1.0
"""A worker that nobody asked for so long is idle, however much it had to do before."""

READS = ("GET", "HEAD", "OPTIONS")
TOKEN, FOR_A_MACHINE = b"/openid/token", b"grant_type=client_credentials"
"""Other tokens are committed with an event, and wait elsewhere. They count as ahead all the same: the body is not read here."""

ADMISSION = "admission"
"""Where it is in the state of the lifespan."""


class Refused(Protocol):
    """A refusal: as an ASGI application, and as the bytes of a whole response."""

    app: ASGI3Application
    is_page: bool

    def whole(self) -> bytes: ...


class Admission:
    """One per worker. `refusal_of` returns how a URL is refused, or None if it is accepted always. `may_wait` says whether one more token may
    wait for a commit, behind so many that are on their way.
    """

    __slots__ = (
        *("_accepted", "_asked", "_in_vain", "_lately", "_lookahead", "_may_wait", "_others", "_reads", "_refusal_of"),
        *("_stood", "_tokens", "room"),
    )

    def __init__(
        self, refusal_of: Callable[[bytes], Refused | None], may_wait: Callable[[int], bool] = lambda _: True
    ) -> None:
        self._refusal_of, self._may_wait, self._lookahead = refusal_of, may_wait, Lookahead()
        self._accepted = self._reads = self._others = self._tokens = self._in_vain = 0
        self._asked, self._stood, self.room = 0.0, False, float(MOST)
        self._lately: list[float] = []
        """How many each of the last turns accepted; the room of one kind, where that was less."""

    def is_full(self) -> bool:
        """Whether some request may have to be refused: this turn has accepted what it has room for, of one kind at least, or no more tokens may
        wait for a commit.
        """
        return self._reads >= self.room or self._others >= self.room or not self._may_wait(self._tokens)

    def refused(self, data: bytes, known: tuple[str, bytes] | None) -> Refused | None:
        """Return the refusal of these bytes, and count it, if they are exactly one request for which there is no room. Is called while
        `is_full`. `known` has its method and URL, if its head was parsed before.
        """
        found = known or self._lookahead.request(data)
        if found is None or found[0] == "HEAD":
            return None
        method, url = found
        refused = self._refusal_of(url)
        if refused is None:
            return None
        if self._has_room(_is_read(method, refused)):
            if not self._waits_in_vain(url, data):
                return None
            self._in_vain += 1
        overloads["requests"] += 1
        return refused

    def judged(self, loop: asyncio.AbstractEventLoop, method: str, url: bytes) -> Refused | None:
        """Return the refusal of a request, or None if it is accepted. It is counted before its task is created: what ends the turn has
        to run before it.
        """
        if (refused := self._refusal_of(url)) is not None:
            is_read = _is_read(method, refused)
            if not self._has_room(is_read):
                overloads["requests"] += 1
                return refused
            if is_read:
                self._reads += 1
            else:
                self._others += 1
                self._tokens += url.endswith(TOKEN)
        if not self._accepted:
            self.asked(loop.time())
            loop.call_soon(self._end, loop)
        self._accepted += 1
        return None

    def _has_room(self, is_read: bool) -> bool:
        return (self._reads if is_read else self._others) < self.room

    def _waits_in_vain(self, url: bytes, data: bytes) -> bool:
        return url.endswith(TOKEN) and FOR_A_MACHINE in data and not self._may_wait(self._tokens)

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        """All sockets were read. Measure until the loop comes round again, if there is much to do."""
        accepted, came = self._accepted, self._accepted + self._in_vain
        self._accepted = self._reads = self._others = self._tokens = self._in_vain = 0
        if came >= LEAST:
            loop.call_soon(self._measured, accepted, thread_time())
        else:
            self._stood = False

    def asked(self, now: float) -> None:
        """A turn has its first request at this time of the loop's clock."""
        rest = now - self._asked
        self.room = MOST if rest > IDLE_SECONDS else min(MOST, self.room * (1 + rest))
        self._asked = now

    def _measured(self, accepted: int, begun: float) -> None:
        """The sockets were read again, but nothing of that was run."""
        self.turned(accepted, thread_time() - begun, meanwhile=self._accepted + self._in_vain)

    def turned(self, accepted: int, seconds: float, *, meanwhile: int) -> None:
        """A turn took so long for so many, and so many came meanwhile for which there was room in the next one."""
        part = LONG_SECONDS / seconds if seconds else 1.0  # the clock of some systems moves in steps
        before, self._stood = self._stood, part < 1 and meanwhile > accepted * part
        self._lately = [*self._lately[1 - TURNS :], min(self.room, accepted)]
        if before and self._stood:
            self.room = max(LEAST, min(self.room, max(self._lately) * part))


def _is_read(method: str, refused: Refused) -> bool:
    """Forms of pages are sent by people, so they count as reads."""
    return method in READS or refused.is_page

"""One timer of a connection, for the time limit of whatever it waits for: a timer for each request would cost more than its parsing."""

import asyncio
import math
from collections.abc import Callable

NEVER = math.inf


class Deadline:
    """Calls `missed` at the time that was set last, unless there is none by then."""

    __slots__ = ("_at", "_due", "_loop", "_missed", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, missed: Callable[[], None]) -> None:
        self._loop, self._missed = loop, missed
        self._timer: asyncio.TimerHandle | None = None
        self._at = self._due = NEVER

    @property
    def is_set(self) -> bool:
        return self._at != NEVER

    def after(self, seconds: float) -> None:
        self._at = self._loop.time() + seconds
        if self._timer is None:
            self._look_at(self._at)
        elif self._at < self._due:
            self._timer.cancel()
            self._look_at(self._at)

    def none(self) -> None:
        self._at = NEVER

    def stop(self) -> None:
        """For good: what is to be called then is not referred to any longer."""
        self._at, self._missed = NEVER, _nothing
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_at(self, due: float) -> None:
        self._due = due
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._at <= self._loop.time():
            self._missed()
        elif self._at != NEVER:
            self._look_at(self._at)


def _nothing() -> None:
    """Is called instead, once it is stopped."""

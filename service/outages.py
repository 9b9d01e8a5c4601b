"""The log lines about a database outage: one for each reason, and one at the end, however many requests fail."""

import logging
import time

from events.database import NotReached, Overloaded, Unavailable

CALM_SECONDS = 5.0
"""After this many seconds without a failure, the outage is over."""

AGAIN_SECONDS = 600.0
MOST_REASONS = 20

log = logging.getLogger("muniment.database")


class Outages:
    """One per process."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}
        self._began = self._last = 0.0

    def notice(self, fault: Exception) -> None:
        """Log a database failure that refused a request or delayed work."""
        if isinstance(fault, NotReached | Overloaded):
            return
        self._last = time.monotonic()
        if not self._said:
            self._began = self._last
        text = str(fault)
        if self._last < self._said.get(text, -AGAIN_SECONDS) + AGAIN_SECONDS or len(self._said) >= MOST_REASONS:
            return
        self._said[text] = self._last
        log.warning("%s", fault if isinstance(fault, Unavailable) else f"the database was lost: {fault}")

    def all_is_well(self) -> None:
        """End the outage if it is over. Called whenever the log could be followed."""
        if self._said and time.monotonic() > self._last + CALM_SECONDS:
            self._said.clear()
            log.warning("the database can be used again; it took %.0f s", self._last - self._began)

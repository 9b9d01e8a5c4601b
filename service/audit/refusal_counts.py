"""The refusals of a minute in this process that were not recorded one by one: how many of which kind."""

from collections import Counter
from datetime import datetime

from msgspec import Struct

from events.refusal import RefusalsLeftOut


class LeftOut(Struct, frozen=True, kw_only=True):
    """The counts by kind since a time."""

    counts: Counter[str]
    since: datetime

    def event(self, at: datetime) -> RefusalsLeftOut:
        return RefusalsLeftOut(counts=dict(sorted(self.counts.items())), since=self.since, at=at)


class RefusalCounts:
    """One per process. There are few kinds, so the counts stay small however many refusals there are."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._began: datetime | None = None

    def count(self, kind: str, at: datetime) -> None:
        self._counts[kind] += 1
        self._began = self._began or at

    def take(self, before: datetime) -> LeftOut | None:
        """Return what is to be recorded now, and begin a new minute, if the present one began before that time."""
        if self._began is None or self._began > before:
            return None
        taken = LeftOut(counts=self._counts, since=self._began)
        self._counts, self._began = Counter(), None
        return taken

    def put_back(self, taken: LeftOut) -> None:
        """These could not be recorded, and are recorded with the next ones."""
        self._counts += taken.counts
        self._began = taken.since

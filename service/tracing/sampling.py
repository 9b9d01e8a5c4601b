"""Which requests are recorded."""

import random
import time
from collections.abc import Callable

from service.tracing.variables import PER_SECOND, Traces
from service.values.traceparent import Trace


class Sampling:
    """Decides as the standard samplers do, except in two points, because callers are strangers.

    A caller could name trace ids that a ratio of ids always selects, so the ratio is of random numbers. A caller could set the flag
    `sampled` in each request, so a parent-based sampler obeys it PER_SECOND times a second. Beyond that a ratio decides, and without one
    such a request is not recorded: those without a caller's flag have an allowance of their own, which no caller can use up.
    """

    def __init__(self, traces: Traces, clock: Callable[[], float] = time.monotonic) -> None:
        self._parent_based = traces.parent_based
        self._ratio = traces.ratio
        self._own, self._obeyed = Allowance(clock), Allowance(clock)

    def records(self, caller: Trace | None) -> bool:
        if caller is None or not self._parent_based:
            return self._decides()
        return caller.sampled and (self._by_ratio() or self._obeyed.take())

    def _decides(self) -> bool:
        return self._own.take() if self._ratio is None else self._by_ratio()

    def _by_ratio(self) -> bool:
        return self._ratio is not None and random.random() < self._ratio  # noqa: S311 - nothing is secret about it


class Allowance:
    """PER_SECOND a second, and never more than these at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._full_at = clock()
        """When the allowance will be whole again."""

    def take(self) -> bool:
        now = self._clock()
        if self._full_at - now > 1 - 1 / PER_SECOND:
            return False
        self._full_at = max(self._full_at, now) + 1 / PER_SECOND
        return True

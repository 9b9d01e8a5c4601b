"""Counts the lines of the process's own log: each error is one that an operator has to know of."""

import logging
from collections.abc import Mapping

from service.metrics.cells import Counter


class _Counting(logging.Handler):
    def __init__(self, warnings: Counter, errors: Counter) -> None:
        super().__init__(logging.WARNING)
        self._warnings, self._errors = warnings, errors

    def emit(self, record: logging.LogRecord) -> None:
        (self._errors if record.levelno >= logging.ERROR else self._warnings).inc()


def count_messages(counters: Mapping[str, Counter]) -> logging.Handler:
    """Count from now on the warnings and errors of every logger, until the root logger loses this handler."""
    handler = _Counting(counters["warning"], counters["error"])
    logging.getLogger().addHandler(handler)
    return handler

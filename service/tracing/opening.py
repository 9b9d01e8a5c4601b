"""Begins to record requests in this process, if a variable asks for it."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from service.tracing.spans import recording
from service.tracing.variables import Traces

if TYPE_CHECKING:
    from service.tracing.recorder import Recorder

log = logging.getLogger("muniment.traces")


class Tracing:
    """What records the requests of this process. `recorder` is None while nothing is recorded."""

    recorder: "Recorder | None" = None

    @asynccontextmanager
    async def open(self, traces: Traces | None) -> AsyncGenerator[None]:
        """Record what `traces` says. What follows in this context, and its tasks, is recorded as background work."""
        for remark in traces.remarks if traces else ():
            log.warning("%s", remark)
        if traces is None or not traces.sent:
            yield
            return
        from service.tracing.export import exporting  # noqa: PLC0415 - 12 MB that nothing else needs
        from service.tracing.recorder import Background  # noqa: PLC0415

        with exporting(traces) as self.recorder:
            recording.set(None if self.recorder is None else Background(self.recorder))
            yield

"""The exporter: a thread of the process that was started, beside its workers, which shows what they count and what they share."""

import asyncio
import logging
import os
import platform
import socket
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib import metadata
from pathlib import Path

from service.configuration.settings import Settings
from service.exporter import readings
from service.exporter.listener import Listener
from service.exporter.page import CONTENT_TYPE, page
from service.exporter.readings import Reading
from service.exporter.shared_state import SharedState
from service.exporter.workers import Workers
from service.metrics import families
from service.metrics.cells import DIRECTORY, Cells
from service.metrics.messages import count_messages

FRESH_SECONDS = 1.0
"""How long a page is shown again."""

END_SECONDS = 5.0
PREFIX = "muniment-metrics-"

log = logging.getLogger("muniment.metrics")


class Exporter:
    """Makes the page, at most once a second, for however many ask."""

    def __init__(self, workers: Workers, state: SharedState) -> None:
        self._workers, self._state = workers, state
        self._started = time.time()
        self._one_at_a_time = asyncio.Lock()
        self._page, self._until = b"", 0.0

    async def page(self) -> tuple[str, bytes]:
        async with self._one_at_a_time:
            if time.monotonic() > self._until:
                shared = await self._state.readings()
                totals = self._workers.totals()
                self._page = page(totals, [*self._own(), *shared])
                self._until = time.monotonic() + FRESH_SECONDS
            return CONTENT_TYPE, self._page

    def _own(self) -> list[Reading]:
        return [
            Reading(readings.BUILD, 1, (metadata.version("muniment"), platform.python_version())),
            Reading(readings.STARTED, self._started),
            Reading(readings.WORKERS, self._workers.alive),
            Reading(readings.ENDED, self._workers.ended),
        ]


@contextmanager
def running(settings: Settings, sockets: Sequence[socket.socket], *, workers: int) -> Generator[None]:
    """Show metrics on these sockets until the end of the block, in which the workers are started."""
    with _parent(workers) as parent, _directory() as directory:
        os.environ[DIRECTORY] = str(directory)
        thread = _Thread(settings, sockets, Workers(directory, parent))
        thread.start()
        try:
            yield
        finally:
            thread.end()
            del os.environ[DIRECTORY]


@contextmanager
def _parent(workers: int) -> Generator[Cells | None]:
    """Count the warnings and errors of this process, such as those about its Postgres. The only worker counts its own."""
    if workers == 1:
        yield None
        return
    cells = Cells((families.MESSAGES,))
    handler = count_messages({level: cells.counter(families.MESSAGES, level) for level in families.LEVELS})
    try:
        yield cells
    finally:
        logging.getLogger().removeHandler(handler)


@contextmanager
def _directory() -> Generator[Path]:
    """A new directory for the files of the workers, or a name without one: on a full disk the service starts all the same."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True))
        except OSError:
            log.exception("no worker is shown in the metrics until a restart: no temporary directory can be made")
            made = f"/nonexistent/{PREFIX}"
        yield Path(made)


class _Thread(threading.Thread):
    def __init__(self, settings: Settings, sockets: Sequence[socket.socket], workers: Workers) -> None:
        super().__init__(name="metrics", daemon=True)
        self._settings, self._sockets, self._workers = settings, sockets, workers
        self._loop = asyncio.new_event_loop()
        self._ends = asyncio.Event()

    def run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._run())
        except Exception:
            log.exception("the metrics are not shown any more")

    def end(self) -> None:
        with suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._ends.set)
        self.join(END_SECONDS)

    async def _run(self) -> None:
        assert self._settings.database_url is not None
        state = SharedState(self._settings.database_url, self._settings)
        exporter = Exporter(self._workers, state)
        listening = asyncio.create_task(Listener(exporter.page, self._sockets).run())
        ends = asyncio.create_task(self._ends.wait())
        try:
            await asyncio.wait([listening, ends], return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                listening.result()
        finally:
            for task in (listening, ends):
                task.cancel()
            await asyncio.gather(listening, ends, return_exceptions=True)
            await state.close()

"""Watches a server while it is in use, and restarts it when it dies."""

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager

import psutil

from service.embedded import creation, postmaster, server_log
from service.embedded.errors import DirectoryRefused, EmbeddedError
from service.embedded.locks import changing
from service.embedded.server import Server, ensure

LOG = logging.getLogger(__name__)
TICK_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


@contextmanager
def supervised(server: Server, process: psutil.Process) -> Generator[None]:
    """Restarts the server when its postmaster dies. Of several users only one restarts it, and the others join it."""
    stopping = threading.Event()
    thread = threading.Thread(target=_watch, args=(server, process, stopping), name="postgres-supervisor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _watch(server: Server, process: psutil.Process, stopping: threading.Event) -> None:
    pause = TICK_SECONDS
    while not stopping.wait(pause):
        try:
            if not postmaster.is_alive(process):
                process = _revived(server, process, stopping)
            if server_log.is_full(server.place):
                with changing(server.place):
                    server_log.turn(server.place)
            pause = TICK_SECONDS
        except Exception as error:
            # The thread must go on after any error, because an operator may repair the cause, such as a full disk.
            unforeseen = not isinstance(error, EmbeddedError)
            LOG.error("Postgres is down: %s", error, exc_info=unforeseen)  # noqa: TRY400  (our own errors need no traceback)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _revived(server: Server, dead: psutil.Process, stopping: threading.Event) -> psutil.Process:
    with changing(server.place):
        if stopping.is_set():
            return dead  # We stopped while we waited, so no process would stop a server that we start now.
        if not creation.exists(server.place):
            raise DirectoryRefused(f"{server.place.cluster} was removed while in use; restart Muniment.")
        process = ensure(server)
    LOG.warning("Postgres (pid %d) died and runs again (pid %d)", dead.pid, process.pid)
    return process

"""uvicorn, with a word to the person at the terminal: when it really answers, and when it stops."""

import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

STOPPING = b"\n  Stopping: requests under way are still answered, for ten seconds at most.\n"
READY = "/health/ready"
ANSWERED_FROM_HERE_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class _One(uvicorn.Server):
    """A single process. A second Ctrl-C changes nothing: it would cut the shutdown off in the middle, with a traceback."""

    stopping = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.stopping:
            return
        self.stopping = True  # before anything is called: the second may come while the first is handled
        _say_stopping()
        super().handle_exit(sig, frame)


class _Several(Multiprocess):
    def handle_int(self) -> None:
        self.handle_term()

    def handle_term(self) -> None:
        if not self.should_exit.is_set():
            _say_stopping()
        super().handle_term()


def run(sockets: list[socket.socket], answers: Callable[[], None], **options: Any) -> bool:
    """Until a signal; `answers` is called once requests are answered. False when it never got so far."""
    config = uvicorn.Config("service.app:create", factory=True, **options)
    threading.Thread(target=_announce, args=(sockets[0], answers), daemon=True).start()
    started = True
    try:
        if config.workers > 1:
            _Several(config, sockets=sockets).run()
        else:
            server = _One(config)
            try:
                server.run(sockets=sockets)
            finally:
                started = server.started
    except KeyboardInterrupt:  # how uvicorn passes Ctrl-C on once it has shut down
        started = True
    finally:
        # What is left is to stop Postgres, in a second: nothing is won by being torn from that.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    return started


def _announce(listening: socket.socket, answers: Callable[[], None]) -> None:
    name: tuple[Any, ...] = listening.getsockname()
    host, port = str(name[0]), int(name[1])
    while not _is_ready(ANSWERED_FROM_HERE_AT.get(host, host), port):
        time.sleep(0.05)
    with suppress(OSError):  # the reader has closed it
        answers()


def _is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    with suppress(OSError, http.client.HTTPException), closing(connection):
        connection.request("GET", READY)
        return connection.getresponse().status == 200
    return False


def _say_stopping() -> None:
    with suppress(OSError):
        os.write(1, STOPPING)  # in a signal handler, where what is buffered may be half written

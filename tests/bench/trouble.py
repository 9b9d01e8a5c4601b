"""What goes wrong, or is done, beside the load: slow clients, a slow or halting Postgres, a vacuum, a rebuild and a backup."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psutil

from service.embedded.binaries import find
from tests.bench.machine import environment
from tests.bench.peers import MUNIMENT, Peer, settings_of

PAUSE_SECONDS = 0.2
UNREAD = b"GET /openapi.json HTTP/1.1\r\nHost: test\r\n\r\n"


@contextmanager
def again_and_again(act: Callable[[threading.Event], None]) -> Generator[None]:
    """`act` is called in a thread, over and over, until the load has ended; it waits only for the event."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            act(over)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def slow_clients(peer: Peer) -> Generator[None]:
    """One sends and reads a byte a second; another asks for ten megabytes and reads nothing."""
    with (
        socket.create_connection(peer.server.address) as slow,
        socket.create_connection(peer.server.address) as deaf,
    ):
        slow.settimeout(0.01)
        left = bytearray(UNREAD)

        def one_byte(over: threading.Event) -> None:
            with suppress(OSError):
                slow.send(left[:1] if left else UNREAD[:1])
                del left[:1]
                slow.recv(1)
            over.wait(1.0)

        deaf.setblocking(False)
        with suppress(BlockingIOError):
            deaf.send(UNREAD * 50)
        with again_and_again(one_byte):
            yield


@contextmanager
def pauses(postmaster: int) -> Generator[None]:
    """All of Postgres stands still for PAUSE_SECONDS in each second."""

    def pause(over: threading.Event) -> None:
        stopped = psutil.Process(postmaster).children()
        try:
            for each in stopped:
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(signal.SIGSTOP)
            over.wait(PAUSE_SECONDS)
        finally:
            for each in stopped:
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(signal.SIGCONT)
        over.wait(1 - PAUSE_SECONDS)

    with again_and_again(pause):
        yield


def _repeated(*command: str | Path, env: dict[str, str]) -> Callable[[threading.Event], None]:
    def run(over: threading.Event) -> None:
        subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True)
        over.wait(0.1)

    return run


def vacuum(url: str) -> Callable[[threading.Event], None]:
    return _repeated(_program("vacuumdb"), "--analyze", *_where(url), env=_login(url))


def backup(url: str) -> Callable[[threading.Event], None]:
    """As deploy/operating.md has it."""
    return _repeated(_program("pg_dump"), "--format=custom", *_where(url), env=_login(url))


def rebuild(url: str) -> Callable[[threading.Event], None]:
    settings = environment(**settings_of(url, 1))
    return _repeated(MUNIMENT, "projections", "rebuild", "clients", "client_history", env=settings)


def _program(name: str) -> Path:
    return find(None, None).path / name


def _where(url: str) -> tuple[str, ...]:
    parts, asked = urlsplit(url), parse_qs(urlsplit(url).query)
    return ("-h", asked["host"][0], "-p", asked["port"][0], "-U", parts.username or "", "-d", parts.path.lstrip("/"))


def _login(url: str) -> dict[str, str]:
    return {**os.environ, "PGPASSWORD": unquote(urlsplit(url).password or "")}

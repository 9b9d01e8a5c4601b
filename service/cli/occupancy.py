"""One service at a time on a data directory: a lock that the kernel lets go of when its holder dies, and who holds it."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from service.cli.opening import Plainly

FILE = "serving"


def check(data: Path) -> None:
    """Raises Plainly when a service runs on this directory."""
    place = data / FILE
    if place.exists():
        with _opened(place) as file:
            _lock(file, data)


@contextmanager
def occupied(data: Path, address: str) -> Generator[None]:
    """For as long as we are the service of this directory. Raises Plainly when another one is."""
    with _opened(data / FILE) as file:
        _lock(file, data)
        file.truncate(0)
        file.write(f"pid {os.getpid()}, at {address}\n")
        file.flush()
        yield
        file.truncate(0)


def _opened(place: Path) -> TextIO:
    return os.fdopen(os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644), "r+")


def _lock(file: TextIO, data: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        who = file.read().strip() or "which has just begun"
        raise Plainly(
            f"already running, {who}: stop that one first, or name another directory than {data} in MUNIMENT_DATA"
        ) from fault

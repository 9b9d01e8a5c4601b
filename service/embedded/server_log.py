"""The server's log: one file beside the cluster, and the previous one."""

import os

from service.embedded.directory import Directory
from service.embedded.locks import open_file

LIMIT_BYTES = 8 * 1024 * 1024
SHOWN_BYTES = 4096


def is_full(place: Directory) -> bool:
    return place.log.exists() and place.log.stat().st_size > LIMIT_BYTES


def turn(place: Directory) -> None:
    """Copies a full log to the previous file and truncates it; the server goes on appending. Call it only within `changing`.

    So both files together never exceed about twice LIMIT_BYTES.
    """
    if is_full(place):
        with open_file(place, place.log.name) as log, open_file(place, f"{place.log.name}.1") as aside:
            os.ftruncate(aside, 0)
            os.write(aside, tail(log, 0, LIMIT_BYTES))
            os.ftruncate(log, 0)


def tail(log: int, start: int, most: int = SHOWN_BYTES) -> bytes:
    """Returns the end of an open log, at most `most` bytes and nothing before `start`."""
    size = os.fstat(log).st_size
    return os.pread(log, most, max(start, size - most))

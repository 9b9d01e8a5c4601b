"""The server's log: one file beside the cluster, and the one before it."""

import os

from service.embedded.directory import Directory
from service.embedded.locks import open_file

LIMIT_BYTES = 8 * 1024 * 1024
SHOWN_BYTES = 4096


def is_full(place: Directory) -> bool:
    return place.log.exists() and place.log.stat().st_size > LIMIT_BYTES


def turn(place: Directory) -> None:
    """Set a full log aside and begin it anew under the server's hands, which appends; only called while `changing` the cluster.

    So it never takes more than about twice LIMIT_BYTES, however long the server runs.
    """
    if is_full(place):
        with open_file(place, place.log.name) as log, open_file(place, f"{place.log.name}.1") as aside:
            os.ftruncate(aside, 0)
            os.write(aside, tail(log, 0, LIMIT_BYTES))
            os.ftruncate(log, 0)


def tail(log: int, start: int, most: int = SHOWN_BYTES) -> bytes:
    """The last of what an open log says, none of it from before `start`."""
    size = os.fstat(log).st_size
    return os.pread(log, most, max(start, size - most))

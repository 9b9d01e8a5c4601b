"""Two file locks: one for the users of a cluster, one for its changes. The kernel releases them when their holder dies."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager

from service.embedded.directory import Directory, open_beside


@contextmanager
def in_use(place: Directory) -> Generator[int]:
    """Registers the caller as a user of this cluster. Yields the lock's descriptor. Raises DirectoryRefused."""
    with open_file(place, "postgres.users") as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield descriptor


@contextmanager
def changing(place: Directory) -> Generator[None]:
    """Gives the caller the only right to make, start or stop this cluster. Raises DirectoryRefused."""
    with open_file(place, "postgres.lock") as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def is_last_user(descriptor: int) -> bool:
    """Returns whether the caller is the only user of the cluster. Call it only within `changing`, before leaving."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def open_file(place: Directory, name: str) -> Generator[int]:
    """Yields an open file beside the cluster and closes it afterwards. Raises DirectoryRefused."""
    descriptor = open_beside(place, name)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
